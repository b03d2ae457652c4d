// The journey of a team through the pages, in Chromium, against a running stack: `node e2e/journey.mjs` with
//
//	CRUMPET_URL, CRUMPET_USER, CRUMPET_PASSWORD   where it answers, and an admin who signs in with a password
//	MODE      short: what `make browser` runs; keyboard (or KEYBOARD=1): from signing in to scaling with the keyboard alone;
//	          pages: only looks at every page of APP, which is there, and at what opens on them; dialogs: only at the latter;
//	          whole, or none: everything
//	SHOTS     a folder for pictures of every page, light and dark, wide and on a phone
//
// Each step is printed with its time. It fails with the first step that can't be done, and at the end with whatever was wrong
// on the way: an error of a page or its console, a source that its policy refuses, a violation that axe finds, an answer
// that nobody expects, a dialog or a request that a text made.
import { invite, viewer } from "./access.mjs";
import * as apps from "./apps.mjs";
import { env, fault, faults, launch, step, visitor } from "./browser.mjs";
import * as dialogs from "./dialogs.mjs";
import { keyboard, pointer } from "./hands.mjs";
import { hostile } from "./hostile.mjs";
import { look, lookAt, visit } from "./pages.mjs";

const mode = process.env.KEYBOARD ? "keyboard" : (process.env.MODE ?? "whole");
const team = "default";
const name = process.env.APP; // where more than one journey is made on a stack
const viewerName = `${name ?? "shop"}-viewer`;
const password = "a journey of some length";
const unknown = [/^401 GET \/v1\/self$/]; // what nobody signed in is told: nothing else is asked for

async function main(browser) {
  const me = await visitor(browser);
  me.expect(...unknown);
  const hands = mode === "keyboard" ? keyboard(me.page) : pointer(me.page);
  if (mode === "short") return short(browser, hands);
  if (mode === "pages" || mode === "dialogs") {
    await step("look at the page of signing in", () => signingIn(me.page));
    await step("sign in", () => apps.signIn(hands));
    if (mode === "pages") await pictures(hands, name);
    return opened(me, hands, name);
  }
  const app = name ?? (mode === "keyboard" ? "keys" : "shop");
  const address = await first(hands, app);
  if (mode === "keyboard") return;

  await step("set a secret", () => apps.secret(hands, "API_KEY", "correct-horse-battery-staple"));
  await step("give a canary half of the requests, and promote it", () =>
    apps.canary(hands, app, "Half and half", address),
  );
  await step("follow the log", () => apps.logs(hands));
  me.expect(/^422 GET /); // of an app whose name is markup
  const texts = await hostile(hands, app, team);
  await refused(browser, hands, app, texts);
  await pictures(hands, app);
  await opened(me, hands, app);
}

