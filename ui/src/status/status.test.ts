import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Kind, statusOf, words } from "./status";

// The document has no enums: the words are read where they are written, in Go.
const go = ["paas", "wire"]
  .flatMap((dir) => readdirSync(`../server/${dir}`).map((f) => `../server/${dir}/${f}`))
  .filter((f) => f.endsWith(".go") && !f.endsWith("_test.go"))
  .map((f) => readFileSync(f, "utf8"))
  .join("\n");

const wordsOf = (type: string) =>
  [...go.matchAll(new RegExp(`^\\s+\\w+\\s+${type}\\s+=\\s+"([a-z]+)"`, "gm"))].map((m) => m[1]).sort();

const kinds: [Kind, string][] = [
  ["app", "AppState"],
  ["appHealth", "AppHealth"],
  ["instance", "InstanceState"],
  ["health", "Health"],
  ["deployment", "DeploymentState"],
  ["route", "RouteState"],
  ["severity", "Severity"],
  ["build", "BuildState"],
  ["service", "ServiceState"],
  ["binding", "BindingState"],
  ["run", "RunState"],
  ["volume", "VolumeState"],
  ["drain", "DrainState"],
];

describe("every word of the API has an entry, and no entry is of no word", () => {
  test.each(kinds)("%s is paas.%s", (kind, type) => {
    const known = wordsOf(type);
    expect(known.length).toBeGreaterThan(2);
    expect(Object.keys(words[kind]).sort()).toEqual(known);
  });

  test("each entry has a label, an icon and a meaning: never a colour alone", () => {
    for (const of of Object.values(words)) {
      for (const [word, s] of Object.entries(of)) {
        expect(s.label, word).toMatch(/^[A-Z]/);
        expect(s.icon.length, word).toBeGreaterThan(0);
        expect(s.means, word).toMatch(/\.$/);
      }
    }
  });

  test("a word of a newer server is shown as it is", () => {
    expect(statusOf("app", "dreaming")).toMatchObject({ label: "dreaming", tone: "neutral" });
  });
});
