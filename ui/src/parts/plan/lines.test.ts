import { describe, expect, it } from "vitest";
import {
  blockOf,
  counted,
  folded,
  holdText,
  overQuota,
  quotaText,
  roomLines,
  signOf,
  stepRows,
  titleOf,
  valueText,
  walkText,
} from "./lines";

const change = (key: string, before: string | null, after: string | null) => ({ key, old: before, new: after });
const capacity = { instances: 5, cpu_mhz: 0, cores: 0, memory_mib: 0, disk_mib: 0 };
const plan = (over = {}) =>
  ({
    release: 4,
    from_release: 3,
    from_slot: "blue",
    to_slot: "green",
    nothing: false,
    walk: true,
    strategy: "canary",
    processes: [{ name: "web", before: 2, after: 2, stay: 0, in_place: 0, replaced: 2, created: 0, destroyed: 0 }],
    steps: [
      { new: { web: 1 }, old: { web: 2 }, share: 5, hold: 60e9 },
      { new: { web: 2 }, old: {}, share: 100, manual: true },
    ],
    placement: { checked: true, possible: true, blockers: [] },
    capacity: { before: capacity, peak: capacity, after: capacity },
    ...over,
  }) as never;

describe("a plan", () => {
  it("says which release follows which", () => {
    expect(titleOf(plan())).toBe("Release 4, after release 3 in blue");
    expect(titleOf(plan({ from_release: undefined }))).toBe("Release 4, the first");
    expect(titleOf(plan({ nothing: true }))).toBe("Nothing to do");
  });
  it("folds a process that came into one line, and leaves the keys of others", () => {
    const list = folded([
      change("process.worker.command", null, '["./w"]'),
      change("process.worker.kill_timeout", null, "5s"),
      change("process.worker.memory", null, "64"),
      change("process.web.memory", "64", "128"),
      change("process.web.kill_timeout", "5s", "9s"),
    ]);
    expect(list.map((c) => c.key)).toEqual(["process.worker", "process.web.memory", "process.web.kill_timeout"]);
    expect(list[0]?.new).toBe('["./w"]');
  });
  it("has a line for a block without a command", () => {
    expect(folded([change("task.seed.kill_timeout", "5s", null), change("task.seed.memory", "64", null)])).toEqual([
      change("task.seed", "5s", null),
    ]);
  });
  it("signs what came, went and changed", () => {
    expect(
      [change("a", null, "1"), change("a", "1", null), change("a", "1", "2"), change("a", null, null)].map(signOf),
    ).toEqual(["+", "-", "~", "~"]);
    expect(valueText("artifact", "0123456789abcdef")).toBe("0123456789ab");
    expect(valueText("nomad", "a {\n  b\n}")).toBe("a { b }");
    expect(blockOf("env.X")).toEqual({ block: "", rest: "env.X" });
  });
  it("says how it walks", () => {
    expect(walkText(plan())).toBe("canary from blue to green in 2 steps, at most 5 instances at once");
    expect(walkText(plan({ walk: false }))).toBe("");
    expect(stepRows(plan())).toEqual([
      { step: 1, fresh: "1 web", stale: "2 web", requests: "5 % to green", held: "1m", share: 5 },
      { step: 2, fresh: "2 web", stale: "none", requests: "100 % to green", held: "until promoted", share: 100 },
    ]);
    expect(stepRows(plan({ walk: false }))).toEqual([]);
  });
  it("says whether there is room, and what stands in the way", () => {
    expect(roomLines(plan())).toEqual([{ ok: true, text: "Every new instance finds a node now." }]);
    expect(roomLines(plan({ processes: [] }))).toEqual([]);
    const blocked = {
      checked: true,
      possible: false,
      blockers: [{ counts: { web: 2 }, whole: true, reason: "no node has 9 GiB", then: "the walk waits" }],
    };
    expect(roomLines(plan({ placement: blocked }))).toEqual([
      { ok: false, text: "2 web new: no node has 9 GiB; the walk waits" },
    ]);
  });
});

describe("a quota", () => {
  const line = { what: "memory" as const, unit: "MB", limit: 1024, before: 512, after: 2048 };
  it("is over when it goes further above its limit", () => {
    expect(overQuota(line)).toBe(true);
    expect(overQuota({ ...line, before: 4096 })).toBe(false);
    expect(overQuota({ ...line, limit: 0 })).toBe(false);
    expect(quotaText(line)).toBe("2,048 of 1,024 MB after this");
  });
});

it("writes durations as the command line does", () => {
  expect([5e8, 60e9, 90e9, 3600e9, 3661e9].map(holdText)).toEqual(["500ms", "1m", "1m30s", "1h", "1h1m1s"]);
  expect(counted({ worker: 1, web: 2, none: 0 })).toBe("2 web, 1 worker");
});
