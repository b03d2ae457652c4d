// Every page, looked at with axe and on pictures: light and dark, on a wide screen and on a phone.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { env, fault } from "./browser.mjs";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const all = ["wide", "phone"].flatMap((size) => ["light", "dark"].map((scheme) => [size, scheme]));

/** Goes to an address and waits until its page is there: a heading, and nothing that is still on its way. */
export async function visit(page, path) {
  await page.goto(env.url + path);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await settled(page);
  await isText(page, path);
}

async function settled(page) {
  await page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "detached" });
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise(requestAnimationFrame); // a change of colours begins with the next frame
    for (const a of document.getAnimations()) {
      try {
        a.finish();
      } catch {
        // It has no end, and is not waited for.
      }
    }
  });
}

/** Looks at what a page shows now. `looks` are the sizes and schemes; without, all four. */
export async function look(page, name, looks = all) {
  const before = page.viewportSize();
  for (const [size, scheme] of looks) {
    await page.setViewportSize(sizes[size]);
    await page.emulateMedia({ colorScheme: scheme });
    await settled(page);
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
    for (const v of violations)
      fault(
        `${name}, ${size} and ${scheme}: ${v.id}: ${v.help}: ${v.nodes
          .map((n) => `${n.html.slice(0, 160)} (${n.any[0]?.message ?? n.failureSummary})`)
          .slice(0, 3)
          .join(" | ")}`,
      );
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 1) fault(`${name}, ${size}: the page scrolls sideways by ${over} px`);
    if (env.shots) {
      mkdirSync(env.shots, { recursive: true });
      // What is open covers what is in sight; else the whole page is shown, from its top.
      const open = (await page.getByRole("dialog").count()) > 0;
      if (!open) await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(env.shots, `${name}-${size}-${scheme}.png`), fullPage: !open });
    }
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
}

/** Visits pages, each by its name and address, and looks at them. */
export async function lookAt(page, pages, looks = all) {
  for (const [name, path] of pages) {
    await visit(page, path);
    await look(page, name, looks);
  }
  return pages.length * looks.length;
}

/** No text has become an element, here or on any page before. */
export async function isText(page, where) {
  const made = await page.evaluate(
    () => document.querySelectorAll('img[src="x"], img[src="/evil"], svg[onload], [onerror], main script').length,
  );
  if (made > 0) throw new Error(`${where}: ${made} elements were made of texts`);
}
