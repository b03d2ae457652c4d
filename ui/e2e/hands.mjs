// Two ways to use a page: with a pointer, and with the keyboard alone. A journey that is written with one of them is
// made with either.
import { fault } from "./browser.mjs";

/** With a pointer, as most people do. */
export function pointer(page) {
  return {
    page,
    press: (on) => on.click(),
    write: (into, text) => into.fill(text),
    pick: (radio) => radio.check(),
    choose: async (select, label) => {
      const option = select.getByRole("option", { name: label }).first();
      await select.selectOption(await option.getAttribute("value"));
    },
    turn: (tab) => tab.click(),
    goTo: (control) => control.focus(),
  };
}

const FAR = 160; // stops of the Tab key from where the focus is

/** With the keyboard alone: each thing is reached by Tab, and must show that it has the focus. */
export function keyboard(page) {
  const keys = page.keyboard;
  const has = (control) => control.evaluate((e) => e === document.activeElement);
  const goTo = async (control) => {
    await control.waitFor({ state: "visible" });
    for (let i = 0; i < FAR; i++) {
      if (await has(control)) return shows(page);
      await keys.press("Tab");
    }
    throw new Error(`Tab does not reach ${control} within ${FAR} stops`);
  };
  return {
    page,
    goTo,
    press: async (on) => {
      await goTo(on);
      await keys.press("Enter");
    },
    write: async (into, text) => {
      await goTo(into);
      await keys.press("ControlOrMeta+a");
      await keys.type(text);
    },
    // Tab stops once at a group of radio buttons: the arrow keys go on within it.
    pick: async (radio) => {
      const group = page.locator(`input[type=radio][name="${await radio.getAttribute("name")}"]:checked`);
      await goTo(group);
      for (let i = 0; i < 20 && !(await has(radio)); i++) await keys.press("ArrowDown");
      if (!(await radio.isChecked())) throw new Error(`the arrow keys do not reach ${radio}`);
    },
    // So it is with tabs: what is chosen has the stop.
    turn: async (tab, chosen) => {
      await goTo(chosen);
      for (let i = 0; i < 20 && !(await has(tab)); i++) await keys.press("ArrowRight");
      if ((await tab.getAttribute("aria-selected")) !== "true") throw new Error(`the arrow keys do not reach ${tab}`);
    },
    choose: async (select, label) => {
      await goTo(select);
      await keys.type(label);
    },
  };
}

/** What has the focus must look so. A place that shows it by what is around it, as an editor does, is taken as well. */
async function shows(page) {
  const lacks = await page.evaluate(() => {
    const of = document.activeElement;
    const marked = (e) => {
      const s = getComputedStyle(e);
      return (s.outlineStyle !== "none" && Number.parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none";
    };
    for (let e = of, i = 0; e && i < 4; e = e.parentElement, i++) if (marked(e)) return "";
    return of.outerHTML.slice(0, 160);
  });
  if (lacks) fault(`the focus is not shown: ${lacks}`);
}

/** Edits a spec in the page's editor with the keys that any editor has. `change` gives the new lines. */
export async function editSpec(hands, app, change) {
  const editor = hands.page.locator(".cm-content").and(hands.page.getByRole("textbox", { name: `App spec of ${app}` }));
  await hands.goTo(editor);
  const keys = hands.page.keyboard;
  const before = await textOf(editor);
  const after = change(before);
  if (after === before) throw new Error(`the change finds nothing to change in:\n${before}`);
  // What both begin and end with stays: the rest is selected line by line, and typed over.
  const [a, b] = [before.split("\n"), after.split("\n")];
  let top = 0;
  while (top < Math.min(a.length, b.length) && a[top] === b[top]) top++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - top && a.at(-1 - end) === b.at(-1 - end)) end++;
  const old = a.length - top - end;
  await keys.press("ControlOrMeta+Home");
  for (let i = 0; i < top; i++) await keys.press("ArrowDown");
  for (let i = 0; i < old; i++) await keys.press("Shift+ArrowDown");
  if (old > 0) await keys.press("Delete");
  // The editor indents a new line by itself: where a line begins is not typed.
  for (const line of b.slice(top, b.length - end)) {
    await keys.type(line.trimStart());
    await keys.press("Enter");
  }
  const got = await textOf(editor);
  if (words(got) !== words(after)) throw new Error(`the editor holds\n${got}\nand not\n${after}`);
}

const words = (text) => text.replace(/\s+/g, " ").trim();
const textOf = (editor) =>
  editor.evaluate((e) => [...e.querySelectorAll(".cm-line")].map((l) => l.textContent).join("\n"));
