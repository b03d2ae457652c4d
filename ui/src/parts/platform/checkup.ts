import type { Schemas } from "../../api/client";

export type Checkup = Schemas["Checkup"];
export type Quorum = Schemas["Quorum"];
export type PlatformFinding = Schemas["PlatformFinding"];

/** What ends some day: certificates, and Crumpet's own tokens; the first to end comes first. */
export type Ending = { what: string; of: string; where: string; ends?: string; note: string };

export function endings(c: Checkup): Ending[] {
  const list: Ending[] = [
    ...c.certificates.map((x) => ({
      what: "Certificate",
      of: x.of,
      where: x.where,
      ends: x.ends,
      note: x.reason ?? "",
    })),
    ...c.leases.map((x) => ({
      what: "Token",
      of: x.of,
      where: "Crumpet's own",
      ends: x.ends,
      note: x.reason ?? (x.ends ? (x.renewable ? "renewed before" : "nothing renews it") : "does not end"),
    })),
  ];
  return list.sort((a, b) => (a.ends ?? "9").localeCompare(b.ends ?? "9"));
}

const serves = (s: Quorum["servers"][number]) => s.healthy && !s.sealed;

export const healthy = (q: Quorum) => q.servers.filter(serves).length;

/** How many voting servers may be lost before there is no majority; below 0 there is none. */
export function spare(q: Quorum): number {
  const voters = q.servers.filter((s) => s.voter);
  return voters.filter(serves).length - (Math.floor(voters.length / 2) + 1);
}

/** How many findings there are of each severity, in the order of the list, which is worst first. */
export function counts(findings: readonly PlatformFinding[]): [severity: string, n: number][] {
  const by = new Map<string, number>();
  for (const f of findings) by.set(f.severity, (by.get(f.severity) ?? 0) + 1);
  return [...by];
}
