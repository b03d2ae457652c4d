// Texts that would be markup or a script if a page took them for one, in every place where a person or a program can write:
// they are shown as the text that they are. browser.mjs fails on what they would do: a dialog, a request, an error.
import { ends, opens, release, tab } from "./apps.mjs";
import { seen, step } from "./browser.mjs";
import { isText, look, visit } from "./pages.mjs";

const image = '<img src=x onerror="alert(1)">';
const script = "</script><script>alert(2)</script>";
const fullName = `Vera ${image}`;
const note = `note ${image} ${script}`;
const about = `about ${image} "><svg onload=alert(3)>`;
const greeting = `<img src=x onerror='alert(4)'>`;

// Colours, a bell, a move of the cursor, a title of the terminal, a return over the line's begin, and markup.
const printed = String.raw`\033[31mred\033[0m \007bell \033[2J\033]0;title\007 over\rwritten <img src=/evil onerror=alert(5)> end-of-it\n`;

/** Writes the texts. What it gives is checked after every page was looked at with them. */
export async function hostile(hands, app, team) {
  const { page, press, write } = hands;
  await step("release texts that are markup, and log lines of control characters", async () => {
    await release(hands, app, note, (text) =>
      text
        .replace(/GREETING = ".*"/, `GREETING = ${JSON.stringify(greeting)}`)
        .replace(/\n\s*deploy \{[\s\S]*$/, "\n}\n") // no canary that somebody has to promote
        .replace(
          /\n\s*env = /,
          `\n  process "noise" {\n    command = ["/bin/sh", "-c", ${JSON.stringify(`while true; do printf '${printed}'; sleep 2; done`)}]\n    memory  = "32MiB"\n  }\n\n  env = `,
        ),
    );
    await ends(page, "Healthy");
    await opens(hands, app, greeting);
    await tab(hands, "Deployments");
    await seen(page.getByText(note));
    await isText(page, "deployments");
  });
  await step("read the log lines as text", async () => {
    await tab(hands, "Logs");
    const log = page.getByRole("log", { name: /^Lines of the log/ });
    await seen(log.getByText("<img src=/evil onerror=alert(5)> end-of-it"));
    await isText(page, "logs");
    await look(page, "logs-hostile");
  });
  await step("describe the team in markup", async () => {
    await visit(page, `/teams/${team}`);
    await press(page.getByRole("button", { name: "Describe" }));
    await write(page.getByRole("textbox", { name: "About" }), about);
    await press(page.getByRole("dialog").getByRole("button", { name: "Keep it" }));
    await seen(page.getByText(about));
    await isText(page, "team");
  });
  await step("pass markup by the address", async () => {
    for (const path of [
      `/apps?q=${encodeURIComponent(image)}`,
      `/apps/${team}/${app}/logs?q=${encodeURIComponent(image)}&regex=1`,
      `/apps/${team}/${encodeURIComponent(image)}`,
      `/login?then=${encodeURIComponent("javascript:alert(6)")}&refused=${encodeURIComponent(image)}`,
    ]) {
      await visit(page, path);
    }
  });
  return { fullName };
}
