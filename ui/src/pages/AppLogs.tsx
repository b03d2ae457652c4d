import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useStatus } from "../api/queries";
import { Banner, ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint, command } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { arrowDownIcon, fileTextIcon, filterIcon } from "../kit/icons";
import { Skeleton } from "../kit/Skeleton";
import { absoluteTime } from "../kit/Time";
import { LogBuffer } from "../parts/log/buffer";
import { grepOf, type Matcher, matcher } from "../parts/log/filter";
import css from "../parts/log/Log.module.css";
import { LogBar } from "../parts/log/LogBar";
import { LogDetail } from "../parts/log/LogDetail";
import { LogFoot } from "../parts/log/LogFoot";
import { LogList } from "../parts/log/LogList";
import type { Line } from "../parts/log/line";
import { tailURL, useTail } from "../parts/log/tail";
import { useWrap } from "../parts/log/wrap";

export type LogSearch = Partial<
  Record<"process" | "instance" | "release" | "source" | "stream" | "q" | "regex" | "deep" | "at", string>
>;

const BEFORE = 60_000; // ms before a moment that its log begins at
const FIRST = 1_000; // lines to begin with
const MOST = 10_000; // that the server gives at once

const nothing: Matcher = { all: true, test: () => true, ranges: () => [] };
const counted = new Intl.NumberFormat();

