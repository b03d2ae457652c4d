// The list of apps as pages of it come in, and single lines as they change. Pure: Apps.tsx does the asking.
import type { Schemas } from "../../api/client";

export type AppLine = Schemas["App"];

/** What is wrong comes first when sorted by state. */
const rank: Record<string, number> = { failing: 0, degraded: 1, deploying: 2, pending: 3, running: 4, stopped: 5 };

export const rankOf = (state: string) => rank[state] ?? 3;

export const nameOf = (line: AppLine) => `${line.team}/${line.app}`;

/** A filter's words all have to be in the team's and app's name, the reason, or who deployed it. */
export function matches(line: AppLine, words: readonly string[], state: string): boolean {
  if (state && line.status !== state) return false;
  if (words.length === 0) return true;
  const text = `${line.team}/${line.app} ${line.reason} ${line.deployed_by ?? ""}`.toLowerCase();
  return words.every((w) => text.includes(w));
}

export function countsOf(lines: readonly AppLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const l of lines) counts.set(l.status, (counts.get(l.status) ?? 0) + 1);
  return counts;
}

/** The list with some lines replaced, added or (undefined) taken away. The order stays by team and name. */
export function patched(lines: readonly AppLine[], changes: ReadonlyMap<string, AppLine | undefined>): AppLine[] {
  const left = new Map(changes);
  const out: AppLine[] = [];
  for (const l of lines) {
    const name = nameOf(l);
    if (!left.has(name)) {
      out.push(l);
      continue;
    }
    const next = left.get(name);
    left.delete(name);
    if (next) out.push(next);
  }
  const fresh = [...left.values()].filter((l) => l !== undefined);
  if (fresh.length === 0) return out;
  return [...out, ...fresh].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** The list with the numbers of some lines as they are now. The lines that stay are the same objects. */
export function rated(lines: readonly AppLine[], rates: readonly Schemas["Rate"][]): readonly AppLine[] {
  const by = new Map(rates.map((r) => [r.app, r]));
  let moved = false;
  const out = lines.map((l) => {
    const r = by.get(nameOf(l));
    if (!r || (r.rate === l.rate && r.errors === l.errors)) return l;
    moved = true;
    return { ...l, rate: r.rate, errors: r.errors };
  });
  return moved ? out : lines;
}

/** "12", "1.2k": three digits at most. */
export function short(n: number): string {
  if (n === 0) return "0";
  if (n < 0.1) return "<0.1";
  if (n < 10) return n.toFixed(1);
  if (n < 1000) return String(Math.round(n));
  return n < 10_000 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`;
}

/** A share of 0 to 1 in percent. */
export function percent(share: number): string {
  if (share === 0) return "0 %";
  if (share < 0.001) return "<0.1 %";
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
