import { expect, test } from "vitest";
import { type AppLine, countsOf, matches, patched, percent, rated, short } from "./lines";

const line = (name: string, more: Partial<AppLine> = {}): AppLine => {
  const [team = "", app = ""] = name.split("/");
  return {
    team,
    app,
    status: "running",
    health: "healthy",
    reason: "",
    release: 1,
    slot: "blue",
    urls: [],
    created_at: "",
    wanted: 1,
    healthy: 1,
    rate: 0,
    errors: 0,
    ...more,
  };
};

test("numbers that moved are in the list, and the lines of others stay the same objects", () => {
  const before = [line("a/one"), line("a/two", { rate: 3, errors: 0.5 })];
  const after = rated(before, [
    { app: "a/one", rate: 7, errors: 0.1 },
    { app: "b/one", rate: 1, errors: 0 },
  ]);
  expect(after).toEqual([line("a/one", { rate: 7, errors: 0.1 }), before[1]]);
  expect(after[1]).toBe(before[1]);
  expect(rated(before, [{ app: "a/two", rate: 3, errors: 0.5 }])).toBe(before);
});

test("changed lines take their places, new ones come in order, gone ones go", () => {
  const before = [line("a/one"), line("a/three"), line("b/one")];
  const after = patched(
    before,
    new Map([
      ["a/three", line("a/three", { status: "failing" })],
      ["a/two", line("a/two")],
      ["b/one", undefined],
      ["c/never-there", undefined],
    ]),
  );
  expect(after.map((l) => `${l.team}/${l.app} ${l.status}`)).toEqual([
    "a/one running",
    "a/three failing",
    "a/two running",
  ]);
  expect(after[0]).toBe(before[0]);
});

test("every word of the filter has to fit, and the state", () => {
  const l = line("shop/cart", { reason: "Exit code 1", deployed_by: "ada", status: "failing" });
  expect(matches(l, ["cart", "exit"], "")).toBe(true);
  expect(matches(l, ["shop/c", "ada"], "failing")).toBe(true);
  expect(matches(l, ["cart", "grace"], "")).toBe(false);
  expect(matches(l, [], "running")).toBe(false);
});

test("counts and numbers", () => {
  expect([...countsOf([line("a/b"), line("a/c", { status: "stopped" }), line("a/d")])]).toEqual([
    ["running", 2],
    ["stopped", 1],
  ]);
  expect([0, 0.04, 3.12, 99.5, 1234, 45_678].map(short)).toEqual(["0", "<0.1", "3.1", "100", "1.2k", "46k"]);
  expect([0, 0.0004, 0.0123, 0.5].map(percent)).toEqual(["0 %", "<0.1 %", "1.2 %", "50 %"]);
});
