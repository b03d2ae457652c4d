// What opens on a page, looked at while it is open: each dialog, the menus, the palette, and the editor of a spec.
import { fault, seen } from "./browser.mjs";
import { editSpec } from "./hands.mjs";
import { look, visit } from "./pages.mjs";

const looks = [
  ["wide", "light"],
  ["phone", "dark"],
];

/** Makes a service instance that needs no provider, so that there is one to look at. It is there already, or made. */
export async function service(page, team) {
  const name = "legacy";
  const status = await page.evaluate(
    async ({ team, name }) => {
      const headers = { "X-Crumpet-Session": "1", "Content-Type": "application/json" };
      const body = JSON.stringify({ name, credentials: { uri: "https://legacy.example/", user: "shop" } });
      const there = await (await fetch(`/v1/services?team=${team}`)).json();
      if (there.items.some((s) => s.name === name)) return 201;
      return (await fetch(`/v1/services?team=${team}`, { method: "POST", headers, body })).status;
    },
    { team, name },
  );
  if (status >= 300) throw new Error(`a service instance can't be made: ${status}`);
  return name;
}

// Name, page, and the buttons that lead to the dialog, one after the other.
const dialogs = (team, app, service) => {
  const of = `/apps/${team}/${app}`;
  return [
    ["replace", of, [/^Replace web/]],
    ["roll-back", `${of}/deploys`, [/^Roll back to release/]],
    ["import", `${of}/config`, ["Import"]],
    ["reveal", `${of}/config`, [/^Reveal /]],
    ["bind", `${of}/services`, [/^Bind/]],
    ["restart", `${of}/scale`, ["Restart"]],
    ["stop", `${of}/scale`, ["Stop"]],
    ["destroy", `${of}/settings`, [/^Destroy/]],
    ["make-service", `/services?team=${team}`, ["Make an instance"]],
    ["bind-service", `/services/${team}/${service}`, ["Bind to an app"]],
    ["make-key", `/services/${team}/${service}`, ["Make a key"]],
    ["delete-service", `/services/${team}/${service}`, [/^Delete/]],
    ["invite", `/teams/${team}`, ["Invite"]],
    ["make-bot", `/teams/${team}`, ["Make a bot"]],
    ["describe-team", `/teams/${team}`, ["Describe"]],
    ["quota", `/teams/${team}`, ["Change"]],
    ["make-team", "/teams", ["Make a team"]],
    ["make-user", "/users", ["Make a local user"]],
    ["make-token", "/tokens", ["Make a token"]],
    ["change-password", "/tokens", ["Change password"]],
    ["end-session", "/tokens", [/^Sign out/]],
  ];
};

/** Opens one dialog after the other, looks at each, and closes it with Escape. Gives how many there were. */
export async function openDialogs(page, team, app, service) {
  let before = "";
  const all = dialogs(team, app, service);
  for (const [name, path, buttons] of all) {
    if (path !== before) await visit(page, path);
    before = path;
    const main = page.getByRole("main");
    for (const button of buttons) await main.getByRole("button", { name: button }).first().click();
    await isLookedAt(page, `dialog-${name}`, page.getByRole("dialog"));
  }
  return all.length;
}

/** The menus of the bar, the palette and the list of keys. */
export async function openMenus(page) {
  await visit(page, "/apps");
  const bar = page.getByRole("banner");
  for (const [name, open, what] of [
    ["menu-teams", () => bar.getByRole("button", { name: /^Team:/ }).click(), page.getByRole("menu")],
    ["menu-you", () => bar.getByRole("button", { name: /^You:/ }).click(), page.getByRole("menu")],
    ["palette", () => page.keyboard.press("ControlOrMeta+k"), page.getByRole("dialog")],
    ["keys", () => page.keyboard.press("?"), page.getByRole("dialog")],
  ]) {
    await open();
    await isLookedAt(page, name, what);
  }
}

async function isLookedAt(page, name, what) {
  await seen(what, 10_000);
  await look(page, name, looks);
  await page.keyboard.press("Escape");
  await what.waitFor({ state: "detached" }).catch(() => fault(`${name}: Escape does not close it`));
}

/** The editor of a spec: as it opens, with several lines put in at once, with a fault, and with a plan. */
export async function editor(hands, team, app) {
  const { page } = hands;
  await visit(page, `/apps/${team}/${app}/deploys`);
  await page.getByRole("button", { name: "New release" }).click();
  const text = page.getByRole("textbox", { name: `App spec of ${app}` }).and(page.locator(".cm-content"));
  await seen(text);
  await look(page, "editor", looks);
  await editSpec(hands, app, (spec) => spec.replace(/memory( *)=.*/, 'memory$1= "64 MiB and a bit"'));
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await seen(page.getByRole("list", { name: "Faults of the spec" }));
  await look(page, "editor-fault", looks);
  // All of it at once, over what was selected: that is how a spec is pasted, and how a browser fills in a text.
  const lines = await text.evaluate((e) => [...e.querySelectorAll(".cm-line")].map((l) => l.textContent));
  const mended = lines.join("\n").replace("64 MiB and a bit", "72MiB");
  await text.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(mended);
  const got = await text.evaluate((e) => [...e.querySelectorAll(".cm-line")].map((l) => l.textContent).join("\n"));
  if (got !== mended) throw new Error(`the editor holds\n${got}\nand not\n${mended}`);
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await seen(page.getByRole("region", { name: "Plan" }));
  await look(page, "editor-plan", looks);
}
