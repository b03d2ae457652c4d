import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Audited, type AuditFilter, type AuditPage, allLines, auditURL, csvOf } from "./audit";
import { dayName, days } from "./days";
import { kinds, QUIET } from "./kinds";
import { lookOf } from "./look";

const all: AuditFilter = { team: "*", app: "", by: "", action: "", denied: false, since: "" };
const line = (more: Partial<Audited>): Audited => ({
  id: 1,
  time: "2026-11-23T10:00:00Z",
  by: "ann",
  from: "::1",
  verb: "deploy",
  action: "createRelease",
  outcome: "done",
  status: 200,
  request_id: "R",
  ...more,
});

describe("audit", () => {
  it("asks for what narrows it, and a span from now", () => {
    expect(auditURL(all, {})).toBe("/v1/audit?team=*");
    const url = auditURL(
      { ...all, team: "a", by: "ann", denied: true, since: "24h" },
      { last: 5 },
      Date.parse("2026-11-23T10:00:00Z"),
    );
    expect(new URLSearchParams(url.split("?")[1])).toEqual(
      new URLSearchParams({ team: "a", by: "ann", denied: "true", since: "2026-11-22T10:00:00.000Z", last: "5" }),
    );
  });
  it("exports every page", async () => {
    const pages: AuditPage[] = [{ items: [line({ id: 1 }), line({ id: 2 })], next: 2 }, { items: [line({ id: 3 })] }]; // biome-ignore format: short
    const asked: string[] = [];
    const page = (_: string, url: string) => {
      asked.push(url);
      return Promise.resolve(pages[asked.length - 1]);
    };
    const lines = await allLines(all, new AbortController().signal, page as never);
    expect([lines.map((l) => l.id), asked]).toEqual([[1, 2, 3], ["/v1/audit?team=*&after=0", "/v1/audit?team=*&after=2"]]); // biome-ignore format: short
  });
  it("writes CSV that no spreadsheet runs", () => {
    const csv = csvOf([line({ by: "=HYPERLINK(1)", detail: 'a "b",\nc', before: { a: 1 }, after: undefined })]);
    const [head, ...rest] = csv.split("\r\n");
    expect(head).toMatch(/^id,time,by/);
    expect(rest.join("")).toContain(`,'=HYPERLINK(1),`);
    expect(rest.join("")).toContain('"a ""b"",\nc"');
    expect(rest.join("")).toContain('"{""a"":1}",,R');
  });
});

describe("activity", () => {
  it("is shown newest first, by day", () => {
    const at = (id: number, d: Date) => ({ id, time: d.toISOString() });
    const noon = new Date(2026, 10, 23, 12);
    const list = days([at(1, new Date(2026, 10, 21, 23)), at(2, new Date(2026, 10, 23, 0, 5)), at(3, noon)]);
    expect(list.map((d) => [d.day, d.items.map((i) => i.id)])).toEqual([
      ["2026-11-23", [3, 2]],
      ["2026-11-21", [1]],
    ]);
    expect([dayName("2026-11-23", noon), dayName("2026-11-22", noon)]).toEqual(["Today", "Yesterday"]);
    expect(dayName("2026-11-21", noon)).toContain("21");
  });
  it("marks trouble", () => {
    expect(lookOf({ kind: "instance.crash", message: "web 0 ends again and again" }).tone).toBe("warn");
    expect(lookOf({ kind: "deployment.ended", message: "release 3 is healthy" }).tone).toBe("good");
    expect(lookOf({ kind: "deployment.ended", message: "release 3 failed" }).tone).toBe("warn");
    expect(lookOf({ kind: "something.new", message: "x" }).tone).toBe("neutral");
  });
});

it("asks for every kind of event but the lines of builds, and for no kind that is none", () => {
  const events = readFileSync("../server/paas/event.go", "utf8");
  const all = [...events.matchAll(/^\tEvent\w+\s+EventKind = "([a-z.]+)"/gm)].map((m) => m[1] ?? "");
  const takes = (list: string) => (kind: string) => list.split(",").some((w) => w === kind || w === kind.split(".")[0]);
  expect(all.filter((k) => !takes(QUIET)(k))).toEqual(["build.log"]);
  const words = [...kinds.map((k) => k.value), QUIET].flatMap((list) => list.split(",")).filter(Boolean);
  expect(words.filter((w) => !all.some(takes(w)))).toEqual([]);
});
