import { useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { ErrorBanner } from "../kit/Banner";
import { Button, ButtonLink } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { cx } from "../kit/cx";
import { EmptyState } from "../kit/EmptyState";
import { SearchInput } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { boxIcon, filterIcon, plusIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Skeleton } from "../kit/Skeleton";
import { type Sorting, sorted } from "../kit/Table";
import { VirtualTable } from "../kit/Virtual";
import css from "../parts/app-list/AppList.module.css";
import { columnsFor, type Width } from "../parts/app-list/columns";
import { countsOf, matches, nameOf } from "../parts/app-list/lines";
import { useAppLines } from "../parts/app-list/useAppLines";
import { useTeam } from "../shell/team";
import { useMedia } from "../shell/useMedia";
import { statusOf } from "../status/status";

const states = ["failing", "degraded", "deploying", "pending", "running", "stopped"];

/** All apps of a team, or of all teams: one line each, live. */
export default function Apps() {
  const team = useTeam();
  const search = useSearch({ from: "/shell/apps" });
  const navigate = useNavigate({ from: "/apps" });
  const { lines, whole, error, again } = useAppLines(team);

  // What is typed is kept here and written to the address a little later: the list must follow each key at once.
  const [text, setText] = useState(search.q ?? "");
  const asked = useDeferredValue(text);
  useEffect(() => {
    if (text === (search.q ?? "")) return;
    const timer = setTimeout(
      () => void navigate({ search: (s) => ({ ...s, q: text || undefined }), replace: true }),
      400,
    );
    return () => clearTimeout(timer);
  }, [text, search.q, navigate]);

  const state = search.state ?? "";
  const by = useMemo<Sorting>(() => sortingOf(search.sort), [search.sort]);
  const width = useWidth();
  const columns = useMemo(() => columnsFor(width, team === "*"), [width, team]);
  const counts = useMemo(() => countsOf(lines), [lines]);
  const shown = useMemo(() => {
    const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
    const some = words.length > 0 || state ? lines.filter((l) => matches(l, words, state)) : lines;
    return by.id === "name" && !by.down ? some : sorted(some, columnsFor("wide", true), by);
  }, [lines, asked, state, by]);

  const setState = (to: string) => void navigate({ search: (s) => ({ ...s, state: to || undefined }), replace: true });
  const sort = (to: Sorting) =>
    void navigate({ search: (s) => ({ ...s, sort: `${to.down ? "-" : ""}${to.id}` }), replace: true });
  const clear = () => {
    setText("");
    setState("");
  };
  const none = whole && lines.length === 0;

  return (
    <div className="stack-l">
      <PageHeader
        title="Apps"
        actions={
          <ButtonLink kind="primary" icon={plusIcon} to="/apps/new" search={team === "*" ? {} : { team }}>
            New app
          </ButtonLink>
        }
      />
      {error !== undefined && <ErrorBanner error={error} onRetry={again} />}
      {none ? (
        <EmptyState
          icon={boxIcon}
          title={team === "*" ? "No team of yours has an app yet" : `Team ${team} has no app yet`}
          actions={
            <ButtonLink kind="primary" icon={plusIcon} to="/apps/new" search={team === "*" ? {} : { team }}>
              Start from a template
            </ButtonLink>
          }
        >
          <p>Start from a template here, or push the source of one from its folder.</p>
          <CliHint
            command={team === "*" ? "crumpet init && crumpet push" : `crumpet init && crumpet push --team ${team}`}
            title="From a terminal"
          />
        </EmptyState>
      ) : (
        <>
          <div className={css.tools}>
            <SearchInput
              label="Filter by name, reason or who deployed"
              value={text}
              onChange={(e) => setText(e.target.value)}
            />
            <fieldset className={css.chips}>
              <legend className="hidden">Only those in a state</legend>
              <Chip word="" label="All" count={lines.length} on={state === ""} onPick={setState} />
              {states
                .filter((s) => counts.has(s) || s === state)
                .map((s) => (
                  <Chip
                    key={s}
                    word={s}
                    label={statusOf("app", s).label}
                    count={counts.get(s) ?? 0}
                    on={state === s}
                    onPick={setState}
                  />
                ))}
            </fieldset>
          </div>
          {lines.length === 0 && error === undefined && <Skeleton lines={8} />}
          {lines.length > 0 && shown.length === 0 && (
            <EmptyState
              icon={filterIcon}
              title="No app matches"
              actions={<Button onClick={clear}>Show all {lines.length}</Button>}
            >
              None of the {lines.length.toLocaleString()} apps fits this filter.
            </EmptyState>
          )}
          {shown.length > 0 && (
            <div className={css.list}>
              <VirtualTable
                label="Apps"
                columns={columns}
                rows={shown}
                rowKey={nameOf}
                rowHeight={width === "phone" ? 68 : 60}
                by={by}
                onSort={sort}
              />
            </div>
          )}
          <div className={css.foot} role="status">
            <span>
              {shown.length === lines.length
                ? `${lines.length.toLocaleString()} ${lines.length === 1 ? "app" : "apps"}`
                : `${shown.length.toLocaleString()} of ${lines.length.toLocaleString()} apps`}
              {!whole && lines.length > 0 && error === undefined && ", more are coming"}
            </span>
          </div>
          <CliHint command={team === "*" ? "crumpet apps --all-teams" : `crumpet apps --team ${team}`} />
        </>
      )}
    </div>
  );
}

function Chip({
  word,
  label,
  count,
  on,
  onPick,
}: {
  word: string;
  label: string;
  count: number;
  on: boolean;
  onPick: (word: string) => void;
}) {
  const status = word ? statusOf("app", word) : undefined;
  return (
    <button
      type="button"
      className={cx(css.chip, status && css[status.tone])}
      aria-pressed={on}
      onClick={() => onPick(on ? "" : word)}
    >
      {status && <Icon of={status.icon} />}
      {label} <b>{count.toLocaleString()}</b>
    </button>
  );
}

function sortingOf(text: string | undefined): Sorting {
  if (!text) return { id: "name", down: false };
  return text.startsWith("-") ? { id: text.slice(1), down: true } : { id: text, down: false };
}

function useWidth(): Width {
  const phone = useMedia("(max-width: 700px)");
  const middle = useMedia("(max-width: 1180px)");
  return phone ? "phone" : middle ? "middle" : "wide";
}
