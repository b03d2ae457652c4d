import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keys } from "./keys";
import { Live, QUIET, type Source } from "./live";

class FakeSource implements Source {
  readyState = 1;
  closed = false;
  onerror: EventSource["onerror"] = null;
  onopen: EventSource["onopen"] = null;
  private readonly handlers = new Map<string, ((e: MessageEvent) => void)[]>();
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
const last = () => sources.at(-1) as FakeSource;
const beat = (backends: unknown[] = []) => last().say("beat", { time: "", backends });

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-23T10:42:00Z") });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sources = [];
  asked = [];
  const queries = new QueryClient();
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
  expect(asked).toEqual([keys.activity(), keys.app("a", "one"), keys.app("a", "two")]);
  expect(changed.mock.calls).toEqual([[["a/one", "a/two"]]]);
  asked.length = 0;
  for (let i = 0; i < 50; i++) {
    last().say("changed", { apps: ["a/one"] });
    vi.advanceTimersByTime(100);
  }
  expect(asked.length).toBeLessThanOrEqual(5);
  expect(asked.length).toBeGreaterThanOrEqual(4);
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
