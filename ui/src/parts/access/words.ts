import type { Schemas } from "../../api/client";
import { megabytes, megahertz } from "../platform/capacity";

export type Role = Schemas["SetMember"]["role"];

export const roles: readonly { value: Role; label: string; may: string }[] = [
  { value: "viewer", label: "Viewer", may: "sees apps, logs and events" },
  { value: "developer", label: "Developer", may: "also deploys, scales, configures, reveals, binds and runs commands" },
  {
    value: "maintainer",
    label: "Maintainer",
    may: "also destroys, reads the audit, and looks after members, bots and hosts",
  },
];

/** What a token can be narrowed to. */
export const verbs: readonly { value: string; may: string }[] = [
  { value: "read", may: "lists, status, events, plans" },
  { value: "logs", may: "what instances write" },
  { value: "deploy", may: "build, release, roll back, run tasks" },
  { value: "scale", may: "counts, restart, stop, start" },
  { value: "config", may: "set and unset configuration" },
  { value: "reveal", may: "be shown a value or a credential" },
  { value: "exec", may: "a command in an instance" },
  { value: "service", may: "make, bind and rotate services" },
  { value: "destroy", may: "apps, services, volumes" },
  { value: "manage", may: "members, bots, hosts" },
  { value: "audit", may: "read the audit" },
  { value: "platform", may: "nodes, users, teams, quotas" },
];

/** What a token may, in one line. */
export function scopeText(t: Pick<Schemas["Token"], "teams" | "apps" | "verbs">): string {
  const where =
    t.apps.length > 0
      ? t.apps.join(", ")
      : t.teams.length > 0
        ? t.teams.map((x) => `team ${x}`).join(", ")
        : "everywhere";
  const what = t.verbs.length > 0 ? t.verbs.join(", ") : "all that its owner may";
  return where === "everywhere" ? what : `${what}; only in ${where}`;
}

export const quotaNames: Record<Schemas["QuotaLine"]["what"], string> = {
  memory: "Memory",
  cpu: "CPU",
  apps: "Apps",
  instances: "Instances",
  routes: "Routes",
  storage: "Storage",
};

/** A number of a quota as people say it. */
export function quotaAmount(what: Schemas["QuotaLine"]["what"], n: number): string {
  if (what === "cpu") return megahertz(n);
  if (what === "memory" || what === "storage") return megabytes(n);
  return n.toLocaleString();
}

/** What of a quota was typed differs from what is there; undefined where nothing does. "" and 0 stand for no bound. */
export function quotaChange(
  now: Schemas["TeamQuota"],
  typed: Readonly<Record<string, string>>,
): { change?: Schemas["QuotaChange"]; faults: Record<string, string> } {
  const change: Record<string, number> = {};
  const faults: Record<string, string> = {};
  for (const what of Object.keys(quotaNames) as (keyof typeof quotaNames)[]) {
    const text = typed[what];
    if (text === undefined) continue;
    const n = text.trim() === "" ? 0 : Number(text);
    if (!Number.isInteger(n) || n < 0) faults[what] = "Give a whole number, or nothing for no bound.";
    else if (n !== (now[what] ?? 0)) change[what] = n;
  }
  return { change: Object.keys(change).length > 0 ? change : undefined, faults };
}

/** The browser and machine of a session, of its User-Agent. */
export function agentText(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari|curl)\/(\d+)?/.exec(agent.replace(/.*(Edg|OPR)\//, "$1/"));
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera" };
  const on = /Windows|Mac OS X|Android|iPhone|iPad|Linux/.exec(agent)?.[0]?.replace("Mac OS X", "macOS");
  if (!browser) return agent.slice(0, 40) || "unknown";
  return [`${names[browser[1] ?? ""] ?? browser[1]} ${browser[2] ?? ""}`.trim(), on].filter(Boolean).join(" on ");
}
