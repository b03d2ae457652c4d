import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { useStatus } from "../api/queries";
import { Badge, StatusBadge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { Button, IconButton } from "../kit/Button";
import { Mono } from "../kit/Copy";
import { EmptyState } from "../kit/EmptyState";
import { Field, Select } from "../kit/Field";
import {
  editIcon,
  gitCommitIcon,
  hexagonIcon,
  rocketIcon,
  rotateCcwIcon,
  swapHorizontalIcon,
  xIcon,
} from "../kit/icons";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { type Column, Table } from "../kit/Table";
import { duration, Time } from "../kit/Time";
import { ActButton } from "../parts/action/ActButton";
import { useRefusal } from "../parts/app/may";
import { useDeployments, useReleases } from "../parts/app/queries";
import { DeploymentStrip } from "../parts/deployment/DeploymentStrip";
import { titleOf } from "../parts/deployment/steps";
import { Compared } from "../parts/release/Compared";
import { NewRelease } from "../parts/release/NewRelease";
import css from "../parts/release/Release.module.css";
import { RollbackDialog } from "../parts/release/RollbackDialog";

type Release = Schemas["KeptRelease"];
type Deployment = Schemas["Deployment"];

/** The releases of an app and its deployments: compare, roll back, make a new one. */
export default function AppDeploys() {
  const { team, app } = useParams({ from: "/shell/apps/$team/$app" });
  const search = useSearch({ from: "/shell/apps/$team/$app/deploys" });
  const navigate = useNavigate();
  const status = useStatus(team, app);
  const releases = useReleases(team, app);
  const deployments = useDeployments(team, app);
  const refused = useRefusal(team);
  const [editing, setEditing] = useState(false);
  const [back, setBack] = useState<number>();

  const list = releases.data?.items ?? [];
  const live = status.data?.release ?? 0;
  const base = list.find((r) => r.release === live) ?? list[0];
  const before = list.find(
    (r) => r.release < live && (r.outcome === "healthy" || r.outcome === "live") && !r.config_gone,
  );
  const from = Number(search.from) || 0;
  const to = Number(search.to) || 0;
  const compare = (next: { from?: number; to?: number }) =>
    void navigate({
      to: "/apps/$team/$app/deploys",
      params: { team, app },
      search: next.from || next.to ? { from: String(next.from ?? ""), to: String(next.to ?? "") } : {},
      replace: true,
    });

  const releaseColumns: Column<Release>[] = [
    { id: "release", head: "Release", sort: (r) => r.release, cell: (r) => <b className="strong num">{r.release}</b> },
    {
      id: "outcome",
      head: "Outcome",
      sort: (r) => r.outcome,
      cell: (r) => (r.outcome ? <StatusBadge kind="outcome" word={r.outcome} /> : <span className="faint">–</span>),
    },
    {
      id: "made",
      head: "Made",
      sort: (r) => r.created_at,
      cell: (r) => (
        <span className="row">
          <Time at={r.created_at} /> <span className="faint">by {r.created_by}</span>
        </span>
      ),
    },
    {
      id: "note",
      head: "What it is",
      cell: (r) => (
        <span className={css.note}>
          {r.note}
          {r.rollback_to ? ` Restores release ${r.rollback_to}.` : ""}
          {r.config_gone && (
            <Badge tone="warn" title="Vault has let its configuration go: it can't be restored">
              configuration gone
            </Badge>
          )}
        </span>
      ),
    },
    {
      id: "commit",
      head: "Commit",
      cell: (r) =>
        r.commit ? (
          <span className={css.cell}>
            <Mono show={`${r.commit.slice(0, 8)}${r.dirty ? "+" : ""}`}>{r.commit}</Mono>
          </span>
        ) : (
          <span className="faint">–</span>
        ),
    },
    { id: "artifact", head: "Artifact", cell: (r) => <Mono show={r.artifact.slice(0, 12)}>{r.artifact}</Mono> },
    {
      id: "acts",
      head: <span className="hidden">Actions</span>,
      right: true,
      cell: (r) => (
        <span className={css.cell}>
          <IconButton
            icon={swapHorizontalIcon}
            label={
              r.release === live
                ? `Compare release ${r.release} with the one before`
                : `Compare release ${r.release} with release ${live || "that serves"}`
            }
            small
            disabled={list.length < 2}
            onClick={() =>
              compare(
                r.release === live
                  ? { from: list.find((o) => o.release < live)?.release ?? list[0]?.release, to: live }
                  : { from: r.release, to: live || list[0]?.release },
              )
            }
          />
          {r.release !== live && !r.config_gone && (
            <ActButton
              small
              kind="tertiary"
              icon={rotateCcwIcon}
              refused={refused}
              onClick={() => setBack(r.release)}
              title={`Restore release ${r.release} as a new one`}
            >
              {r.release < live ? "Roll back" : "Restore"}
            </ActButton>
          )}
        </span>
      ),
    },
  ];

  const deploymentColumns: Column<Deployment>[] = [
    {
      id: "id",
      head: "Deployment",
      cell: (d) => (
        <span className={css.cell}>
          <Link to="/apps/$team/$app/deploys/$id" params={{ team, app, id: d.id }} className="strong">
            {titleOf(d)}
          </Link>
        </span>
      ),
    },
    { id: "short", head: "Id", cell: (d) => <Mono show={d.id.slice(0, 8)}>{d.id}</Mono> },
    {
      id: "status",
      head: "Status",
      sort: (d) => d.status,
      cell: (d) => <StatusBadge kind="deployment" word={d.status} />,
    },
    { id: "why", head: "Asked for", cell: (d) => d.cause },
    { id: "made", head: "Began", sort: (d) => d.created_at, cell: (d) => <Time at={d.created_at} /> },
    {
      id: "took",
      head: "Took",
      right: true,
      sort: (d) => (d.ended_at ? Date.parse(d.ended_at) - Date.parse(d.created_at) : Number.MAX_SAFE_INTEGER),
      cell: (d) =>
        d.ended_at ? (
          duration(Date.parse(d.ended_at) - Date.parse(d.created_at))
        ) : (
          <span className="faint">under way</span>
        ),
    },
    { id: "reason", head: "Why", cell: (d) => <span className={css.note}>{d.reason}</span> },
  ];

  const numbers = list.map((r) => ({
    value: String(r.release),
    label: `Release ${r.release}${r.release === live ? ", live" : ""}`,
  }));
  return (
    <div className="stack">
      <div className="between">
        <h2>Releases and deployments</h2>
        <span className={css.acts}>
          {before && (
            <ActButton icon={rotateCcwIcon} refused={refused} onClick={() => setBack(before.release)}>
              Roll back to release {before.release}
            </ActButton>
          )}
          {base && (
            <Button kind="primary" icon={editIcon} aria-expanded={editing} onClick={() => setEditing(!editing)}>
              New release
            </Button>
          )}
        </span>
      </div>
      {status.data?.deployment && <DeploymentStrip deployment={status.data.deployment} />}
      {editing && base && (
        <NewRelease
          team={team}
          app={app}
          base={base}
          busy={Boolean(status.data?.deployment)}
          onClose={() => setEditing(false)}
        />
      )}
      {from > 0 && to > 0 && (
        <Panel
          title={`Release ${from} against release ${to}`}
          icon={swapHorizontalIcon}
          actions={<IconButton icon={xIcon} label="Close the comparison" small onClick={() => compare({})} />}
        >
          <div className="stack">
            <div className={css.compare}>
              <Field label="From">
                <Select
                  small
                  value={String(from)}
                  options={numbers}
                  onChange={(e) => compare({ from: Number(e.target.value), to })}
                />
              </Field>
              <Field label="To">
                <Select
                  small
                  value={String(to)}
                  options={numbers}
                  onChange={(e) => compare({ from, to: Number(e.target.value) })}
                />
              </Field>
            </div>
            <Compared team={team} app={app} from={from} to={to} hint />
          </div>
        </Panel>
      )}
      {releases.error && <ErrorBanner error={releases.error} onRetry={() => void releases.refetch()} />}
      <Panel title="Releases" icon={hexagonIcon} flush>
        {releases.data ? (
          <Table
            label="List of releases"
            columns={releaseColumns}
            rows={list}
            rowKey={(r) => String(r.release)}
            empty={
              <EmptyState icon={gitCommitIcon} title="No release yet">
                A push makes the first one: crumpet push.
              </EmptyState>
            }
          />
        ) : (
          <Skeleton lines={5} />
        )}
      </Panel>
      <Panel title="Deployments" icon={rocketIcon} flush>
        {deployments.data ? (
          <Table
            label="List of deployments"
            columns={deploymentColumns}
            rows={deployments.data.items}
            rowKey={(d) => d.id}
            empty={<EmptyState title="No deployment yet" />}
          />
        ) : (
          <Skeleton lines={5} />
        )}
      </Panel>
      {back !== undefined && (
        <RollbackDialog team={team} app={app} to={back} live={live} onClose={() => setBack(undefined)} />
      )}
    </div>
  );
}