/** The page of signing in, as it comes and with its faults. */
async function signingIn(page) {
  await visit(page, "/login");
  await look(page, "sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await look(page, "sign-in-fault");
}

/** What opens on pages, and the pages that need something to show first. */
async function opened(me, hands, app) {
  const { page } = hands;
  const service = await dialogs.service(page, team);
  await step("look at a service instance, and at a CLI that asks", () =>
    lookAt(page, [
      ["service", `/services/${team}/${service}`],
      ["cli-consent", "/login/cli?challenge=c&state=s&host=laptop&redirect=http%3A%2F%2F127.0.0.1%3A9%2Fdone"],
      ["cli-link", "/login/cli"],
    ]),
  );
  await step("look at every dialog", async () => {
    console.log(`          ${await dialogs.openDialogs(page, team, app, service)} dialogs`);
  });
  await step("look at the menus, the palette and the list of keys", () => dialogs.openMenus(page));
  me.expect(/^422 POST /); // a spec with a fault
  await step("look at the editor, and put several lines in at once", () => dialogs.editor(hands, team, app));
}

const pictures = ({ page }, app) =>
  step("look at every page with axe and on pictures", async () => {
    const count = await lookAt(page, await pagesOf(page, app));
    console.log(`          ${count} looks`);
  });

/** The first journey: from signing in to a roll back and another number of instances. */
async function first(hands, app) {
  const { page } = hands;
  await step("sign in", () => apps.signIn(hands));
  await step("create an app from a template", () => apps.create(hands, app, /^Web app in Go/));
  await step("watch it go live", async () => {
    await apps.ends(page, "Healthy");
    await apps.timeline(page);
  });
  const address = await step("open it", () => apps.opens(hands, app, `Hello from ${app}`));
  await step("push a broken release, and read why it was walked back", () => apps.breaks(hands, app));
  await step("call a release off", () => apps.aborts(hands, app));
  await step("release another greeting, and roll back", () =>
    apps.rollsBack(hands, app, "Good evening", `Hello from ${app}`),
  );
  await step("scale it", () => apps.scales(hands, "web", 3));
  return address;
}

/** The short form: the same with less waiting. */
async function short(browser, hands) {
  const { page } = hands;
  const app = name ?? "shop";
  await step("sign in", () => apps.signIn(hands));
  await step("create an app from a template", () => apps.create(hands, app, /^Web app in Go/));
  await step("watch it go live", async () => {
    await apps.ends(page, "Healthy");
    await apps.timeline(page);
  });
  await step("open it", () => apps.opens(hands, app, `Hello from ${app}`));
  await step("scale it", () => apps.scales(hands, "web", 3));
  await step("set a secret", () => apps.secret(hands, "API_KEY", "correct-horse-battery-staple"));
  await refused(browser, hands, app);
  await step("look at the main pages with axe", async () => {
    const pages = (await pagesOf(page, app)).filter(([name]) =>
      ["apps", "app", "deploys", "deployment", "team"].includes(name),
    );
    await lookAt(page, pages, [
      ["wide", "light"],
      ["phone", "dark"],
    ]);
  });
}

async function refused(browser, hands, app, texts) {
  await step("make a user and invite it as a viewer", () => invite(hands, viewerName, password, team, texts?.fullName));
  const deployment = (await pagesOf(hands.page, app)).deployment;
  await step("sign in as the viewer, who may do none of it", async () => {
    const them = await viewer(browser, viewerName, password, team, app, deployment);
    console.log(`          ${them.refused} buttons say why, ${them.calls} calls are refused`);
    if (mode !== "short") {
      const pages = (await pagesOf(them.page, app)).filter(([name]) =>
        ["apps", "config", "scale", "team"].includes(name),
      );
      await lookAt(
        them.page,
        pages.map(([name, path]) => [`viewer-${name}`, path]),
      );
    }
    await them.context.close();
  });
}

/** Every page there is, by name and address. */
async function pagesOf(page, app) {
  const of = `/apps/${team}/${app}`;
  const last = await page.evaluate(
    async (url) => (await (await fetch(url)).json()).items[0].id,
    `/v1/apps/${app}/deployments?team=${team}`,
  );
  const pages = [
    ["apps", "/apps"],
    ["new-app", "/apps/new"],
    ["app", of],
    ["deploys", `${of}/deploys`],
    ["compare", `${of}/deploys?from=1&to=2`],
    ["deployment", `${of}/deploys/${last}`],
    ["logs", `${of}/logs`],
    ["config", `${of}/config`],
    ["app-services", `${of}/services`],
    ["scale", `${of}/scale`],
    ["app-activity", `${of}/activity`],
    ["settings", `${of}/settings`],
    ["services", "/services"],
    ["activity", "/activity"],
    ["audit", "/activity?view=audit"],
    ["teams", "/teams"],
    ["team", `/teams/${team}`],
    ["users", "/users"],
    ["tokens", "/tokens"],
    ["platform", "/platform"],
    ["missing", "/nowhere"],
  ];
  pages.deployment = last;
  return pages;
}

const browser = await launch();
try {
  await main(browser);
} catch (error) {
  fault(error.stack);
  const page = browser.contexts().at(-1)?.pages().at(-1);
  if (page && env.shots) await page.screenshot({ path: `${env.shots}/failed.png` }).catch(() => {});
  if (page) console.log(`It stands at ${page.url()}:\n${await page.getByRole("main").ariaSnapshot().catch(String)}`);
} finally {
  await browser.close();
}
for (const f of new Set(faults)) console.error(`wrong: ${f}`);
console.log(faults.length === 0 ? "Nothing is wrong." : `${new Set(faults).size} things are wrong.`);
process.exit(faults.length === 0 ? 0 : 1);
