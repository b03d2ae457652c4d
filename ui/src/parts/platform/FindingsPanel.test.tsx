// @vitest-environment happy-dom
import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type Checkup, counts, endings, type Quorum, spare } from "./checkup";
import { Findings } from "./FindingsPanel";

afterEach(cleanup);

const server = (name: string, more: Partial<Quorum["servers"][number]> = {}): Quorum["servers"][number] => ({
  name,
  address: "10.0.0.1:4647",
  version: "2.0.6",
  leader: name === "one",
  voter: true,
  healthy: true,
  sealed: false,
  ...more,
});

const quorum = (...servers: Quorum["servers"]): Quorum => ({
  program: "nomad",
  leader: "one",
  version: "2.0.6",
  alone: false,
  servers,
});

const well: Checkup = {
  at: "2026-11-23T12:00:00Z",
  took_ms: 12,
  quorums: [quorum(server("one"), server("two"), server("three"))],
  agents: [],
  certificates: [{ of: "nomad", where: "10.0.0.1:4646", ends: "2027-01-01T00:00:00Z" }],
  leases: [
    { of: "vault", ends: "2026-11-24T00:00:00Z", renewable: true },
    { of: "nomad", renewable: false },
  ],
  findings: [],
};

const finding = (severity: string, thing: string): Checkup["findings"][number] => ({
  severity,
  subject: "quorum",
  thing,
  found: `${thing} has no leader.`,
  why: "Nothing is placed.",
  next: "nomad server members",
  hint: "on its servers",
});

test("a cluster that is well says so, and who leads", () => {
  render(<Findings of={well} />);
  expect(screen.getByText("Nothing was found to be wrong.")).toBeTruthy();
  const row = within(screen.getByRole("table", { name: "Quorums" })).getAllByRole("row")[1];
  expect(row?.textContent).toContain("3 of 3");
  expect(row?.textContent).toContain("one");
});

test("a finding says how bad it is in a word, what is, why, and what to do, to copy", () => {
  render(<Findings of={{ ...well, findings: [finding("critical", "nomad"), finding("unknown", "vault")] }} />);
  const items = within(screen.getByRole("list", { name: "Findings" })).getAllByRole("listitem");
  expect(items).toHaveLength(2);
  const first = within(items[0] as HTMLElement);
  expect(first.getByText("Critical").parentElement?.querySelector("svg")).not.toBeNull();
  for (const text of ["nomad has no leader.", "Nothing is placed.", "nomad server members", "on its servers"])
    expect(first.getByText(text)).toBeTruthy();
  expect(first.getByRole("button", { name: /^Copy the next step/ })).toBeTruthy();
  expect(within(items[1] as HTMLElement).getByText("Not known")).toBeTruthy();
});

test("how many servers may be lost", () => {
  expect(spare(quorum(server("one"), server("two"), server("three")))).toBe(1);
  expect(spare(quorum(server("one"), server("two"), server("three", { sealed: true })))).toBe(0);
  expect(spare(quorum(server("one"), server("two", { healthy: false }), server("three", { healthy: false })))).toBe(-1);
  expect(spare(quorum(server("one"), server("two"), server("three"), server("four", { voter: false })))).toBe(1);
});

test("what ends first comes first, and what does not end last", () => {
  expect(endings(well).map((e) => `${e.what} ${e.of} ${e.note}`)).toEqual([
    "Token vault renewed before",
    "Certificate nomad ",
    "Token nomad does not end",
  ]);
  expect(counts([finding("critical", "a"), finding("warning", "b"), finding("warning", "c")])).toEqual([
    ["critical", 1],
    ["warning", 2],
  ]);
});
