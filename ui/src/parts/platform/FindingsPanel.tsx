import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";
import { useLiveChanges } from "../../api/live";
import { Badge, StatusBadge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Copy } from "../../kit/Copy";
import { Icon } from "../../kit/Icon";
import { activityIcon, arrowRightIcon, checkCircleIcon, reloadIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { statusOf } from "../../status/status";
import { cli } from "../app/cli";
import { type Checkup, counts, endings, healthy, spare } from "./checkup";
import css from "./Platform.module.css";

/** What a doctor finds: it is looked for when the page is opened, when something changes, and when asked. */
export function FindingsPanel() {
  const queries = useQueryClient();
  const checkup = useQuery({
    queryKey: keys.platform("findings"),
    queryFn: ({ signal }) => data(api.GET("/v1/platform/findings", { signal })),
  });
  useLiveChanges(useCallback(() => void queries.invalidateQueries({ queryKey: keys.platform("findings") }), [queries]));
  return (
    <Panel
      title="Findings"
      icon={activityIcon}
      actions={
        <span className="row">
          {checkup.data &&
            counts(checkup.data.findings).map(([severity, n]) => (
              <Badge
                key={severity}
                tone={statusOf("severity", severity).tone}
                icon={statusOf("severity", severity).icon}
              >
                {statusOf("severity", severity).label}: {n}
              </Badge>
            ))}
          <Button small icon={reloadIcon} busy={checkup.isFetching} onClick={() => void checkup.refetch()}>
            Look again<span className="hidden"> at the cluster</span>
          </Button>
        </span>
      }
    >
      {checkup.data ? (
        <Findings of={checkup.data} />
      ) : checkup.error ? (
        <ErrorBanner error={checkup.error} onRetry={() => void checkup.refetch()} />
      ) : (
        <Skeleton lines={4} />
      )}
    </Panel>
  );
}

/** The findings worst first, each with its next step; then who leads, and what ends when. */
export function Findings({ of }: { of: Checkup }) {
  return (
    <div className="stack">
      {of.findings.length === 0 ? (
        <p className={css.well}>
          <Icon of={checkCircleIcon} /> Nothing was found to be wrong.
        </p>
      ) : (
        <ul className={css.findings} aria-label="Findings">
          {of.findings.map((f) => (
            <li key={`${f.severity} ${f.subject} ${f.thing} ${f.found}`}>
              <div className={css.findingHead}>
                <StatusBadge kind="severity" word={f.severity} />
                <code className="strong">{f.thing}</code>
                <span className="small faint">{f.subject}</span>
              </div>
              <p>{f.found}</p>
              <p className="small faint">{f.why}</p>
              <div className={css.findingNext}>
                <Icon of={arrowRightIcon} />
                <code>{f.next}</code>
                <Copy text={f.next} label={`Copy the next step for ${f.thing}: ${f.subject}`} />
                {f.hint && <span className="small faint">{f.hint}</span>}
              </div>
            </li>
          ))}
        </ul>
      )}
      <Table
        label="Quorums"
        rows={of.quorums}
        rowKey={(q) => q.program}
        columns={[
          { id: "program", head: "Program", cell: (q) => <span className="strong">{q.program}</span> },
          { id: "leader", head: "Leader", cell: (q) => q.leader || <span className="faint">none</span> },
          {
            id: "healthy",
            head: "Healthy",
            right: true,
            cell: (q) => `${healthy(q)} of ${q.servers.length}`,
          },
          {
            id: "spare",
            head: "May be lost",
            right: true,
            cell: (q) => (spare(q) < 0 ? "no majority" : spare(q)),
          },
          { id: "version", head: "Version", cell: (q) => q.version },
        ]}
      />
      <Table
        label="What ends when"
        rows={endings(of)}
        rowKey={(e) => `${e.what} ${e.of} ${e.where}`}
        columns={[
          { id: "what", head: "What ends", cell: (e) => e.what },
          { id: "of", head: "Of", cell: (e) => e.of },
          { id: "where", head: "Where", cell: (e) => <code>{e.where}</code> },
          {
            id: "ends",
            head: "When",
            cell: (e) => (
              <span className={css.lines}>
                {e.ends && <Time at={e.ends} />}
                {e.note && <span className="small faint">{e.note}</span>}
              </span>
            ),
          },
        ]}
      />
      <CliHint command={cli("default", "cluster", "status")} />
    </div>
  );
}
