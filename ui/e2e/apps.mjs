// What a person does with an app, each a part of the journey. All of it goes by what a reader sees: roles and names.
import { get } from "node:http";
import { env, seen, until } from "./browser.mjs";
import { editSpec } from "./hands.mjs";

const walk = 90_000; // ms that a build or a deployment may take on a busy machine

export async function signIn({ page, write, press }, user = env.user, password = env.password) {
  await page.goto(`${env.url}/`);
  await write(page.getByRole("textbox", { name: "User" }), user);
  await write(page.getByLabel("Password", { exact: true }), password);
  await press(page.getByRole("button", { name: "Sign in" }));
  await seen(page.getByRole("heading", { name: "Apps", level: 1 }));
}

/** Goes to one of an app's pages by its tab. */
export async function tab(hands, name) {
  const { page, press } = hands;
  const link = page.getByRole("navigation", { name: /^Pages of/ }).getByRole("link", { name, exact: true });
  await press(link);
  await page.locator('nav[aria-label^="Pages of"] a[aria-current="page"]').filter({ hasText: name }).waitFor();
}

/** Creates an app from a template, from the list of apps. It ends on the page of its first deployment. */
export async function create(hands, app, template) {
  const { page, press, pick, write } = hands;
  await press(page.getByRole("link", { name: "Crumpet: apps" }));
  await press(page.getByRole("link", { name: /^(New app|Start from a template)$/ }).first());
  await pick(page.getByRole("radio", { name: template }));
  await write(page.getByRole("textbox", { name: "Name" }), app);
  await press(page.getByRole("button", { name: `Create ${app}` }));
  await seen(page.getByRole("heading", { name: `New app ${app}` }));
  await page.waitForURL(/\/deploys\/[^/]+$/, { timeout: walk });
  await seen(page.getByRole("list", { name: "From the push of release 1 to serving" }));
}

/** Waits on the page of a deployment until it has ended, so. */
export async function ends(page, word) {
  const title = page.getByRole("heading", { level: 2 }).filter({ hasText: "Deployments" });
  await title.filter({ hasText: word }).waitFor({ timeout: walk });
}

/** What the timeline says of the steps of the deployment: each done, with its time. */
export async function timeline(page) {
  const steps = page.getByRole("list", { name: /^From the push of release/ }).getByRole("listitem");
  const texts = await steps.allInnerTexts();
  if (texts.length < 3) throw new Error(`the timeline has ${texts.length} steps: ${texts.join(" | ")}`);
  if (!texts.some((t) => /\+[\d.]+ m?s/.test(t)))
    throw new Error(`no step says how long it took: ${texts.join(" | ")}`);
}

/** Opens the app as its page says, in a tab of its own, and reads its heading. */
export async function opens({ page, press }, app, heading) {
  const tab = page.context().waitForEvent("page");
  await press(page.getByRole("link", { name: `Open ${app} in a new tab` }));
  const of = await tab;
  await of.getByRole("heading", { name: heading, exact: true }).waitFor();
  const address = of.url();
  await of.close();
  return address;
}

/** Releases another spec through the editor. It ends on the page of the deployment, which is on its way. */
export async function release(hands, app, note, change) {
  const { page, press, write } = hands;
  await tab(hands, "Deployments");
  await press(page.getByRole("button", { name: "New release" }));
  await editSpec(hands, app, change);
  await write(page.getByRole("textbox", { name: /^Note/ }), note);
  await press(page.getByRole("button", { name: "Plan", exact: true }));
  await seen(page.getByRole("region", { name: "Plan" }));
  await press(page.getByRole("button", { name: /^Deploy release \d+$/ }));
  await page.waitForURL(/\/deploys\/[^/]+$/);
}

/** Reads on the pages why a release did not come up, and that the one before it serves on. */
export async function breaks(hands, app) {
  const { page } = hands;
  await release(hands, app, "Ask for a page that is not there", (text) => text.replace('"/healthz"', '"/nowhere"'));
  // While it is still on its way, long before it is walked back.
  const why = page.getByRole("region", { name: "Why", exact: true });
  await seen(why.getByText(/GET \/nowhere answered 404 Not Found/), walk);
  await seen(page.getByText(/answers its health check \/nowhere with 404 Not Found/), walk);
  await ends(page, "Reverted");
  await tab(hands, "Overview");
  await seen(page.getByText(/^Release \d+ was walked back; release \d+ serves$/));
  await seen(page.getByText(/answers its health check \/nowhere with 404 Not Found/));
}

/** Calls a release off while it is on its way. */
export async function aborts(hands, app) {
  const { page, press } = hands;
  await release(hands, app, "To be called off", (text) => text.replace('"/healthz"', '"/elsewhere"'));
  await press(page.getByRole("button", { name: "Abort" }));
  await press(page.getByRole("dialog").getByRole("button", { name: "Walk back" }));
  await ends(page, /Reverted|Canceled/);
}

