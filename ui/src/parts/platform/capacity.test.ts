import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { byApp, megabytes, megahertz, shareOf, totals, usable, wordOf } from "./capacity";

const tenant = (app: string, memory: number): Schemas["Tenant"] => ({
  team: "a",
  app,
  process: "web",
  instance: "i",
  slot: "blue",
  index: 0,
  release: 1,
  state: "running",
  health: "healthy",
  cpu_mhz: 10,
  memory_mb: memory,
});
const node = (more: Partial<Schemas["NodeRoom"]>): Schemas["NodeRoom"] => ({
  id: "n",
  name: "n",
  address: "",
  datacenter: "dc1",
  pool: "default",
  status: "ready",
  eligible: true,
  draining: false,
  since: "",
  instances: 0,
  room_known: true,
  cpu_mhz: { total: 1000, reserved: 250 },
  memory_mb: { total: 4096, reserved: 1024 },
  tenants: [],
  ...more,
});

it("adds up the nodes that take instances, and says of how many it does not know", () => {
  const of = totals([
    node({ tenants: [tenant("x", 1)] }),
    node({}),
    node({ eligible: false, tenants: [tenant("y", 1)] }),
    node({ status: "down" }),
    node({ draining: true }),
    node({ room_known: false, cpu_mhz: { total: 0, reserved: 0 } }),
  ]);
  expect(of).toEqual({
    cpu: { total: 2000, reserved: 500 },
    memory: { total: 8192, reserved: 2048 },
    nodes: 3,
    unknown: 1,
    instances: 2,
  });
});

it("says how full something is, also where there is nothing", () => {
  expect([
    shareOf({ total: 4, reserved: 1 }),
    shareOf({ total: 0, reserved: 0 }),
    shareOf({ total: 0, reserved: 5 }),
    shareOf({ total: 4, reserved: 6 }),
  ]).toEqual([0.25, 0, 1, 1.5]);
});

it("calls a ready node that takes nothing ineligible", () => {
  expect([
    wordOf(node({})),
    wordOf(node({ eligible: false })),
    wordOf(node({ status: "down", eligible: false })),
  ]).toEqual(["ready", "ineligible", "down"]);
  expect(usable(node({ draining: true }))).toBe(false);
});

it("puts instances together by app, the largest first", () => {
  const list = byApp([tenant("small", 10), tenant("big", 30), tenant("small", 15)]);
  expect(list.map((a) => [a.app, a.tenants.length])).toEqual([
    ["big", 1],
    ["small", 2],
  ]);
});

it("says sizes in words", () => {
  expect([megabytes(512), megahertz(2600), megabytes(23552).replace(",", "."), megahertz(52000)]).toEqual([
    "512 MB",
    `${(2600).toLocaleString()} MHz`,
    "23 GB",
    "52 GHz",
  ]);
});
