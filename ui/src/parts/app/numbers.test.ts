import { describe, expect, it } from "vitest";
import { latencyText, percentText, rateText, takenOf, totalsOf } from "./numbers";

describe("numbers", () => {
  it("never write a share that is there as none", () => {
    expect([0, 0.0004, 0.012, 0.5, 1].map(percentText)).toEqual(["0 %", "< 0.1 %", "1.2 %", "50 %", "100 %"]);
  });
  it("write rates and times in few figures", () => {
    expect([0, 0.04, 9.96, 12.3, 1204].map(rateText)).toEqual(["0", "< 0.1", "10.0", "12", "1,204"]);
    expect([0.84, 42.4, 1240].map(latencyText)).toEqual(["0.8 ms", "42 ms", "1.2 s"]);
  });
});

it("adds up one window of every process, with the mean weighed by requests", () => {
  const w = (requests: number, errors: number, mean_ms: number, window = "1m") => ({
    window,
    requests,
    errors,
    per_second: requests / 60,
    error_share: errors / requests,
    mean_ms,
    partial: false,
  });
  const metrics = {
    items: [
      { process: "web", role: "new", windows: [w(60, 6, 10), w(999, 0, 1, "5m")] },
      { process: "api", role: "old", windows: [w(180, 0, 30)] },
    ],
  } as never;
  expect(totalsOf(metrics, "1m")).toEqual({ requests: 240, errors: 6, perSecond: 4, errorShare: 0.025, meanMs: 25 });
  expect(totalsOf(metrics, "1m", (m) => (m as { role?: string }).role === "new").requests).toBe(60);
  expect(totalsOf(undefined, "1m").errorShare).toBe(0);
});

it("adds up what was measured, and leaves out what was not", () => {
  const i = (known: boolean, memory_mb: number) => ({
    known,
    cpu_mhz: 10,
    cpu_limit_mhz: 100,
    memory_mb,
    memory_limit_mb: 64,
    memory_max_mb: 128,
  });
  expect(takenOf({ items: [i(true, 20), i(false, 0), i(true, 30)] } as never)).toEqual({
    known: 2,
    of: 3,
    cpu: 20,
    cpuLimit: 200,
    memory: 50,
    memoryLimit: 256,
  });
});
