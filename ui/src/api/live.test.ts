import { readFileSync } from "node:fs";
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keys } from "./keys";
import { Live, QUIET, type Source } from "./live";

class FakeSource implements Source {
  readyState = 1;
  closed = false;
  onerror: EventSource["onerror"] = null;
  onopen: EventSource["onopen"] = null;
  readonly handlers = new Map<string, ((e: MessageEvent) => void)[]>();
  addEventListener(kind: string, f: unknown) {
    this.handlers.set(kind, [...(this.handlers.get(kind) ?? []), f as (e: MessageEvent) => void]);
  }
  close() {
    this.closed = true;
    this.readyState = 2;
  }
  say(kind: string, data: unknown) {
    for (const f of this.handlers.get(kind) ?? []) f({ data: JSON.stringify(data) } as MessageEvent);
  }
  fail(closed = false) {
    this.readyState = closed ? 2 : 0;
    this.onerror?.call(this as unknown as EventSource, new Event("error"));
  }
  open() {
    this.readyState = 1;
    this.onopen?.call(this as unknown as EventSource, new Event("open"));
  }
}

let sources: FakeSource[];
let live: Live;
let asked: unknown[];
let queries: QueryClient;
const last = () => sources.at(-1) as FakeSource;
const beat = (backends: unknown[] = []) => last().say("beat", { time: "", backends });

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-23T10:42:00Z") });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sources = [];
  asked = [];
  queries = new QueryClient();
  vi.spyOn(queries, "invalidateQueries").mockImplementation(async (f) => void asked.push(f?.queryKey ?? "all"));
  live = new Live({
    queries,
    open: () => {
      sources.push(new FakeSource());
      return last();
    },
  });
  live.start();
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

test("it listens to every kind of event that there is, and to nothing else", () => {
  const events = readFileSync("../server/paas/event.go", "utf8");
  const streams = readFileSync("../server/wire/event.go", "utf8");
  const kinds = [...events.matchAll(/^\tEvent\w+\s+EventKind = "([a-z.]+)"/gm)].map((m) => m[1]);
  const words = [...streams.matchAll(/^\tStream\w+\s+= "([a-z]+)"/gm)].map((m) => m[1]);
  expect(kinds.length).toBeGreaterThan(20);
  expect(words).toContain("changed");
  expect([...last().handlers.keys()].sort()).toEqual([...kinds, ...words].sort());
});

test("one subscription, however often it is begun", () => {
  live.start();
  expect(sources).toHaveLength(1);
});

test("it is live from the first sign of life on, and asks for nothing then", () => {
  expect(live.get().state).toBe("connecting");
  beat();
  expect(live.get()).toMatchObject({ state: "live", since: null });
  vi.advanceTimersByTime(2000);
  expect(asked).toEqual([]);
});

test("silence makes it lost since the last sign of life, not since it was noticed", () => {
  beat();
  vi.advanceTimersByTime(5000);
  beat();
  vi.advanceTimersByTime(QUIET - 1);
  expect(live.get().state).toBe("live");
  vi.advanceTimersByTime(1);
  expect(live.get()).toMatchObject({ state: "lost", since: new Date("2026-11-23T10:42:05Z") });
});

test("a broken connection is told at once, and after it all is asked for anew", () => {
  beat();
  vi.advanceTimersByTime(3000);
  last().fail();
  expect(live.get()).toMatchObject({ state: "lost", since: new Date("2026-11-23T10:42:00Z") });
  vi.advanceTimersByTime(60_000);
  last().fail();
  expect(live.get().since).toEqual(new Date("2026-11-23T10:42:00Z"));
  last().open();
  expect(live.get()).toMatchObject({ state: "live", since: null });
  expect(asked).toEqual(["all"]);
});

test("where the browser gives up it connects again, later each time", () => {
  beat();
  last().fail(true);
  expect(asked).toEqual([keys.self]); // it may be that the session has ended
  vi.advanceTimersByTime(999);
  expect(sources).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sources).toHaveLength(2);
  last().fail(true);
  vi.advanceTimersByTime(1999);
  expect(sources).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(sources).toHaveLength(3);
  beat();
  expect(live.get().state).toBe("live");
});

