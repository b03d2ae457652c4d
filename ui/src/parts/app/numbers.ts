// Numbers of traffic and of resources, as the pages write them. Pure.
import type { Schemas } from "../../api/client";

/** Requests a second: "0", "< 0.1", "0.4", "12", "1,204". */
export function rateText(rate: number): string {
  if (rate <= 0) return "0";
  if (rate < 0.05) return "< 0.1";
  if (rate < 10) return rate.toFixed(1);
  return Math.round(rate).toLocaleString("en");
}

/** A share of 0 to 1 in percent; one that is there is never written as 0. */
export function percentText(share: number): string {
  const p = share * 100;
  if (p === 0) return "0 %";
  if (p < 0.1) return "< 0.1 %";
  return `${p < 10 ? p.toFixed(1) : Math.round(p)} %`;
}

/** Milliseconds of a request: "0.8 ms", "42 ms", "1.2 s". */
export function latencyText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export type Totals = { requests: number; errors: number; perSecond: number; errorShare: number; meanMs: number };

/** One window of all processes and releases together, or of those that are asked for. */
export function totalsOf(
  metrics: Schemas["Metrics"] | undefined,
  window: string,
  of: (m: Schemas["Metric"]) => boolean = () => true,
): Totals {
  const t = { requests: 0, errors: 0, perSecond: 0, took: 0 };
  for (const m of metrics?.items ?? []) {
    if (!of(m)) continue;
    for (const w of m.windows) {
      if (w.window !== window) continue;
      t.requests += w.requests;
      t.errors += w.errors;
      t.perSecond += w.per_second;
      t.took += w.mean_ms * w.requests;
    }
  }
  return {
    requests: t.requests,
    errors: t.errors,
    perSecond: t.perSecond,
    errorShare: t.requests ? t.errors / t.requests : 0,
    meanMs: t.requests ? t.took / t.requests : 0,
  };
}

export type Taken = { known: number; of: number; cpu: number; cpuLimit: number; memory: number; memoryLimit: number };

/** What all instances take together, of those that could be measured. */
export function takenOf(usage: Schemas["Usage"] | undefined): Taken {
  const t: Taken = { known: 0, of: usage?.items.length ?? 0, cpu: 0, cpuLimit: 0, memory: 0, memoryLimit: 0 };
  for (const i of usage?.items ?? []) {
    if (!i.known) continue;
    t.known++;
    t.cpu += i.cpu_mhz;
    t.cpuLimit += i.cpu_limit_mhz;
    t.memory += i.memory_mb;
    t.memoryLimit += Math.max(i.memory_limit_mb, i.memory_max_mb);
  }
  return t;
}

/** The processes that take requests: only of those a share of requests can be said. */
export const routedOf = (metrics: Schemas["Metrics"] | undefined): ReadonlySet<string> =>
  new Set((metrics?.items ?? []).map((m) => m.process));