/** Restores release 1 after another one, with a look at what differs. */
export async function rollsBack(hands, app, greeting, before) {
  const { page, press } = hands;
  await release(hands, app, "Another greeting", (text) => text.replace(/GREETING = ".*"/, `GREETING = "${greeting}"`));
  await ends(page, "Healthy");
  await opens(hands, app, greeting);
  await tab(hands, "Deployments");
  await press(page.getByRole("button", { name: "Roll back to release 1" }));
  const dialog = page.getByRole("dialog", { name: "Roll back to release 1" });
  await seen(dialog.getByRole("region", { name: "Plan" }));
  await hands.turn(dialog.getByRole("tab", { name: "What differs" }), dialog.getByRole("tab", { name: "Plan" }));
  await seen(dialog.getByText("env.GREETING"));
  await press(dialog.getByRole("button", { name: "Roll back" }));
  await page.waitForURL(/\/deploys\/[^/]+$/);
  await ends(page, "Healthy");
  await opens(hands, app, before);
}

/** Scales a process and waits until as many serve. */
export async function scales(hands, process, count) {
  const { page, press, write } = hands;
  await tab(hands, "Scale");
  await write(page.getByRole("spinbutton", { name: `Instances of ${process}` }), String(count));
  await press(page.getByRole("button", { name: "Scale", exact: true }));
  await page.waitForURL(/\/deploys\/[^/]+$/);
  await tab(hands, "Overview");
  const healthy = page.getByRole("link", { name: new RegExp(`^${process}\\.\\d+: Healthy`) });
  await healthy.nth(count - 1).waitFor({ timeout: walk });
}

/** Gives a new release half of the requests, looks at both, and promotes it. */
export async function canary(hands, app, greeting, address) {
  const { page, press } = hands;
  await release(hands, app, "Half of the requests first", (text) =>
    text
      .replace(/GREETING = ".*"/, `GREETING = "${greeting}"`)
      .replace(
        /\n}\s*$/,
        '\n\n  deploy {\n    strategy = "canary"\n    canary {\n      traffic = [50]\n      promote = "manual"\n    }\n  }\n}\n',
      ),
  );
  const panel = page.getByRole("region", { name: "New against old" });
  await panel.getByRole("img", { name: /^50 % of requests to release/ }).waitFor({ timeout: walk });
  await seen(page.getByText(/held until it is promoted/i));
  const share = await sharesOf(address, greeting);
  if (share < 0.3 || share > 0.7) throw new Error(`the new release answers ${share} of the requests at 50 %`);
  await press(page.getByRole("button", { name: "Promote" }));
  await press(page.getByRole("dialog").getByRole("button", { name: "Promote" }));
  await ends(page, "Healthy");
  await until("all requests go to the new release", async () => (await sharesOf(address, greeting)) === 1 || "not all");
}

/** Which part of the requests is answered with a greeting. */
async function sharesOf(address, greeting) {
  let hits = 0;
  const all = 60;
  for (let i = 0; i < all; i++) if ((await pageAt(address)).includes(`<h1>${greeting}</h1>`)) hits++;
  return hits / all;
}

/** A page through the router. Names below localhost are this machine to a browser, not to Node. */
const pageAt = (address) =>
  new Promise((done, fails) => {
    const { host, port, pathname } = new URL(address);
    const ask = get({ host: "127.0.0.1", port, path: pathname, headers: { host }, timeout: 10_000 }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => done(Buffer.concat(parts).toString()));
      answer.on("error", fails);
    });
    ask.on("timeout", () => ask.destroy(new Error(`${address} does not answer`)));
    ask.on("error", fails);
  });

/** Reads the log as it is written, and only what matches a word. */
export async function logs(hands) {
  const { page, write } = hands;
  await tab(hands, "Logs");
  const log = page.getByRole("log", { name: /^Lines of the log/ });
  await seen(log.getByText(/listening on/));
  await write(page.getByRole("searchbox", { name: "Find in the log" }), "worked");
  await seen(log.getByText("worked").first());
  const count = () => log.locator("[data-index]").count();
  const before = await count();
  await until("another line is written and shown", async () => (await count()) > before || `${before} lines`, 30_000);
  if ((await log.getByText(/listening on/).count()) > 0) throw new Error("the filter leaves other lines in");
}

/** Sets a secret, which no page shows until somebody asks for it. */
export async function secret(hands, name, value) {
  const { page, press, write, choose } = hands;
  await tab(hands, "Config");
  await press(page.getByRole("button", { name: "Add a key" }));
  await write(page.getByRole("textbox", { name: "Key", exact: true }), name);
  await choose(page.getByRole("combobox", { name: "Kind" }), "Secret");
  await write(page.getByRole("textbox", { name: `Value of ${name}` }), value);
  await press(page.getByRole("button", { name: "Set and deploy" }));
  await press(page.getByRole("link", { name: "Watch it" }));
  await ends(page, "Healthy");
  await tab(hands, "Config");
  await seen(page.getByRole("row", { name: new RegExp(`${name}.*Secret.*hidden`) }));
  if ((await page.content()).includes(value)) throw new Error("the value is in the page before anybody asked for it");
  await press(page.getByRole("button", { name: `Reveal ${name}` }));
  await press(page.getByRole("dialog").getByRole("button", { name: "Show and write it down" }));
  await seen(page.getByText(value, { exact: true }));
  await press(page.getByRole("button", { name: /^Hide values/ }));
  await page.getByText(value, { exact: true }).waitFor({ state: "detached" });
}
