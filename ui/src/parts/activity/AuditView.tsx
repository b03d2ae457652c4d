import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Badge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Code, Mono } from "../../kit/Copy";
import { cx } from "../../kit/cx";
import { EmptyState } from "../../kit/EmptyState";
import { Field, Select, Switch, TextInput } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import {
  alertTriangleIcon,
  checkCircleIcon,
  chevronDownIcon,
  downloadIcon,
  type IconShape,
  lockIcon,
  shieldIcon,
  xCircleIcon,
} from "../../kit/icons";
import { Menu } from "../../kit/Menu";
import { KeyValue, Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { absoluteTime, Time } from "../../kit/Time";
import { useToast } from "../../kit/Toast";
import type { Tone } from "../../status/status";
import { cli } from "../app/cli";
import { saveFile } from "../save";
import css from "./Activity.module.css";
import { type Audited, type AuditFilter, allLines, auditQuery, auditURL, csvOf, LAST, spans } from "./audit";

const outcomes: Record<string, { label: string; tone: Tone; icon: IconShape }> = {
  done: { label: "Done", tone: "good", icon: checkCircleIcon },
  denied: { label: "Denied", tone: "bad", icon: lockIcon },
  failed: { label: "Failed", tone: "bad", icon: xCircleIcon },
  refused: { label: "Refused", tone: "warn", icon: alertTriangleIcon },
};

const KEEP = 1000; // lines on the page

/** Who did, or tried to do, what: as it happens, and to be exported. */
export function AuditView({ team }: { team: string }) {
  const [filter, setFilter] = useState({ app: "", by: "", action: "", denied: false, since: "" });
  const f: AuditFilter = { team, ...filter };
  const { data, error } = useQuery({ ...auditQuery(f), placeholderData: (before) => before });
  const live = useFollow(f, data?.items);
  const set = (change: Partial<typeof filter>) => setFilter({ ...filter, ...change });
  return (
    <>
      <Panel>
        <div className={css.filters}>
          <Field label="By">
            <TextInput
              small
              value={filter.by}
              placeholder="Anybody"
              onChange={(e) => set({ by: e.target.value.trim() })}
            />
          </Field>
          <Field label="App">
            <TextInput
              small
              value={filter.app}
              placeholder="Any"
              onChange={(e) => set({ app: e.target.value.trim() })}
            />
          </Field>
          <Field label="Action">
            <TextInput
              small
              mono
              value={filter.action}
              placeholder="Any, such as createRelease"
              onChange={(e) => set({ action: e.target.value.trim() })}
            />
          </Field>
          <Field label="When">
            <Select small value={filter.since} options={spans} onChange={(e) => set({ since: e.target.value })} />
          </Field>
          <div className={css.toggle}>
            <Switch label="Denied only" checked={filter.denied} onChange={(e) => set({ denied: e.target.checked })} />
          </div>
        </div>
      </Panel>
      {error && <ErrorBanner error={error} />}
      <Panel title="Audit" icon={shieldIcon} flush actions={<Export filter={f} />}>
        {!data ? (
          !error && <Skeleton lines={8} />
        ) : live.length === 0 ? (
          <EmptyState icon={shieldIcon} title="Nothing matches">
            Every change, every value that was shown and everything that was denied has a line here. Lines are never
            changed and never deleted.
          </EmptyState>
        ) : (
          <div>
            {[...live].reverse().map((l) => (
              <AuditLine key={l.id} line={l} />
            ))}
            {live.length >= LAST && (
              <p className={css.more}>The last {live.length} lines are shown. An export has all of them.</p>
            )}
          </div>
        )}
      </Panel>
      <CliHint
        command={cli(
          team === "*" ? "default" : team,
          "audit",
          "-f",
          filter.since && `--since=${filter.since}`,
          filter.app && `--app=${filter.app}`,
          filter.by && `--by=${filter.by}`,
          filter.action && `--action=${filter.action}`,
          filter.denied && "--denied",
        )}
      />
    </>
  );
}

/** The lines of the first page and those that came since, by the audit's own stream. */
function useFollow(f: AuditFilter, first: Audited[] | undefined): Audited[] {
  const [more, setMore] = useState<Audited[]>([]);
  const after = first?.at(-1)?.id ?? 0;
  const url = first ? auditURL(f, { after }, Date.now(), "/v1/audit/stream").replace(/&since=[^&]*/, "") : "";
  useEffect(() => {
    setMore([]);
    if (url === "") return;
    const source = new EventSource(url);
    source.addEventListener("audited", (e) => {
      const line = JSON.parse((e as MessageEvent<string>).data) as Audited;
      setMore((m) => [...m.slice(-KEEP), line]);
    });
    return () => source.close();
  }, [url]);
  return [...(first ?? []), ...more.filter((l) => l.id > after)].slice(-KEEP);
}

function AuditLine({ line: l }: { line: Audited }) {
  const outcome = outcomes[l.outcome] ?? { label: l.outcome, tone: "neutral" as Tone, icon: shieldIcon };
  const what = [l.team && l.app ? `${l.team}/${l.app}` : (l.team ?? ""), l.target !== l.team ? (l.target ?? "") : ""]
    .filter(Boolean)
    .join(" · ");
  return (
    <details className={css.line}>
      <summary>
        <span className="strong cut">{l.by || "Nobody known"}</span>
        <Badge tone={outcome.tone} icon={outcome.icon}>
          {outcome.label}
          {l.times && l.times > 1 ? ` ${l.times} times` : ""}
        </Badge>
        <span className={css.about}>
          {l.action} {what && <code>{what}</code>}
        </span>
        <span className={cx(css.when, css.at)}>
          <Time at={l.time} />
        </span>
        <Icon of={chevronDownIcon} />
      </summary>
      <div className={css.body}>
        {l.detail && <p>{l.detail}</p>}
        <KeyValue
          items={[
            ["When", absoluteTime(l.time)],
            ["From", <Mono key="from">{l.from || "unknown"}</Mono>],
            ["With", l.via ? <Mono key="via">{l.via}</Mono> : "no credentials"],
            ["Takes the right to", l.verb],
            ["Answer", `${l.status}`],
            ["Request", <Mono key="request">{l.request_id}</Mono>],
          ]}
        />
        {l.before !== undefined && <State name="Before" of={l.before} />}
        {l.after !== undefined && <State name="After" of={l.after} />}
      </div>
    </details>
  );
}

function State({ name, of }: { name: string; of: unknown }) {
  return (
    <div>
      <p className="small faint">{name}</p>
      <Code label={name}>{JSON.stringify(of, null, 2)}</Code>
    </div>
  );
}

function Export({ filter }: { filter: AuditFilter }) {
  const [busy, setBusy] = useState(false);
  const asking = useRef<AbortController>(undefined);
  const toast = useToast();
  useEffect(() => () => asking.current?.abort(), []);
  const save = async (kind: "json" | "csv") => {
    setBusy(true);
    asking.current = new AbortController();
    try {
      const lines = await allLines(filter, asking.current.signal);
      const name = `audit-${new Date().toISOString().slice(0, 19).replace(/:/g, "-")}.${kind}`;
      saveFile(
        name,
        kind === "json" ? `${JSON.stringify(lines, null, 2)}\n` : csvOf(lines),
        kind === "json" ? "application/json" : "text/csv",
      );
      toast(`${lines.length.toLocaleString()} lines of the audit were exported.`);
    } catch (e) {
      if (!asking.current.signal.aborted) toast(e instanceof Error ? e.message : String(e), "bad");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Menu
      align="end"
      label="Export what matches"
      trigger={
        <Button small icon={downloadIcon} busy={busy}>
          Export
        </Button>
      }
      items={[
        { label: "As JSON", key: "json", onSelect: () => void save("json") },
        { label: "As CSV", key: "csv", onSelect: () => void save("csv") },
      ]}
    />
  );
}
