// A browser that tells everything that is wrong with a page: errors, refused sources, dialogs, requests to others.
import { chromium } from "playwright-core";

export const env = {
  url: need("CRUMPET_URL").replace(/\/$/, ""),
  user: need("CRUMPET_USER"),
  password: need("CRUMPET_PASSWORD"),
  shots: process.env.SHOTS ?? "",
};

function need(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: journey.mjs says what it wants`);
    process.exit(2);
  }
  return value;
}

const began = performance.now();
const seconds = (ms) => (ms / 1000).toFixed(1).padStart(5);
let now = "";

/** Does a part of the journey, and prints how long it took. */
export async function step(name, does) {
  now = name;
  const from = performance.now();
  try {
    const answer = await does();
    console.log(`${seconds(performance.now() - began)} s  +${seconds(performance.now() - from)} s  ${name}`);
    return answer;
  } catch (error) {
    console.log(`${seconds(performance.now() - began)} s  +${seconds(performance.now() - from)} s  ${name}: FAILED`);
    throw error;
  }
}

export const faults = [];
export const fault = (text) => faults.push(`${now}: ${text}`);

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** Somebody with a browser of their own. What goes wrong on any of its pages is written down. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(30_000);
  // Whoever looks at it is in a place of its own: what refuses a source of a page says so as an event too.
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) => {
      console.error(
        `the policy refuses ${e.blockedURI} by ${e.effectiveDirective} at ${e.sourceFile}:${e.columnNumber}`,
      );
    });
  });
  context.on("weberror", (e) => fault(`an error of the page: ${e.error().stack}`));
  context.on("console", (m) => {
    if (m.type() !== "error") return;
    // Chromium writes each answer of 400 and more there: those are judged below, with what was asked.
    if (!m.text().startsWith("Failed to load resource")) fault(`the console says: ${m.text()}`);
  });
  context.on("dialog", async (d) => {
    fault(`a dialog: ${d.message()}`);
    await d.dismiss();
  });
  const expected = [];
  context.on("request", (r) => {
    const { origin, protocol, hostname, pathname } = new URL(r.url());
    if (protocol === "data:" || protocol === "blob:") return;
    if (origin !== env.url && !hostname.endsWith(".localhost")) fault(`a request to another place: ${r.url()}`);
    if (origin === env.url && /^\/(x|evil|steal)/.test(pathname)) fault(`a text became a request: ${r.url()}`);
  });
  context.on("response", (r) => {
    const of = new URL(r.url());
    if (r.status() < 400 || of.origin !== env.url) return;
    const line = `${r.status()} ${r.request().method()} ${of.pathname}`;
    if (!expected.some((e) => e.test(line))) fault(`an answer that nobody expects: ${line}`);
  });
  const page = await context.newPage();
  return { context, page, expect: (...of) => expected.push(...of) };
}

/** The first of several things to be seen. Fails with what each of them was waited for. */
export const seen = (locator, timeout = 30_000) => locator.first().waitFor({ state: "visible", timeout });

/** Asks until it is so, for a while: for what no page shows. */
export async function until(what, is, limit = 60_000) {
  const end = performance.now() + limit;
  for (let last = ""; ; ) {
    last = await is();
    if (last === true) return;
    if (performance.now() > end) throw new Error(`waited ${limit / 1000} s until ${what}: ${last}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
