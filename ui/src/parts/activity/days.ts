export type Day<T> = { day: string; items: T[] };

const two = (n: number) => String(n).padStart(2, "0");

/** The day of a moment on this machine, as 2026-11-23. */
export function dayOf(at: string | Date): string {
  const t = new Date(at);
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
}

/** Puts what came oldest first newest first, by day. */
export function days<T extends { time: string }>(oldestFirst: readonly T[]): Day<T>[] {
  const out: Day<T>[] = [];
  for (const item of [...oldestFirst].reverse()) {
    const day = dayOf(item.time);
    const last = out.at(-1);
    if (last?.day === day) last.items.push(item);
    else out.push({ day, items: [item] });
  }
  return out;
}

const named = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** A day as people say it. */
export function dayName(day: string, now = new Date()): string {
  if (day === dayOf(now)) return "Today";
  const before = new Date(now);
  before.setDate(before.getDate() - 1);
  if (day === dayOf(before)) return "Yesterday";
  return named.format(new Date(`${day}T12:00:00`));
}
