import { useSyncExternalStore } from "react";

// One clock for all times on the page: it ticks each second while somebody shows one.
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void) {
  listeners.add(listener);
  if (!timer) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const l of listeners) l();
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** How long ago, in one unit: "12s", "5m", "3h", "2d". */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86400) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86400)}d`;
}

const relative = (at: number, of: number) => {
  const d = of - at;
  if (Math.abs(d) < 1000) return "now";
  return d >= 0 ? `${ago(d)} ago` : `in ${ago(-d)}`;
};

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** The moment as the reader's machine writes it, seconds included. */
export const absoluteTime = (at: string | number | Date) => absolute.format(new Date(at));

/** Relative time, absolute on hover. Zero times (0001-01-01) are shown as "never" or what `none` says. */
export function Time({
  at,
  none = "never",
  seconds,
}: {
  at: string | number | Date | null | undefined;
  none?: string;
  seconds?: boolean;
}) {
  const ms = at == null ? Number.NaN : new Date(at).getTime();
  const there = !Number.isNaN(ms) && ms > 0;
  // The snapshot is the text itself, so that a row is drawn anew only when its words change.
  const text = useSyncExternalStore(subscribe, () => (there ? relative(ms, now) : none));
  if (!there) return <span className="faint">{none}</span>;
  const full = absoluteTime(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={full} className="num">
      {seconds ? `${full} (${text})` : text}
    </time>
  );
}

/** Milliseconds as a person says them: "850 ms", "4.2 s", "1 m 12 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const m = Math.floor(ms / 60_000);
  return m < 60 ? `${m} m ${Math.round((ms % 60_000) / 1000)} s` : `${Math.floor(m / 60)} h ${m % 60} m`;
}
