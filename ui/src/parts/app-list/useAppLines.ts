import { startTransition, useCallback, useEffect, useRef, useState } from "react";
import { api, call } from "../../api/client";
import { ApiError } from "../../api/error";
import { type Rate, useLive, useLiveChanges, useLiveRates } from "../../api/live";
import { type AppLine, patched, rated } from "./lines";

const FIRST = 100; // what a first look needs, and soon there
const PAGE = 500; // the others, once the page has come to rest
const REST = 700; // ms
const SINGLE = 25; // up to so many changes are asked for one by one; more, and the list is read again

type Lines = { lines: readonly AppLine[]; whole: boolean; error: unknown; again: () => void };

// The lists of teams as they were last seen, so that coming back shows them at once.
const seen = new Map<string, readonly AppLine[]>();

/**
 * All apps of a team ("*" for all teams), page by page: the first page is shown while the others come. A changed
 * app's line is asked for alone; after a lost connection the list is read again while the old one stays.
 */
export function useAppLines(team: string): Lines {
  const { state } = useLive();
  const [lines, setLines] = useState<readonly AppLine[]>(() => seen.get(team) ?? []);
  const [whole, setWhole] = useState(false);
  const [error, setError] = useState<unknown>();
  const [turn, setTurn] = useState(0);
  const late = useRef(new Map<string, AppLine | undefined>()); // changes that came while pages were read
  const reading = useRef(false);
  const again = useCallback(() => setTurn((t) => t + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn reads anew
  useEffect(() => {
    const stop = new AbortController();
    const before = seen.get(team);
    setLines(before ?? []);
    setWhole(false);
    reading.current = true;
    late.current.clear();
    const read = async () => {
      const all: AppLine[] = [];
      let after = "";
      do {
        const page = await call<{ items: AppLine[]; next: string }>(
          "GET",
          `/v1/apps?team=${encodeURIComponent(team)}&limit=${after ? PAGE : FIRST}&after=${encodeURIComponent(after)}`,
          { signal: stop.signal },
        );
        all.push(...page.items);
        after = page.next;
        // What was known before stays until the whole list is there.
        if (!before || !after) {
          const now = patched(all, late.current);
          startTransition(() => setLines(now));
          if (!after) seen.set(team, now);
        }
        if (after) await rest(all.length === FIRST && !before ? REST : 0, stop.signal);
      } while (after);
      reading.current = false;
      setError(undefined);
      startTransition(() => setWhole(true));
    };
    read().catch((e: unknown) => {
      reading.current = false;
      if (!stop.signal.aborted) setError(e);
    });
    return () => stop.abort();
  }, [team, turn]);

  const was = useRef(state);
  useEffect(() => {
    if (was.current === "lost" && state === "live") again();
    was.current = state;
  }, [state, again]);

  useLiveChanges(
    useCallback(
      (names: string[]) => {
        const ours = team === "*" ? names : names.filter((n) => n.startsWith(`${team}/`));
        if (ours.length === 0) return;
        if (ours.length > SINGLE) {
          again();
          return;
        }
        void Promise.all(ours.map(lineOf)).then((answers) => {
          const changes = new Map(answers.filter((a) => a !== undefined));
          if (reading.current) for (const [name, line] of changes) late.current.set(name, line);
          startTransition(() =>
            setLines((old) => {
              const now = patched(old, changes);
              seen.set(team, now);
              return now;
            }),
          );
        });
      },
      [team, again],
    ),
  );

  useLiveRates(
    useCallback(
      (rates: readonly Rate[]) =>
        startTransition(() =>
          setLines((old) => {
            const now = rated(old, rates);
            seen.set(team, now);
            return now;
          }),
        ),
      [team],
    ),
  );

  return { lines, whole, error, again };
}

/** One line as it is now; without a line when the app is no more; undefined when it could not be asked for. */
async function lineOf(name: string): Promise<[string, AppLine | undefined] | undefined> {
  const [team = "", app = ""] = name.split("/");
  try {
    const { data } = await api.GET("/v1/apps/{app}", { params: { path: { app }, query: { team } } });
    return [name, data as AppLine];
  } catch (e) {
    return e instanceof ApiError && e.status === 404 ? [name, undefined] : undefined;
  }
}

/** Lets the page breathe between two pages of the list, so that no task is long. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const next = () => (signal.aborted ? fail(signal.reason) : done());
    setTimeout(() => ("requestIdleCallback" in globalThis ? requestIdleCallback(next, { timeout: 200 }) : next()), ms);
  });
}
