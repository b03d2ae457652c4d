import { describe, expect, it } from "vitest";
import { drawn, type Milestone, tookText } from "./milestones";

const at = (s: number) => new Date(Date.parse("2026-11-23T10:00:00Z") + s * 1000).toISOString();
const m = (kind: string, s: number | undefined, state = "done"): Milestone => ({
  kind,
  state,
  text: kind,
  ...(s === undefined ? {} : { at: at(s) }),
});

describe("the timeline", () => {
  it("gives each milestone its part of the whole", () => {
    const { rows, lastMs } = drawn([m("pushed", 0), m("built", 2), m("released", 4), m("ended", 8)]);
    expect(rows.map((r) => [r.from, r.to])).toEqual([
      [0, 0],
      [0, 0.25],
      [0.25, 0.5],
      [0.5, 1],
    ]);
    expect(lastMs).toBe(8000);
  });
  it("ends its scale now while it is under way", () => {
    const { rows, lastMs } = drawn(
      [m("released", 0), m("started", 5, "current"), m("ended", undefined, "ahead")],
      Date.parse(at(10)),
    );
    expect(rows.map((r) => [r.from, r.to])).toEqual([
      [0, 0],
      [0, 0.5],
      [0.5, 0.5],
    ]);
    expect(lastMs).toBe(10_000);
  });
  it("does not go on after the end", () => {
    expect(drawn([m("released", 0), m("ended", 3, "failed")], Date.parse(at(100))).lastMs).toBe(3000);
  });
  it("stands a clock that is behind, and an empty list", () => {
    expect(drawn([m("released", 5), m("started", 6, "current")], Date.parse(at(0))).lastMs).toBe(1000);
    expect(drawn([])).toEqual({ rows: [], startedAt: 0, lastMs: 0 });
  });
});

it("writes how long a step took", () => {
  expect([undefined, 0, 850, 4210, 42_000, 75_000, 3_720_000].map(tookText)).toEqual([
    "",
    "",
    "+850 ms",
    "+4.2 s",
    "+42 s",
    "+1 m 15 s",
    "+1 h 2 m",
  ]);
});