test("changes are gathered: each app once, a round a second", () => {
  const changed = vi.fn();
  live.changed(changed);
  beat();
  last().say("changed", { apps: ["a/one", "a/two"] });
  last().say("changed", { apps: ["a/one"] });
  last().say("app.changed", { id: 1, team: "a", app: "one", kind: "app.changed", message: "" });
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual([keys.activity(), keys.app("a", "one"), keys.app("a", "two"), keys.team("a")]);
  expect(changed.mock.calls).toEqual([[["a/one", "a/two"]]]);
  asked.length = 0;
  for (let i = 0; i < 50; i++) {
    last().say("changed", { apps: ["a/one"] });
    vi.advanceTimersByTime(100);
  }
  const rounds = asked.filter((key) => JSON.stringify(key) === JSON.stringify(keys.app("a", "one"))).length;
  expect(rounds).toBeLessThanOrEqual(5);
  expect(rounds).toBeGreaterThanOrEqual(4);
});

test("events reach whoever reads them, and what they are about is asked for again", () => {
  const read = vi.fn();
  const end = live.read(read);
  last().say("service.changed", { id: 1, team: "a", app: "", kind: "service.changed", message: "db is ready" });
  expect(read).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  expect(asked).toContainEqual(keys.services("a"));
  end();
  last().say("service.changed", { id: 2, team: "a", app: "", kind: "service.changed", message: "" });
  expect(read).toHaveBeenCalledTimes(1);
});

test("numbers that moved reach who reads them, and only what shows numbers of these apps is asked for again", () => {
  vi.mocked(queries.invalidateQueries).mockRestore();
  const shown = [keys.app("a", "one", "metrics"), keys.app("a", "one", "status"), keys.app("a", "two", "metrics")];
  for (const key of shown) queries.setQueryData(key, 1);
  const read = vi.fn();
  live.rates(read);
  last().say("rates", { items: [{ app: "a/one", rate: 2, errors: 0 }] });
  expect(read).toHaveBeenCalledWith([{ app: "a/one", rate: 2, errors: 0 }]);
  vi.advanceTimersByTime(1000);
  expect(shown.map((key) => queries.getQueryState(key)?.isInvalidated)).toEqual([true, false, false]);
});

test("a provider of services is of no team: the services of all are asked for again", () => {
  last().say("service.changed", { id: 1, team: "", app: "", kind: "service.changed", message: "" });
  vi.advanceTimersByTime(1000);
  expect(asked).toContainEqual(["services"]);
});

test("what happens to a team or a user is asked for again, and who the reader is", () => {
  last().say("team.changed", { id: 1, team: "a", app: "", kind: "team.changed", message: "ann made bob a developer" });
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual([keys.activity(), keys.team("a"), keys.teams, keys.users, keys.self]);
  asked.length = 0;
  last().say("user.changed", { id: 2, team: "", app: "", kind: "user.changed", message: "root disabled bob" });
  vi.advanceTimersByTime(1000);
  expect(asked).toEqual([keys.activity(), keys.teams, keys.users, keys.self]);
});

test("a backend that is gone is told with its moment, and its return asks for all anew", () => {
  beat([{ name: "nomad", since: "2026-11-23T10:41:58Z" }]);
  expect(live.get().backends).toEqual([{ name: "nomad", since: "2026-11-23T10:41:58Z" }]);
  const before = live.get();
  beat([{ name: "nomad", since: "2026-11-23T10:41:58Z" }]);
  expect(live.get()).toBe(before);
  beat([]);
  expect(live.get().backends).toEqual([]);
  expect(asked).toContain("all");
});

test("what is no JSON is left out", () => {
  beat();
  for (const kind of ["beat", "changed", "app.changed"]) {
    expect(() => last().say(kind, undefined)).not.toThrow();
  }
  expect(live.get().state).toBe("live");
});
