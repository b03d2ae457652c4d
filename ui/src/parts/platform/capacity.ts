// How much there is, how much of that is spoken for, and what a person is told of it.
import type { Schemas } from "../../api/client";

type Extent = Schemas["Extent"];
type NodeRoom = Schemas["NodeRoom"];
type Tenant = Schemas["Tenant"];

/** The share that is reserved, 0 to 1 and above where there is more than fits. */
export const shareOf = (e: Extent) => (e.total > 0 ? e.reserved / e.total : e.reserved > 0 ? 1 : 0);

/** All nodes that take instances, added up. Those that don't are room that can't be used. */
export function totals(nodes: readonly NodeRoom[]): {
  cpu: Extent;
  memory: Extent;
  nodes: number;
  unknown: number;
  instances: number;
} {
  const out = { cpu: { total: 0, reserved: 0 }, memory: { total: 0, reserved: 0 }, nodes: 0, unknown: 0, instances: 0 };
  for (const n of nodes) {
    out.instances += n.tenants.length;
    if (!usable(n)) continue;
    out.nodes++;
    if (!n.room_known) {
      out.unknown++;
      continue;
    }
    out.cpu.total += n.cpu_mhz.total;
    out.cpu.reserved += n.cpu_mhz.reserved;
    out.memory.total += n.memory_mb.total;
    out.memory.reserved += n.memory_mb.reserved;
  }
  return out;
}

/** Whether Nomad places new instances there. */
export const usable = (n: Pick<NodeRoom, "status" | "eligible" | "draining">) =>
  n.status === "ready" && n.eligible && !n.draining;

/** The word of status/ for a node: Nomad's, but for what makes a ready one take nothing. */
export const wordOf = (n: Pick<NodeRoom, "status" | "eligible">) =>
  n.status === "ready" && !n.eligible ? "ineligible" : n.status;

/** The instances of a node by app, most memory first. */
export function byApp(tenants: readonly Tenant[]): { team: string; app: string; tenants: Tenant[] }[] {
  const apps = new Map<string, { team: string; app: string; tenants: Tenant[] }>();
  for (const t of tenants) {
    const key = `${t.team}/${t.app}`;
    const of = apps.get(key) ?? { team: t.team, app: t.app, tenants: [] };
    of.tenants.push(t);
    apps.set(key, of);
  }
  const memory = (ts: Tenant[]) => ts.reduce((sum, t) => sum + t.memory_mb, 0);
  return [...apps.values()].sort((a, b) => memory(b.tenants) - memory(a.tenants) || a.app.localeCompare(b.app));
}

/** MB as people say them. */
export const megabytes = (mb: number) =>
  mb >= 10_240
    ? `${(mb / 1024).toLocaleString(undefined, { maximumFractionDigits: 1 })} GB`
    : `${mb.toLocaleString()} MB`;

export const megahertz = (mhz: number) =>
  mhz >= 10_000
    ? `${(mhz / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} GHz`
    : `${mhz.toLocaleString()} MHz`;
