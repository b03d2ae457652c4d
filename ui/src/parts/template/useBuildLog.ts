import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Schemas } from "../../api/client";
import { type Event, useLiveEvents } from "../../api/live";
import { historyQuery } from "../app/queries";

type Line = Pick<Schemas["Event"], "id" | "message">;

/** The lines of a build: those there are, and each as it comes. The box follows the end unless its reader has scrolled up. */
export function useBuildLog(team: string, app: string, build: string) {
  const past = useQuery(historyQuery(team, app, 1000, "build.log"));
  const [fresh, setFresh] = useState<Line[]>([]);
  useLiveEvents(
    useCallback(
      (e: Event) => {
        if (e.kind === "build.log" && e.build === build)
          setFresh((list) => [...list, { id: e.id, message: e.message }]);
      },
      [build],
    ),
  );
  const lines = useMemo(
    () =>
      merged(
        (past.data?.items ?? []).filter((e) => e.build === build),
        fresh,
      ),
    [past.data, fresh, build],
  );

  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    const e = box.current;
    if (!e) return;
    const on = () => {
      atEnd.current = e.scrollHeight - e.scrollTop - e.clientHeight < 24;
    };
    e.addEventListener("scroll", on, { passive: true });
    return () => e.removeEventListener("scroll", on);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when lines come
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return { lines, box };
}

/** Two lists of lines as one, by id, each line once. */
export function merged(a: readonly Line[], b: readonly Line[]): Line[] {
  const all = new Map<number, Line>();
  for (const l of [...a, ...b]) all.set(l.id, l);
  return [...all.values()].sort((x, y) => x.id - y.id);
}
