// What a change of the wanted instances comes to: how many more, and what they reserve. Pure.
import type { Schemas } from "../../api/client";

type Process = Schemas["Process"];
type SpecProcess = Schemas["SpecProcess"];

export type Wish = Record<string, number>;

/** Only what differs: that is what is asked for. */
export function changed(processes: readonly Process[], wish: Wish): Wish {
  const out: Wish = {};
  for (const p of processes) {
    const n = wish[p.name];
    if (n !== undefined && n !== p.wanted) out[p.name] = n;
  }
  return out;
}

export type Reserve = { instances: number; memory: number; cpu: number };

/** What all wanted instances reserve, sidecars included, by the spec of the release that serves. */
export function reserved(processes: readonly Process[], spec: readonly SpecProcess[], wish: Wish = {}): Reserve {
  const sum: Reserve = { instances: 0, memory: 0, cpu: 0 };
  for (const p of processes) {
    const n = wish[p.name] ?? p.wanted;
    const s = spec.find((o) => o.name === p.name);
    sum.instances += n;
    for (const of of s ? [s, ...(s.sidecars ?? [])] : []) {
      sum.memory += n * (of.memory ?? 0);
      sum.cpu += n * (of.cpu ?? 0);
    }
  }
  return sum;
}

/** A number that somebody typed; what is none stays what it was. */
export function numberOf(text: string, before: number, max = 1000): number {
  const n = Number(text);
  return text.trim() === "" || !Number.isInteger(n) ? before : Math.min(max, Math.max(0, n));
}

export type QuotaHint = { what: string; before: number; after: number; limit: number; unit: string; over: boolean };

/** How the team would stand against its quota after the change; only what the change moves. Room TEAM's rule: server/paas/quota.go. */
export function quotaHints(lines: readonly Schemas["QuotaLine"][], before: Reserve, after: Reserve): QuotaHint[] {
  const delta: Record<string, number> = {
    memory: after.memory - before.memory,
    cpu: after.cpu - before.cpu,
    instances: after.instances - before.instances,
  };
  return lines
    .filter((l) => (delta[l.what] ?? 0) !== 0)
    .map((l) => {
      const then = l.before + (delta[l.what] ?? 0);
      return {
        what: l.what,
        before: l.before,
        after: then,
        limit: l.limit,
        unit: l.unit ?? "",
        over: l.limit > 0 && then > l.limit && then > l.before,
      };
    });
}
