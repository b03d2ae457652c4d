// The new release against the old one: from the routers' ten-second buckets to two lines of a chart. Pure.
import type { Schemas } from "../../api/client";

type Metric = Schemas["Metric"];
type Deployment = Pick<Schemas["Deployment"], "release" | "previous" | "slot" | "from">;

export type Sides = { fresh: Metric[]; stale: Metric[] };

/** Which of the metrics are of the release walked to, and which of the one walked from. */
export function sidesOf(items: readonly Metric[], d: Deployment): Sides {
  return {
    fresh: items.filter((m) => m.slot === d.slot && m.release === d.release),
    stale: items.filter((m) => m.slot === d.from && m.release === d.previous && d.previous > 0),
  };
}

export type Lines = {
  times: number[]; // seconds since 1970, each a bucket's begin
  errors: { fresh: (number | null)[]; stale: (number | null)[] }; // share, 0 to 1
  latency: { fresh: (number | null)[]; stale: (number | null)[] }; // mean ms
};

const STEP = 10;

/** Both sides over the same times. Where nothing was asked there is no point, not a zero. */
export function linesOf({ fresh, stale }: Sides): Lines {
  const a = added(fresh);
  const b = added(stale);
  const known = [...a.keys(), ...b.keys()];
  const times: number[] = [];
  if (known.length > 0) {
    const last = Math.max(...known);
    for (let t = Math.min(...known); t <= last; t += STEP) times.push(t);
  }
  const share = (of: Map<number, Sum>) => times.map((t) => each(of.get(t), (s) => s.errors / s.requests));
  const mean = (of: Map<number, Sum>) => times.map((t) => each(of.get(t), (s) => s.took / s.requests / 1e6));
  return { times, errors: { fresh: share(a), stale: share(b) }, latency: { fresh: mean(a), stale: mean(b) } };
}

type Sum = { requests: number; errors: number; took: number };

const each = (sum: Sum | undefined, f: (s: Sum) => number) => (sum && sum.requests > 0 ? f(sum) : null);

function added(list: readonly Metric[]): Map<number, Sum> {
  const sums = new Map<number, Sum>();
  for (const m of list) {
    for (const b of m.buckets) {
      const t = Math.floor(Date.parse(b.at) / 1000 / STEP) * STEP;
      const s = sums.get(t) ?? { requests: 0, errors: 0, took: 0 };
      s.requests += b.requests;
      s.errors += b.errors;
      s.took += b.took;
      sums.set(t, s);
    }
  }
  return sums;
}
