// The audit: who did, or tried to do, what to which thing from where.
import { queryOptions } from "@tanstack/react-query";
import { call } from "../../api/client";

/** paas.Audited. */
export type Audited = {
  id: number;
  time: string;
  by: string;
  kind?: string;
  via?: string;
  from: string;
  verb: string;
  action: string;
  team?: string;
  app?: string;
  target?: string;
  outcome: "done" | "denied" | "failed" | "refused";
  status: number;
  detail?: string;
  before?: unknown;
  after?: unknown;
  request_id: string;
  times?: number;
};

export type AuditPage = { items: Audited[]; next?: number };
export type AuditFilter = { team: string; app: string; by: string; action: string; denied: boolean; since: string };

/** How far back, as the page offers it. */
export const spans = [
  { value: "", label: "Any time" },
  { value: "1h", label: "The last hour" },
  { value: "24h", label: "The last day" },
  { value: "168h", label: "The last week" },
  { value: "720h", label: "The last 30 days" },
] as const;

export function auditURL(
  f: AuditFilter,
  more: Record<string, string | number>,
  now = Date.now(),
  path = "/v1/audit",
): string {
  const query = new URLSearchParams({ team: f.team });
  for (const k of ["app", "by", "action"] as const) if (f[k] !== "") query.set(k, f[k]);
  if (f.denied) query.set("denied", "true");
  const hours = Number.parseInt(f.since, 10);
  if (hours > 0) query.set("since", new Date(now - hours * 3_600_000).toISOString());
  for (const [k, v] of Object.entries(more)) query.set(k, String(v));
  return `${path}?${query}`;
}

export const LAST = 300; // lines that the page shows at first

export const auditQuery = (f: AuditFilter) =>
  queryOptions({
    queryKey: ["audit", f] as const, // not below keys.activity: it has a stream of its own,
    queryFn: ({ signal }) => call<AuditPage>("GET", auditURL(f, { last: LAST }), { signal }),
  });

export const MOST = 100_000; // lines of one export

/** All lines that match, page by page. */
export async function allLines(f: AuditFilter, signal: AbortSignal, page = call<AuditPage>): Promise<Audited[]> {
  const out: Audited[] = [];
  let after = 0;
  do {
    const answer = await page("GET", auditURL(f, { after }), { signal });
    out.push(...answer.items);
    after = answer.next ?? 0;
  } while (after > 0 && out.length < MOST);
  return out;
}

const columns = ["id", "time", "by", "kind", "via", "from", "verb", "action", "team", "app", "target", "outcome", "status", "detail", "before", "after", "request_id", "times"] as const; // biome-ignore format: a list of words

/** The lines as CSV (RFC 4180). A field that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvOf(lines: readonly Audited[]): string {
  const rows = lines.map((l) => columns.map((c) => field(l[c])).join(","));
  return `${[columns.join(","), ...rows].join("\r\n")}\r\n`;
}

function field(value: unknown): string {
  const text =
    value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
