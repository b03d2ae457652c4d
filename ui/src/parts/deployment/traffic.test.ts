import { describe, expect, it } from "vitest";
import { linesOf, sidesOf } from "./traffic";

const bucket = (at: string, requests: number, errors: number, ms: number) => ({
  at: `2026-11-23T10:00:${at}Z`,
  release: 1,
  requests,
  errors,
  took: ms * 1e6 * requests,
});
const metric = (slot: string, release: number, buckets: ReturnType<typeof bucket>[], process = "web") => ({
  process,
  slot,
  release,
  live: false,
  role: "",
  windows: [],
  buckets,
});

describe("new against old", () => {
  it("tells the sides by slot and release, also of a restart from a release to itself", () => {
    const items = [metric("green", 4, []), metric("blue", 3, []), metric("green", 2, [])];
    const d = { slot: "green", from: "blue", release: 4, previous: 3 };
    expect(sidesOf(items, d)).toEqual({ fresh: [items[0]], stale: [items[1]] });
    const again = [metric("green", 4, []), metric("blue", 4, [])];
    expect(sidesOf(again, { ...d, previous: 4 })).toEqual({ fresh: [again[0]], stale: [again[1]] });
  });
  it("has both over the same times, with gaps where nothing was asked", () => {
    const lines = linesOf({
      fresh: [metric("green", 4, [bucket("20", 10, 1, 30)])],
      stale: [metric("blue", 3, [bucket("00", 90, 0, 10), bucket("20", 10, 0, 20)])],
    });
    expect(lines.times).toHaveLength(3);
    expect(lines.errors).toEqual({ fresh: [null, null, 0.1], stale: [0, null, 0] });
    expect(lines.latency.fresh).toEqual([null, null, 30]);
    expect(lines.latency.stale).toEqual([10, null, 20]);
  });
  it("adds up processes, the mean weighed by requests", () => {
    const lines = linesOf({
      fresh: [metric("green", 4, [bucket("00", 30, 3, 10)]), metric("green", 4, [bucket("00", 10, 1, 50)], "api")],
      stale: [],
    });
    expect(lines.errors.fresh).toEqual([0.1]);
    expect(lines.latency.fresh).toEqual([20]);
  });
  it("is empty without traffic", () => {
    expect(linesOf({ fresh: [], stale: [] }).times).toEqual([]);
  });
});
