import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync("src/styles/theme.css", "utf8");
const vars = (block: string) =>
  new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6,8})\b/gi)].map((m) => [m[1], m[2] as string]));
const light = vars(css.slice(0, css.indexOf("@media")));
const system = vars(css.slice(css.indexOf("@media"), css.indexOf(':root[data-theme="dark"]')));
const dark = vars(css.slice(css.indexOf(':root[data-theme="dark"]')));

const rgba = (hex: string) =>
  [1, 3, 5, 7].map((i) => (i < hex.length ? Number.parseInt(hex.slice(i, i + 2), 16) / 255 : 1)) as [
    number,
    number,
    number,
    number,
  ];
const over = (top: string, ground: string): [number, number, number] => {
  const [r, g, b, a] = rgba(top);
  const under = rgba(ground);
  return [r, g, b].map((c, i) => c * a + (under[i] ?? 0) * (1 - a)) as [number, number, number];
};
const luminance = (c: [number, number, number]) => {
  const [r, g, b] = c.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
function contrast(theme: Map<string | undefined, string>, text: string, ground: string): number {
  const page = theme.get("page") as string;
  const g = over(theme.get(ground) as string, page);
  const t = over(theme.get(text) as string, theme.get(ground) as string);
  const [hi, lo] = [luminance(t), luminance(g)].sort((a, b) => b - a) as [number, number];
  return (hi + 0.05) / (lo + 0.05);
}

const grounds = ["page", "surface", "surface-faint", "surface-strong", "surface-hover", "raised", "code-surface"];
const pairs: [string, string, number][] = [
  ...["text-strong", "text", "text-faint", "action"].flatMap((t) =>
    grounds.map((g): [string, string, number] => [t, g, 4.5]),
  ),
  ...["good", "warn", "bad", "info", "highlight", "neutral"].flatMap((t): [string, string, number][] => [
    [t, `${t}-surface`, 4.5],
    [t, "surface", 4.5],
    [t, "surface-faint", 4.5],
    ["text", `${t}-surface`, 4.5],
  ]),
  ["action", "action-surface", 4.5],
  ["on-primary", "primary", 4.5],
  ["on-primary", "primary-hover", 4.5],
  ["on-bad", "bad-fill", 4.5],
  ["bar-text", "bar", 4.5],
  ["bar-strong", "bar-hover", 4.5],
  // What is no text but has to be seen.
  ["border-input", "surface", 3],
  ["focus", "page", 3],
  ["focus", "surface", 3],
  ...["good", "warn", "bad", "info"].map((t): [string, string, number] => [`${t}-solid`, "surface", 3]),
];

describe.each([
  ["light", light],
  ["dark", dark],
] as const)("%s", (_, theme) => {
  test.each(pairs)("%s on %s has at least %d to 1", (text, ground, least) => {
    expect(contrast(theme, text, ground)).toBeGreaterThanOrEqual(least);
  });
});

test("the dark theme of the system and that of the switch are the same, and name what the light one names", () => {
  expect([...system]).toEqual([...dark]);
  expect([...dark.keys()].filter((k) => !light.has(k))).toEqual([]);
  expect([...light.keys()].filter((k) => !dark.has(k))).toEqual([]);
});
