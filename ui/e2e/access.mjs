// A user is made and invited as a viewer, who sees everything of the team and may do none of it.

import { signIn } from "./apps.mjs";
import { env, fault, seen, visitor } from "./browser.mjs";
import { pointer } from "./hands.mjs";
import { visit } from "./pages.mjs";

/** An admin makes a local user and gives it a role in a team. */
export async function invite({ page, press, write, choose }, user, password, team, fullName = "") {
  await visit(page, "/users");
  await press(page.getByRole("button", { name: "Make a local user" }));
  const made = page.getByRole("dialog");
  await write(made.getByRole("textbox", { name: "Name", exact: true }), user);
  if (fullName) await write(made.getByRole("textbox", { name: /^Full name/ }), fullName);
  await write(made.getByLabel(/^Password/), password);
  await press(made.getByRole("button", { name: "Make", exact: false }));
  await made.waitFor({ state: "detached" });
  await seen(page.getByRole("cell", { name: new RegExp(`^${user}`) }));
  await visit(page, `/teams/${team}`);
  await press(page.getByRole("button", { name: "Invite" }));
  const invited = page.getByRole("dialog");
  await write(invited.getByRole("textbox", { name: "User" }), user);
  await choose(invited.getByRole("combobox", { name: "Role" }), "Viewer");
  await press(invited.getByRole("button", { name: "Give the role" }));
  await invited.waitFor({ state: "detached" });
  await seen(page.getByRole("row", { name: new RegExp(`${user}.*[Vv]iewer`) }));
}

// What stands on the pages of an app and a team, and changes something: page, then the names of its buttons.
const actions = (team, app) => [
  [`/apps/new?team=${team}`, ["Create the app"]],
  [`/apps/${team}/${app}`, [/^Replace web/]],
  [`/apps/${team}/${app}/deploys`, [/^Roll back/]],
  [`/apps/${team}/${app}/config`, ["Import", "Add a key"]],
  [`/apps/${team}/${app}/services`, [/^Bind/]],
  [`/apps/${team}/${app}/scale`, ["Restart", "Stop"]],
  [`/apps/${team}/${app}/settings`, [/^Destroy/]],
  [`/services?team=${team}`, [/^(New|Make|Create)/]],
  [`/teams/${team}`, ["Invite", "Make a bot", "Describe", `Delete ${team}`]],
  ["/teams", ["Make a team"]],
];

/** Signs in as a viewer, and finds each action refused with its reason: by the pages, and by the API behind them. */
export async function viewer(browser, user, password, team, app, deployment) {
  const them = await visitor(browser);
  them.expect(/^401 GET \/v1\/self$/, /^403 /);
  const { page } = them;
  await signIn(pointer(page), user, password);
  let refused = 0;
  for (const [path, names] of actions(team, app)) {
    await visit(page, path);
    for (const name of names) refused += await saysWhy(page, path, name);
  }
  const calls = await asked(page, team, app, deployment);
  return { refused, calls, page, context: them.context };
}

/** A button that may not be pressed still has the focus, and says what it takes. */
async function saysWhy(page, path, name) {
  const button = page.getByRole("main").getByRole("button", { name });
  await seen(button);
  const count = await button.count();
  for (let i = 0; i < count; i++) {
    const one = button.nth(i);
    const why = (await one.getAttribute("title")) ?? "";
    if ((await one.getAttribute("aria-disabled")) !== "true" || !/role|admin/.test(why))
      fault(`${path}: the button ${name} does not say that a viewer may not press it: ${why}`);
  }
  await button.first().click({ force: true });
  await seen(page.getByRole("region", { name: "Messages" }).getByText(/role|admin/), 5_000).catch(() =>
    fault(`${path}: pressing ${name} does not say why nothing happens`),
  );
  if ((await page.getByRole("dialog").count()) > 0) throw new Error(`${path}: ${name} opens a dialog for a viewer`);
  return count;
}

/** What the pages would ask the API, asked with the viewer's own session. */
async function asked(page, team, app, deployment) {
  const of = `/v1/apps/${app}`;
  const calls = [
    ["POST", "/v1/apps", { app: "mine", template: "go-web" }],
    ["POST", `${of}/scale`, { counts: { web: 5 } }],
    ["POST", `${of}/rollback`, { release: 1 }],
    ["POST", `${of}/restart`],
    ["POST", `${of}/stop`],
    ["POST", `${of}/start`],
    ["POST", `${of}/deployments/${deployment}/promote`],
    ["POST", `${of}/deployments/${deployment}/pause`, {}],
    ["POST", `${of}/deployments/${deployment}/abort`],
    ["PATCH", `${of}/config`, { set: [{ name: "A", value: "b" }] }],
    ["POST", `${of}/config/reveal`, {}],
    ["DELETE", of],
    ["PUT", `/v1/teams/${team}/members/${env.user}`, { role: "viewer" }],
    ["POST", `/v1/teams/${team}/bots`, { name: "robot", role: "viewer" }],
    ["PATCH", `/v1/teams/${team}`, { description: "mine" }],
    ["POST", "/v1/users", { name: "another" }],
    ["GET", "/v1/users"],
    ["GET", `/v1/audit?team=${team}`],
    ["GET", "/v1/platform"],
  ];
  const answers = await page.evaluate(
    async ({ calls, team }) => {
      const said = [];
      for (const [method, path, body] of calls) {
        const url = path.startsWith("/v1/apps") ? `${path}?team=${team}` : path;
        const answer = await fetch(url, {
          method,
          headers: { "X-Crumpet-Session": "1", ...(body && { "Content-Type": "application/json" }) },
          body: body && JSON.stringify(body),
        });
        const { code } = await answer.json().catch(() => ({}));
        said.push(`${answer.status} ${code} ${method} ${path}`);
      }
      return said;
    },
    { calls, team },
  );
  const taken = answers.filter((a) => !a.startsWith("403 forbidden"));
  if (taken.length > 0) throw new Error(`the API does not refuse a viewer: ${taken.join(", ")}`);
  return answers.length;
}
