import { expect, it } from "vitest";
import { changed, numberOf, quotaHints, reserved } from "./scale";

const processes = [
  { name: "web", wanted: 2, running: 2, healthy: 2 },
  { name: "worker", wanted: 1, running: 1, healthy: 1 },
];
const spec = [
  { name: "web", memory: 64, cpu: 100, sidecars: [{ memory: 16, cpu: 20 }] },
  { name: "worker", memory: 128, cpu: 50 },
] as never;

it("asks only for what differs", () => {
  expect(changed(processes, { web: 2, worker: 0 })).toEqual({ worker: 0 });
  expect(changed(processes, {})).toEqual({});
});

it("adds up what is reserved, sidecars included", () => {
  expect(reserved(processes, spec)).toEqual({ instances: 3, memory: 288, cpu: 290 });
  expect(reserved(processes, spec, { web: 4 })).toEqual({ instances: 5, memory: 448, cpu: 530 });
  expect(reserved(processes, [])).toEqual({ instances: 3, memory: 0, cpu: 0 });
});

it("keeps what was, for what is no number of instances", () => {
  expect(["3", "", "x", "2.5", "-4", "99999"].map((t) => numberOf(t, 2))).toEqual([3, 2, 2, 2, 0, 1000]);
});

it("says how the team would stand against its quota, of what moves", () => {
  const line = (what: "memory" | "apps" | "instances", before: number, limit: number, unit?: string) => ({
    what,
    before,
    after: before,
    limit,
    unit,
  });
  const lines = [line("memory", 900, 1024, "MB"), line("apps", 2, 2), line("instances", 5, 0)];
  const hints = quotaHints(lines, { instances: 3, memory: 288, cpu: 0 }, { instances: 5, memory: 448, cpu: 0 });
  expect(hints).toEqual([
    { what: "memory", before: 900, after: 1060, limit: 1024, unit: "MB", over: true },
    { what: "instances", before: 5, after: 7, limit: 0, unit: "", over: false },
  ]);
  expect(
    quotaHints(lines, { instances: 3, memory: 288, cpu: 0 }, { instances: 2, memory: 224, cpu: 0 }).some((h) => h.over),
  ).toBe(false);
});
