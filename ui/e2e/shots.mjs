// Takes pictures of pages of the stand-in, light and dark, wide and phone: `node e2e/shots.mjs [path ...]`, into shots/.
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { serve } from "./fake.mjs";

const paths = process.argv.length > 2 ? process.argv.slice(2) : ["/apps?team=*"];
const server = await serve(Number(process.env.APPS ?? 400));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
mkdirSync("shots", { recursive: true });
for (const path of paths) {
  for (const [size, width, height] of [
    ["wide", 1440, 900],
    ["huge", 2560, 1200],
    ["phone", 360, 740],
    ["tablet", 900, 1000],
  ]) {
    for (const colorScheme of ["light", "dark"]) {
      if (colorScheme === "dark" && (size === "huge" || size === "tablet")) continue;
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      page.on("pageerror", (e) => console.error(path, String(e)));
      page.on("console", (m) => m.type() === "error" && console.error(path, m.text()));
      await page.goto(server.url + path);
      await page.waitForTimeout(1200);
      await page.screenshot({ path: `shots/${path.replace(/\W+/g, "-")}-${size}-${colorScheme}.png` });
      await page.close();
    }
  }
}
await browser.close();
server.close();
