// The stream of an app's lines while its page is open.
import { useEffect, useState } from "react";
import { call } from "../../api/client";
import { ApiError } from "../../api/error";
import type { LogBuffer } from "./buffer";
import { decodeLines } from "./line";

export type TailQuery = {
  team: string;
  app: string;
  process?: string;
  instance?: string;
  release?: string;
  source?: string;
  grep?: string;
  since?: string;
  lines?: number;
  follow: boolean;
};

export type TailState =
  | { state: "connecting" | "live" | "ended" }
  | { state: "lost"; since: Date }
  | { state: "failed"; error: ApiError };

export function tailURL({ app, follow, ...rest }: TailQuery): string {
  const query = new URLSearchParams({ follow: String(follow), terse: "true" });
  for (const [k, v] of Object.entries(rest)) if (v !== undefined && v !== "") query.set(k, String(v));
  return `/v1/apps/${encodeURIComponent(app)}/logs?${query}`;
}

const CLOSED = 2; // EventSource.CLOSED: the browser will not try again

/** Reads the stream into the buffer. It resumes where it was after a lost connection, without a gap or a repeat. */
export function useTail(url: string, buffer: LogBuffer): TailState {
  const [state, setState] = useState<TailState>({ state: "connecting" });
  useEffect(() => {
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let n = 0;
    let tries = 0;
    let after = "";
    let over = false;
    let opened = false;
    const asking = new AbortController();
    buffer.clear();
    setState({ state: "connecting" });

    const end = (s: TailState) => {
      over = true;
      source.close();
      setState(s);
    };
    const connect = () => {
      source = new EventSource(after ? `${url}&after=${encodeURIComponent(after)}` : url);
      source.onopen = () => {
        tries = 0;
        opened = true;
        setState({ state: "live" });
      };
      source.onmessage = (e) => {
        if (e.lastEventId) after = e.lastEventId;
        const lines = decodeLines(e.data as string, n);
        n += lines.length;
        buffer.append(lines);
      };
      source.addEventListener("end", () => end({ state: "ended" }));
      source.addEventListener("problem", (e) =>
        end({ state: "failed", error: problemOf((e as MessageEvent<string>).data) }),
      );
      source.onerror = () => {
        if (over) return;
        if (source.readyState !== CLOSED) return lose(); // the browser tries again, with Last-Event-ID
        if (!opened) return void whyNot();
        lose();
        again = setTimeout(connect, Math.min(15_000, 1000 * 2 ** tries++));
      };
    };
    const lose = () => setState((s) => (s.state === "lost" ? s : { state: "lost", since: new Date() }));
    // An EventSource does not say why it was refused: the same call without following does.
    const whyNot = async () => {
      try {
        await call("GET", `${url.replace("follow=true", "follow=false").replace(/&lines=\d+/, "")}&lines=0`, {
          signal: asking.signal,
        });
      } catch (e) {
        if (asking.signal.aborted) return;
        if (e instanceof ApiError && e.status !== 0 && e.status < 500) return end({ state: "failed", error: e });
      }
      if (asking.signal.aborted) return;
      lose();
      again = setTimeout(connect, Math.min(15_000, 1000 * 2 ** tries++));
    };
    connect();
    return () => {
      over = true;
      asking.abort();
      clearTimeout(again);
      source.close();
    };
  }, [url, buffer]);
  return state;
}

function problemOf(data: string): ApiError {
  try {
    return new ApiError(JSON.parse(data));
  } catch {
    return new ApiError({ status: 500, code: "internal", detail: "The server ended the stream without a reason." });
  }
}
