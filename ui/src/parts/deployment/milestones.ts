// A deployment's timeline as it is drawn: one row for each milestone, with its bar on the scale of the whole. Pure.
import type { Schemas } from "../../api/client";

export type Milestone = Schemas["Milestone"];

export type Row = Milestone & {
  from: number; // 0 to 1 of the whole, where the bar begins: the milestone before
  to: number; // where it ends: this one
  first: boolean;
};

export type Drawn = { rows: Row[]; startedAt: number; lastMs: number };

/**
 * The rows, and how long it took in all. While it is under way the scale ends at `now`, so that the row that is current
 * grows; milestones ahead have no bar.
 */
export function drawn(items: readonly Milestone[], now?: number): Drawn {
  const times = items.filter((m) => m.at).map((m) => Date.parse(m.at ?? ""));
  const start = times[0] ?? 0;
  const under = items.some((m) => m.state === "ahead" || m.state === "current");
  const last = times.at(-1) ?? start;
  const end = under && now !== undefined ? Math.max(now, last) : last;
  const whole = Math.max(1, end - start);
  let before = start;
  const rows = items.map((m, i) => {
    const at = m.at ? Date.parse(m.at) : undefined;
    const row: Row = {
      ...m,
      first: i === 0,
      from: (before - start) / whole,
      to: at === undefined ? (before - start) / whole : (at - start) / whole,
    };
    if (at !== undefined) before = at;
    return row;
  });
  return { rows, startedAt: start, lastMs: end - start };
}

/** How long a step was: the time since the one before, in the words of a stopwatch. */
export function tookText(ms: number | undefined): string {
  if (ms === undefined || ms <= 0) return "";
  if (ms < 1000) return `+${ms} ms`;
  const s = ms / 1000;
  if (s < 60) return `+${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  const m = Math.floor(s / 60);
  return m < 60 ? `+${m} m ${Math.round(s % 60)} s` : `+${Math.floor(m / 60)} h ${m % 60} m`;
}
