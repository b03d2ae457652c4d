// The one subscription: /v1/events says what has changed, and what has changed is fetched again. Nothing is polled.
//
//	changed  {apps: ["TEAM/APP", ...]}    at most one a second; these apps' queries, and their lines in the lists
//	rates    {items: [{app, ...}]}        the requests and errors of these apps moved
//	beat     {time, backends: [...]}      every 5 s, with the backends that do not answer and since when
//	else     a paas.Event by its kind     services, activity, the platform
//
// Tokens, sessions and sign-ins are told of by nobody: see UNTOLD in query.ts. Whose own roles change has the
// subscription ended by the server, and the next one asks for all anew.
//
// When nothing has come for QUIET ms, or the connection breaks, what is shown may be old since the last sign of life:
// useLive() says so until it is back, and then everything is fetched anew.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { Schemas } from "./client";
import { keys } from "./keys";

export type Event = Schemas["Event"];
export type Rate = Schemas["Rate"];
export type BackendGone = { name: string; since: string; reason?: string };
export type LiveState = {
  state: "connecting" | "live" | "lost";
  since: Date | null; // the last sign of life, while lost
  backends: readonly BackendGone[]; // those that do not answer
};

/** EventSource, as far as it is used: tests put their own in its place. */
export type Source = Pick<EventSource, "addEventListener" | "close" | "readyState"> & {
  onerror: EventSource["onerror"];
  onopen: EventSource["onopen"];
};

export type LiveOptions = { open: () => Source; queries: QueryClient; now?: () => number };

export const QUIET = 12_000; // two beats and a bit
const THROTTLE = 1_000; // between two rounds of fetching
const CLOSED = 2; // EventSource.CLOSED: the browser will not try again

// The browser tells of the kinds it was given only. They are paas.EventKinds: the test reads those and compares.
const KINDS = [
  "build.log", "build.started", "build.ended", "release.created", "deployment.started", "deployment.step", "deployment.held",
  "deployment.aborting", "deployment.ended", "instance.state", "instance.health", "instance.crash", "node.state", "backend.state",
  "route.state", "run.state", "exec", "app.changed", "app.drift", "route.refused", "rule.quarantined", "config.changed",
  "config.revealed", "service.changed", "binding.changed", "volume.changed",
  "team.changed", "user.changed",
]; // biome-ignore format: a list of words

export class Live {
  private source: Source | undefined;
  private state: LiveState = { state: "connecting", since: null, backends: [] };
  private readonly listeners = new Set<() => void>();
  private readonly readers = new Set<(e: Event) => void>();
  private readonly dirty = new Map<string, readonly unknown[]>();
  private apps = new Set<string>();
  private rated = new Set<string>(); // apps whose numbers moved
  private heard: number;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private round: ReturnType<typeof setTimeout> | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private readonly now: () => number;

  constructor(private readonly options: LiveOptions) {
    this.now = options.now ?? Date.now;
    this.heard = this.now();
  }

  start() {
    if (this.source) return;
    this.connect();
  }

  stop() {
    this.source?.close();
    this.source = undefined;
    for (const t of [this.watchdog, this.round, this.again]) clearTimeout(t);
    this.round = undefined;
  }

  get = () => this.state;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Calls f with each event; gives back what ends that. */
  read(f: (e: Event) => void) {
    this.readers.add(f);
    return () => void this.readers.delete(f);
  }

  private connect() {
    const source = this.options.open();
    this.source = source;
    source.onopen = () => this.alive();
    source.onerror = () => this.broken();
    source.addEventListener("beat", (e) => {
      this.alive();
      const beat = parse<{ backends?: BackendGone[] | null }>(e);
      this.backends(beat?.backends ?? []);
    });
    source.addEventListener("changed", (e) => {
      this.alive();
      for (const app of parse<{ apps?: string[] | null }>(e)?.apps ?? []) this.apps.add(app);
      this.later();
    });
    source.addEventListener("rates", (e) => {
      this.alive();
      const items = parse<{ items?: Rate[] | null }>(e)?.items ?? [];
      for (const r of items) this.rated.add(r.app);
      if (items.length === 0) return;
      for (const f of this.rateReaders) f(items);
      this.later();
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (e) => {
        this.alive();
        const event = parse<Event>(e);
        if (!event) return;
        this.touch(event);
        for (const f of this.readers) f(event);
      });
    }
    this.wait();
  }

  // A sign of life: after a loss everything may have changed.
  private alive() {
    this.heard = this.now();
    this.tries = 0;
    this.wait();
    if (this.state.state === "live") return;
    const lost = this.state.state === "lost";
    this.set({ ...this.state, state: "live", since: null });
    if (lost) void this.options.queries.invalidateQueries();
  }

