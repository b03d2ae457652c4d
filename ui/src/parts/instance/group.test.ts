import { describe, expect, it } from "vitest";
import { filtered, groupsOf, type Instance, isCanary, legendOf, shapeOf, short, sideOf, wordOf } from "./group";

const instance = (over: Partial<Instance> = {}): Instance => ({
  id: `i${Math.random()}`,
  process: "web",
  slot: "blue",
  release: 3,
  state: "running",
  health: "healthy",
  node: "n1",
  since: "2026-11-23T10:00:00Z",
  index: 0,
  restarts: 0,
  ...over,
});
const deployment = (over = {}) =>
  ({
    slot: "green",
    from: "blue",
    release: 4,
    previous: 3,
    wanted: { web: 3 },
    step: 0,
    steps: [
      { new: { web: 1 }, old: { web: 3 }, share: 20 },
      { new: { web: 3 }, old: {}, share: 100 },
    ],
    ...over,
  }) as never;
const steady = {
  processes: [{ name: "web", wanted: 3, running: 2, healthy: 1 }],
  release: 3,
  slot: "blue",
  deployment: null,
};

describe("the grid", () => {
  it("has one group for each process when nothing walks, with a place for what is wanted and missing", () => {
    const [g, ...rest] = groupsOf({ ...steady, instances: [instance({ index: 1, health: "critical" }), instance()] });
    expect(rest).toEqual([]);
    expect(g).toMatchObject({ process: "web", side: "", wanted: 3, healthy: 1, missing: 1 });
    expect(g?.instances.map((i) => i.health)).toEqual(["healthy", "critical"]);
  });
  it("leaves out what ended and was replaced, and keeps what failed where nothing stands for it", () => {
    const list = [
      instance(),
      instance({ index: 1, state: "failed", since: "2026-11-23T09:00:00Z" }),
      instance({ index: 2, state: "failed", since: "2026-11-23T08:00:00Z" }),
      instance({ state: "complete" }),
    ];
    const [g] = groupsOf({
      ...steady,
      processes: [{ name: "web", wanted: 2, running: 1, healthy: 1 }],
      instances: list,
    });
    expect(g?.instances.map((i) => [i.state, i.index])).toEqual([
      ["running", 0],
      ["failed", 1],
    ]);
    expect(g?.missing).toBe(0);
  });
  it("has a new and an old group while a deployment walks, with what its step wants of each", () => {
    const d = deployment();
    const groups = groupsOf({
      ...steady,
      deployment: d,
      instances: [instance(), instance({ slot: "green", release: 4 })],
    });
    expect(groups.map((g) => [g.side, g.slot, g.release, g.wanted, g.healthy, g.missing])).toEqual([
      ["new", "green", 4, 1, 1, 0],
      ["old", "blue", 3, 3, 1, 2],
    ]);
  });
  it("has no old group for the first deployment", () => {
    expect(
      groupsOf({ ...steady, deployment: deployment({ previous: 0, from: "" }), instances: [] }).map((g) => g.side),
    ).toEqual(["new"]);
  });
  it("has no sides for a change in place", () => {
    expect(
      groupsOf({ ...steady, deployment: deployment({ from: "green" }), instances: [] }).map((g) => g.side),
    ).toEqual([""]);
  });
});

describe("canaries", () => {
  it("are new instances with a share of the requests below all", () => {
    const fresh = instance({ slot: "green", release: 4 });
    expect(isCanary(fresh, deployment())).toBe(true);
    expect(isCanary(fresh, deployment({ step: 1 }))).toBe(false);
    expect(isCanary(instance(), deployment())).toBe(false);
    expect(isCanary(fresh, null)).toBe(false);
  });
  it("are none of a rolling walk, which has no shares", () => {
    expect(
      isCanary(instance({ slot: "green", release: 4 }), deployment({ steps: [{ new: { web: 1 }, old: { web: 3 } }] })),
    ).toBe(false);
  });
});

describe("words", () => {
  it("tell a running instance by its health, another by its state", () => {
    expect(wordOf({ state: "running", health: "passing" }).key).toBe("passing");
    expect(wordOf({ state: "lost", health: "healthy" }).key).toBe("lost");
  });
  it("have a shape each, so that colour is not alone", () => {
    expect(["healthy", "passing", "critical"].map((health) => shapeOf(wordOf({ state: "running", health })))).toEqual([
      "whole",
      "half",
      "broken",
    ]);
    expect(shapeOf(wordOf({ state: "of a newer server", health: "" }))).toBe("outline");
  });
  it("are counted in the legend, what serves first", () => {
    const legend = legendOf([instance({ state: "failed" }), instance(), instance(), instance({ health: "critical" })]);
    expect(legend.map((c) => [c.word.key, c.count])).toEqual([
      ["healthy", 2],
      ["critical", 1],
      ["failed", 1],
    ]);
  });
});

describe("the list", () => {
  it("holds what the filter names, what stands first", () => {
    const a = instance({ id: "aaa", state: "failed" });
    const b = instance({ id: "bbb", index: 1 });
    const c = instance({ id: "ccc", process: "worker" });
    expect(filtered([a, b, c], {}).map((i) => i.id)).toEqual(["bbb", "ccc", "aaa"]);
    expect(filtered([a, b, c], { process: "web" }).map((i) => i.id)).toEqual(["bbb", "aaa"]);
    expect(filtered([a, b, c], { state: "failed" }).map((i) => i.id)).toEqual(["aaa"]);
    expect(filtered([a, b, c], { instance: "cc" }).map((i) => i.id)).toEqual(["ccc"]);
  });
});

it("shortens ids of allocations only", () => {
  expect(short("3f2a9c01-1111-2222-3333-444455556666")).toBe("3f2a9c01");
  expect(short("shop.example.com/")).toBe("shop.example.com/");
});

it("puts an instance of the slot walked to on the new side", () => {
  expect(sideOf({ slot: "green", release: 4 }, deployment())).toBe("new");
  expect(sideOf({ slot: "blue", release: 3 }, deployment())).toBe("old");
  expect(sideOf({ slot: "data", release: 3 }, deployment())).toBe("");
});