/** The log of an app as it is written, or around a moment. What is chosen stands in the address. */
export default function AppLogs() {
  const { team = "", app = "" } = useParams({ strict: false });
  const search = useSearch({ strict: false }) as LogSearch;
  const navigate = useNavigate();
  const { data: status } = useStatus(team, app);
  const [buffer] = useState(() => new LogBuffer());
  const [all, setAll] = useState(false);
  const [follow, setFollow] = useState(search.at === undefined);
  const [chosen, setChosen] = useState<Line>();
  const [wrap, setWrap] = useWrap();
  const at = search.at ?? "";

  const set = useCallback(
    (change: LogSearch) =>
      void navigate({ to: ".", search: ((s: LogSearch) => tidy({ ...s, ...change })) as never, replace: true }),
    [navigate],
  );
  const filter = useMemo(
    () => ({ text: search.q ?? "", regex: search.regex === "1", stream: search.stream ?? "" }),
    [search.q, search.regex, search.stream],
  );
  const made = useMemo(() => matcher(filter), [filter]);
  const fault = "error" in made ? made.error : undefined;
  const by = "error" in made ? nothing : made;
  const deep = search.deep === "1" && filter.text !== "" && !fault;

  const url = tailURL({
    team,
    app,
    process: search.process,
    instance: search.instance,
    release: search.release,
    source: search.source,
    grep: deep ? grepOf(filter) : undefined,
    since: at === "" ? undefined : new Date(new Date(at).getTime() - BEFORE).toISOString(),
    lines: at !== "" || all || deep ? MOST : FIRST,
    follow: at === "",
  });
  const tail = useTail(url, buffer);
  const shown = useSyncExternalStore(buffer.subscribe, buffer.get);
  useEffect(() => buffer.filter(by), [buffer, by]);
  useEffect(() => setFollow(at === ""), [at]);
  // What stands on the page stays while the reader looks at it: new lines wait aside.
  useEffect(() => {
    if (follow || at !== "") buffer.resume();
    else buffer.pause();
  }, [buffer, follow, at]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another stream has other lines
  useEffect(() => setChosen(undefined), [url]);

  const goLive = () => {
    setChosen(undefined);
    if (at !== "") set({ at: undefined });
    setFollow(true);
  };
  const early = at !== "" && shown.lines[0] && new Date(shown.lines[0].time) > new Date(at);
  const hint = command(
    "crumpet", "logs", app, "--team", team, at === "" && "-f",
    search.process && `--process=${search.process}`, search.instance && `--instance=${search.instance}`,
    search.release && `--release=${search.release}`, search.source && `--source=${search.source}`,
    filter.text && !fault && `--grep=${grepOf(filter)}`, at && `--since=${at}`,
  ); // biome-ignore format: words

  return (
    <div className="stack">
      {at !== "" && (
        <Banner
          title={
            early
              ? `The log goes back to ${absoluteTime(shown.lines[0]?.time ?? at)} only`
              : `The log around ${absoluteTime(at)}`
          }
          tone={early ? "warn" : "info"}
          icon={fileTextIcon}
          actions={
            <Button small onClick={goLive}>
              Back to what is written now
            </Button>
          }
        >
          <p>
            {early
              ? `${counted.format(MOST)} lines have been written since, or what was written before was rotated away.`
              : "It begins a minute before and goes on until now; what is written from now on is not followed."}
          </p>
        </Banner>
      )}
      {tail.state === "failed" && <ErrorBanner error={tail.error} title="The log could not be read" />}
      <section className={css.log} aria-label={`Log of ${app}`}>
        <LogBar search={search} set={set} fault={fault} status={status} lines={shown.lines} />
        <div className={css.area}>
          {shown.lines.length > 0 ? (
            <LogList
              lines={shown.lines}
              ranges={by.ranges}
              wrap={wrap}
              follow={follow && at === ""}
              onFollow={setFollow}
              chosen={chosen}
              onChoose={setChosen}
              at={at}
              search={search}
            />
          ) : (
            <Nothing
              state={tail.state}
              total={shown.total}
              deep={deep}
              fault={fault}
              onDeep={() => set({ deep: "1" })}
              onAll={() => set({ q: undefined, deep: undefined, stream: undefined })}
            />
          )}
          {(!follow || at !== "") && tail.state !== "failed" && (
            <div className={css.jump}>
              <Button small icon={arrowDownIcon} onClick={goLive}>
                {shown.waiting > 0
                  ? `Follow: ${counted.format(shown.waiting)} new ${shown.waiting === 1 ? "line" : "lines"}`
                  : "Follow"}
              </Button>
            </div>
          )}
        </div>
        {chosen && <LogDetail line={chosen} link={momentLink(chosen.time)} onClose={() => setChosen(undefined)} />}
        <LogFoot
          app={app}
          tail={tail}
          shown={shown}
          filtered={filter.text !== "" || filter.stream !== ""}
          deep={deep}
          onDeep={() => set({ deep: deep ? undefined : "1" })}
          onMore={all || at !== "" || deep ? undefined : () => setAll(true)}
          follow={follow && at === ""}
          onFollow={(f) => (f ? goLive() : setFollow(false))}
          wrap={wrap}
          onWrap={setWrap}
        />
      </section>
      <CliHint command={hint} />
    </div>
  );
}

function Nothing({
  state,
  total,
  deep,
  fault,
  onDeep,
  onAll,
}: {
  state: string;
  total: number;
  deep: boolean;
  fault?: string;
  onDeep: () => void;
  onAll: () => void;
}) {
  if (state === "failed" || fault) return null;
  if (state === "connecting" && total === 0)
    return (
      <div className="stack" aria-hidden="true">
        <EmptyState title="Reading">
          <Skeleton lines={3} />
        </EmptyState>
      </div>
    );
  if (total > 0)
    return (
      <EmptyState
        icon={filterIcon}
        title={`None of ${counted.format(total)} lines matches`}
        actions={
          <>
            {!deep && <Button onClick={onDeep}>Search all that is kept</Button>}
            <Button kind="tertiary" onClick={onAll}>
              Take the filter away
            </Button>
          </>
        }
      >
        Lines that come and match are shown here.
      </EmptyState>
    );
  return (
    <EmptyState icon={fileTextIcon} title="Nothing has been written">
      {deep
        ? "Nothing that is kept matches."
        : "Lines of instances, of builds and of the platform are shown here as they are written."}
    </EmptyState>
  );
}

function momentLink(time: string): string {
  const link = new URL(location.href);
  link.searchParams.set("at", time);
  return link.toString();
}

function tidy(s: LogSearch): LogSearch {
  return Object.fromEntries(Object.entries(s).filter(([, v]) => v !== undefined && v !== ""));
}
