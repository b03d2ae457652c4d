// From a list of instances to what the grid, its legend and the filtered list show. Pure.
import type { Schemas } from "../../api/client";
import { type Kind, type Status, statusOf } from "../../status/status";

export type Instance = Schemas["Instance"];
type Deployment = Schemas["Deployment"];
type Process = Schemas["Process"];

/** What a block, a count of the legend and a filter are about: one word of an instance. */
export type Word = { key: string; kind: Kind; word: string };

/** A running instance is told by its health, another one by its state. */
export function wordOf(i: Pick<Instance, "state" | "health">): Word {
  return i.state === "running"
    ? { key: i.health, kind: "health", word: i.health }
    : { key: i.state, kind: "instance", word: i.state };
}

/** How a block is drawn: what serves is whole, what is not sure yet is half, what does not serve is an outline. */
export type Shape = "whole" | "half" | "broken" | "outline";

const shapes: Record<string, Shape> = {
  healthy: "whole",
  passing: "half",
  unknown: "half",
  critical: "broken",
  pending: "outline",
  stopping: "outline",
  complete: "outline",
  failed: "broken",
  lost: "broken",
};

export const shapeOf = (word: Word): Shape => shapes[word.key] ?? "outline";

export const statusOfWord = (word: Word): Status => statusOf(word.kind, word.word);

// From what serves to what has ended: the order of the legend and of blocks.
const order = ["healthy", "passing", "unknown", "critical", "pending", "failed", "lost", "stopping", "complete"];
const rank = (key: string) => {
  const at = order.indexOf(key);
  return at < 0 ? order.length : at;
};

export type Side = "new" | "old" | "";

/** On which side of a walk an instance stands. In place, and without a deployment, there are no sides. */
export function sideOf(i: Pick<Instance, "slot" | "release">, d: Deployment | null | undefined): Side {
  if (!d || d.slot === d.from) return "";
  if (i.slot === d.slot && (i.release === d.release || i.slot !== d.from)) return "new";
  return i.slot === d.from ? "old" : "";
}

/** An instance of the new release that is tried with a share of the requests. */
export function isCanary(i: Pick<Instance, "slot" | "release">, d: Deployment | null | undefined): boolean {
  if (!d || sideOf(i, d) !== "new") return false;
  const share = d.steps[d.step]?.share;
  return (
    share !== undefined && share < 100 && d.steps.some((s) => s.share !== undefined && s.share > 0 && s.share < 100)
  );
}

export type Group = {
  process: string;
  side: Side;
  slot: string;
  release: number;
  wanted: number; // of this side, now
  healthy: number;
  missing: number; // wanted, and not there in any form that may still serve
  instances: Instance[];
};

const ended = new Set(["complete", "failed", "lost"]);

/**
 * The groups of the grid: one for each process, or two while a deployment walks from one slot to the other.
 * Ended instances that were replaced stand in the list below, not in the grid; they are kept where nothing stands for them.
 */
export function groupsOf(status: {
  processes: Process[];
  instances: Instance[];
  deployment?: Deployment | null;
  release: number;
  slot: string;
}): Group[] {
  const d = status.deployment && status.deployment.slot !== status.deployment.from ? status.deployment : null;
  const names = [
    ...new Set([
      ...status.processes.map((p) => p.name),
      ...(d ? Object.keys(d.wanted) : []),
      ...status.instances.map((i) => i.process),
    ]),
  ];
  const groups: Group[] = [];
  for (const process of names) {
    const mine = status.instances.filter((i) => i.process === process);
    if (!d) {
      const wanted = status.processes.find((p) => p.name === process)?.wanted ?? 0;
      groups.push(groupOf(process, "", status.slot, status.release, wanted, mine));
      continue;
    }
    const step = d.steps[d.step];
    const fresh = mine.filter((i) => sideOf(i, d) === "new");
    const stale = mine.filter((i) => sideOf(i, d) !== "new");
    groups.push(groupOf(process, "new", d.slot, d.release, step?.new[process] ?? 0, fresh));
    if (d.previous > 0) groups.push(groupOf(process, "old", d.from, d.previous, step?.old[process] ?? 0, stale));
  }
  return groups;
}

function groupOf(process: string, side: Side, slot: string, release: number, wanted: number, all: Instance[]): Group {
  const standing = all.filter((i) => !ended.has(i.state));
  const counts = standing.filter((i) => i.state !== "stopping").length;
  // The newest ended ones fill the places of what is wanted and not there.
  const gone = all
    .filter((i) => ended.has(i.state) && i.state !== "complete")
    .sort((a, b) => b.since.localeCompare(a.since))
    .slice(0, Math.max(0, wanted - counts));
  const instances = [...standing, ...gone].sort(
    (a, b) => rank(wordOf(a).key) - rank(wordOf(b).key) || a.index - b.index || a.id.localeCompare(b.id),
  );
  const healthy = standing.filter((i) => i.state === "running" && i.health === "healthy").length;
  return {
    process,
    side,
    slot,
    release,
    wanted,
    healthy,
    missing: Math.max(0, wanted - counts - gone.length),
    instances,
  };
}

export type Count = { word: Word; status: Status; count: number };

/** The legend: how many instances there are of each word, what serves first. */
export function legendOf(instances: readonly Instance[]): Count[] {
  const counts = new Map<string, Count>();
  for (const i of instances) {
    const word = wordOf(i);
    const known = counts.get(word.key);
    if (known) known.count++;
    else counts.set(word.key, { word, status: statusOfWord(word), count: 1 });
  }
  return [...counts.values()].sort((a, b) => rank(a.word.key) - rank(b.word.key));
}

export type Filter = { process?: string; state?: string; instance?: string };

/** The rows of the list: those of the filter, what stands before what has ended. */
export function filtered(instances: readonly Instance[], filter: Filter): Instance[] {
  return instances
    .filter(
      (i) =>
        (!filter.process || i.process === filter.process) &&
        (!filter.state || wordOf(i).key === filter.state) &&
        (!filter.instance || i.id.startsWith(filter.instance)),
    )
    .sort(
      (a, b) =>
        Number(ended.has(a.state)) - Number(ended.has(b.state)) ||
        a.process.localeCompare(b.process) ||
        b.release - a.release ||
        a.index - b.index ||
        b.since.localeCompare(a.since),
    );
}

/** web.2, as tables and logs name it. */
export const nameOf = (i: Pick<Instance, "process" | "index">) => `${i.process}.${i.index}`;

/** The first eight characters of an id, as the command line shows it. */
export const short = (id: string) => (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id.slice(0, 8) : id);
