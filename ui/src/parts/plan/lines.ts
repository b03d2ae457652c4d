// A plan as the CLI shows it (cli/plan_show.go), for a page. Pure.
import type { Schemas } from "../../api/client";

type Plan = Schemas["Plan"];
type KeyChange = Schemas["KeyChange"];

/** splits process.NAME, task.NAME or cron.NAME off a key. */
export function blockOf(key: string): { block: string; rest: string } {
  const m = /^((?:process|task|cron)\.[^.]+)\.(.+)$/.exec(key);
  return m ? { block: m[1] ?? "", rest: m[2] ?? "" } : { block: "", rest: key };
}

/** Puts the many keys of a process, task or cron that came or went into one line, with its command. */
export function folded(changes: readonly KeyChange[]): KeyChange[] {
  const whole = new Set<string>();
  for (const c of changes) {
    const { block, rest } = blockOf(c.key);
    // Every program has a kill_timeout; a key of the block that was there before is there still.
    if (rest === "kill_timeout" && (c.old === null) !== (c.new === null)) whole.add(block);
  }
  const list: KeyChange[] = [];
  for (const c of changes) {
    const { block, rest } = blockOf(c.key);
    if (!whole.has(block)) list.push(c);
    else if (rest === "command" || (rest === "kill_timeout" && !changes.some((o) => o.key === `${block}.command`)))
      list.push({ ...c, key: block });
  }
  return list;
}

export type Sign = "+" | "-" | "~";
export const signOf = (c: KeyChange): Sign =>
  c.old === null && c.new !== null ? "+" : c.old !== null && c.new === null ? "-" : "~";

/** A value on one line; digests in their short form. */
export function valueText(key: string, value: string): string {
  return key === "artifact" || key === "runtime" ? value.slice(0, 12) : value.split(/\s+/).filter(Boolean).join(" ");
}

export function titleOf(p: Plan): string {
  if (p.nothing) return "Nothing to do";
  if (!p.from_release) return `Release ${p.release}, the first`;
  return `Release ${p.release}, after release ${p.from_release}${p.from_slot ? ` in ${p.from_slot}` : ""}`;
}

export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** "2 web, 1 worker" */
export function counted(counts: Record<string, number>): string {
  const parts = Object.keys(counts)
    .sort()
    .filter((k) => (counts[k] ?? 0) > 0)
    .map((k) => `${counts[k]} ${k}`);
  return parts.join(", ") || "none";
}

/** How a walk goes, in one line; "" where the slot that serves is changed in place. */
export function walkText(p: Plan): string {
  if (!p.walk) return "";
  const way = p.from_slot ? `from ${p.from_slot} to ${p.to_slot}` : `from none to ${p.to_slot}`;
  return `${p.strategy} ${way} in ${count(p.steps.length, "step")}, at most ${count(p.capacity.peak.instances, "instance")} at once`;
}

export type RoomLine = { ok: boolean; text: string };

/** Whether the new instances find a place. */
export function roomLines(p: Plan): RoomLine[] {
  const lines: RoomLine[] = [];
  if (p.processes.some((f) => f.created + f.replaced > 0)) {
    if (!p.placement.checked) lines.push({ ok: false, text: "Nomad was not asked whether there is room." });
    else if (p.placement.blockers.length === 0) lines.push({ ok: true, text: "Every new instance finds a node now." });
    else if (p.placement.possible)
      lines.push({ ok: true, text: "The first step finds a node for each new instance now." });
  }
  for (const b of p.placement.blockers)
    lines.push({ ok: false, text: `${counted(b.counts)} new: ${b.reason}; ${b.then}` });
  return lines;
}

/** Go's duration in nanoseconds, as the CLI writes it: "1m", "1m30s", "500ms". */
export function holdText(ns: number): string {
  const ms = ns / 1e6;
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const s = Math.round(ms / 1000);
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return `${h ? `${h}h` : ""}${m ? `${m}m` : ""}${s % 60 || s === 0 ? `${s % 60}s` : ""}`;
}

export type StepRow = { step: number; fresh: string; stale: string; requests: string; held: string; share?: number };

/** The steps of a walk; none where it has fewer than two. */
export function stepRows(p: Plan): StepRow[] {
  if (!p.walk || p.steps.length < 2) return [];
  return p.steps.map((s, i) => ({
    step: i + 1,
    fresh: counted(s.new),
    stale: counted(s.old),
    requests: s.share === undefined ? "follow the instances" : `${s.share} % to ${p.to_slot}`,
    held: s.manual ? "until promoted" : s.hold ? holdText(s.hold) : "–",
    share: s.share,
  }));
}

export const overQuota = (l: Schemas["QuotaLine"]) => l.limit > 0 && l.after > l.limit && l.after > l.before;

/** "memory: 512 of 1,024 MB after this" */
export function quotaText(l: Schemas["QuotaLine"]): string {
  const n = (v: number) => v.toLocaleString("en");
  return `${n(l.after)} of ${n(l.limit)}${l.unit ? ` ${l.unit}` : ""} after this`;
}