  private broken() {
    this.lose();
    if (this.source?.readyState !== CLOSED) return; // the browser tries again by itself
    this.source.close();
    // It was refused: perhaps the session has ended, and then whoever asks for it leads to the page of signing in.
    void this.options.queries.invalidateQueries({ queryKey: keys.self });
    const delay = Math.min(30_000, 1000 * 2 ** this.tries++) * (0.75 + Math.random() / 2);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.connect(), delay);
  }

  private wait() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lose(), QUIET);
  }

  private lose() {
    clearTimeout(this.watchdog);
    if (this.state.state !== "lost") this.set({ ...this.state, state: "lost", since: new Date(this.heard) });
  }

  private backends(list: BackendGone[]) {
    const same = (a: BackendGone, b: BackendGone | undefined) =>
      a.name === b?.name && a.since === b.since && a.reason === b.reason;
    const before = this.state.backends;
    if (before.length === list.length && list.every((b, i) => same(b, before[i]))) return;
    this.set({ ...this.state, backends: list });
    this.mark(keys.platform());
    if (list.length < before.length) void this.options.queries.invalidateQueries();
  }

  private touch(e: Event) {
    const noun = e.kind.split(".")[0] ?? "";
    if (e.kind !== "build.log") this.mark(keys.activity());
    if (e.app) this.apps.add(`${e.team}/${e.app}`);
    if (noun === "service" || noun === "binding") {
      // A provider is of no team: what it offers, it offers to all.
      this.mark(e.team ? keys.services(e.team) : ["services"]);
      this.mark(e.team ? ["service", e.team] : ["service"]);
    }
    if (noun === "team" || noun === "user") {
      // Members, bots, hosts and the quota are of the team's key; a bot is a user, and either may be about the reader.
      if (e.team) this.mark(keys.team(e.team));
      for (const key of [keys.teams, keys.users, keys.self]) this.mark(key);
    }
    if (noun === "node" || noun === "backend") this.mark(keys.platform());
    if (e.kind === "app.drift" || e.kind === "rule.quarantined") this.mark(keys.drift);
    this.later();
  }

  private mark(key: readonly unknown[]) {
    this.dirty.set(JSON.stringify(key), key);
    this.later();
  }

  // Rounds are at least THROTTLE apart, however much is told; the first comes soon.
  private later() {
    this.round ??= setTimeout(() => this.fetch(), THROTTLE);
  }

  private fetch() {
    this.round = undefined;
    const { queries } = this.options;
    for (const key of this.dirty.values()) void queries.invalidateQueries({ queryKey: key });
    this.dirty.clear();
    const apps = [...this.apps];
    this.apps.clear();
    for (const name of apps) {
      const [team = "", app = ""] = name.split("/");
      void queries.invalidateQueries({ queryKey: keys.app(team, app) });
    }
    // What a team takes of its quota is the sum of what its apps take.
    for (const team of new Set(apps.map((name) => name.split("/")[0] ?? "")))
      void queries.invalidateQueries({ queryKey: keys.team(team) });
    const rated = this.rated;
    this.rated = new Set();
    if (rated.size > 0)
      void queries.invalidateQueries({
        predicate: ({ queryKey: [of, team, app, what] }) =>
          of === "app" && (what === "metrics" || what === "line") && rated.has(`${team}/${app}`),
      });
    if (apps.length > 0) for (const f of this.changes) f(apps);
  }

  private readonly changes = new Set<(apps: string[]) => void>();
  private readonly rateReaders = new Set<(rates: readonly Rate[]) => void>();

  /** Calls f with the names (TEAM/APP) of what changed, once a round: for lists that fetch single lines. */
  changed(f: (apps: string[]) => void) {
    this.changes.add(f);
    return () => void this.changes.delete(f);
  }

  /** Calls f with the numbers of the apps whose numbers moved. */
  rates(f: (rates: readonly Rate[]) => void) {
    this.rateReaders.add(f);
    return () => void this.rateReaders.delete(f);
  }

  private set(state: LiveState) {
    this.state = state;
    for (const l of this.listeners) l();
  }
}

function parse<T>(e: globalThis.Event): T | undefined {
  try {
    return JSON.parse((e as MessageEvent<string>).data) as T;
  } catch {
    return undefined;
  }
}

const LiveContext = createContext<Live | undefined>(undefined);

/** Holds the one subscription of the page. It begins when somebody has signed in: see useLiveStart. */
export function LiveProvider({ children, open }: { children: ReactNode; open?: () => Source }) {
  const queries = useQueryClient();
  const [live] = useState(
    () => new Live({ queries, open: open ?? (() => new EventSource("/v1/events?team=*&platform=true&changes=true")) }),
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

const silent: LiveState = { state: "connecting", since: null, backends: [] };

/** Whether what is shown is live, else since when it may be old. */
export function useLive(): LiveState {
  const live = useContext(LiveContext);
  return useSyncExternalStore(live?.subscribe ?? (() => () => {}), live?.get ?? (() => silent));
}

/** Runs the subscription while the component is there: the shell. */
export function useLiveStart() {
  const live = useContext(LiveContext);
  useEffect(() => {
    live?.start();
    return () => live?.stop();
  }, [live]);
}

/** Calls f with each event as it comes. */
export function useLiveEvents(f: (e: Event) => void) {
  const live = useContext(LiveContext);
  useEffect(() => live?.read(f), [live, f]);
}

/** Calls f with the names (TEAM/APP) of the apps that changed, at most once a second. */
export function useLiveChanges(f: (apps: string[]) => void) {
  const live = useContext(LiveContext);
  useEffect(() => live?.changed(f), [live, f]);
}

/** Calls f with the numbers of the apps whose numbers moved, every few seconds. */
export function useLiveRates(f: (rates: readonly Rate[]) => void) {
  const live = useContext(LiveContext);
  useEffect(() => live?.rates(f), [live, f]);
}
