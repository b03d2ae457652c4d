import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Schemas } from "../../api/client";
import { StatusBadge } from "../../kit/Badge";
import { Button } from "../../kit/Button";
import { Mono } from "../../kit/Copy";
import { Icon } from "../../kit/Icon";
import { fileTextIcon, reloadIcon, starIcon, xIcon } from "../../kit/icons";
import { type Column, Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActIcon } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import { useRefusal } from "../app/may";
import { type Filter, filtered, type Instance, isCanary, nameOf, short, statusOfWord, wordOf } from "./group";
import css from "./Instance.module.css";
import { Meter } from "./Meter";

type Props = {
  status: Schemas["Status"];
  usage: Schemas["Usage"] | undefined;
  filter: Filter;
  team: string;
  app: string;
};

/** The list behind the grid: every instance with where it is, since when, and what it takes of its limits. */
export function InstanceTable({ status, usage, filter, team, app }: Props) {
  const rows = filtered(status.instances, filter);
  const taken = new Map(usage?.items.map((u) => [u.instance, u]));
  const [restarting, setRestarting] = useState<Instance>();
  const refused = useRefusal(team);
  const columns: Column<Instance>[] = [
    {
      id: "name",
      head: "Instance",
      sort: (i) => `${i.process} ${String(i.index).padStart(5, "0")}`,
      cell: (i) => (
        <div className={css.where}>
          <span className="row strong">
            {nameOf(i)}
            {isCanary(i, status.deployment) && (
              <span className={css.star} title="Canary: it is tried with a share of the requests">
                <Icon of={starIcon} label="canary" />
              </span>
            )}
          </span>
          <Mono show={short(i.id)}>{i.id}</Mono>
        </div>
      ),
    },
    {
      id: "state",
      head: "Status",
      sort: (i) => wordOf(i).key,
      cell: (i) => (
        <div className={css.where}>
          <span>
            <StatusBadge kind={wordOf(i).kind} word={wordOf(i).word} />
          </span>
          {i.reason && <span className={css.reason}>{i.reason}</span>}
          {i.next_try && (
            <span className="small faint">
              next try <Time at={i.next_try} />
            </span>
          )}
        </div>
      ),
    },
    {
      id: "release",
      head: "Release",
      sort: (i) => i.release,
      cell: (i) => (
        <>
          {i.release} <span className="faint">{i.slot}</span>
        </>
      ),
    },
    { id: "node", head: "Node", sort: (i) => i.node, cell: (i) => i.node || <span className="faint">none yet</span> },
    { id: "since", head: "Since", sort: (i) => i.since, cell: (i) => <Time at={i.since} /> },
    { id: "restarts", head: "Restarts", right: true, sort: (i) => i.restarts, cell: (i) => i.restarts },
    {
      id: "cpu",
      head: "CPU",
      sort: (i) => taken.get(i.id)?.cpu_mhz ?? -1,
      cell: (i) => <Taken of={taken.get(i.id)} what="cpu" />,
    },
    {
      id: "memory",
      head: "Memory",
      sort: (i) => taken.get(i.id)?.memory_mb ?? -1,
      cell: (i) => <Taken of={taken.get(i.id)} what="memory" />,
    },
    {
      id: "acts",
      head: <span className="hidden">Actions</span>,
      right: true,
      cell: (i) => (
        <span className={css.acts}>
          <Link
            to="/apps/$team/$app/logs"
            params={{ team, app }}
            search={{ instance: i.id }}
            className={css.act}
            title={`Logs of ${nameOf(i)}`}
            aria-label={`Logs of ${nameOf(i)}`}
          >
            <Icon of={fileTextIcon} />
          </Link>
          {(i.state === "running" || i.state === "pending") && (
            <ActIcon
              icon={reloadIcon}
              label={`Replace ${nameOf(i)}`}
              small
              refused={refused}
              onClick={() => setRestarting(i)}
            />
          )}
        </span>
      ),
    },
  ];
  const on = Boolean(filter.state || filter.process || filter.instance);
  return (
    <>
      {on && (
        <div className={css.filter} role="status">
          <span>
            {rows.length} of {status.instances.length}
          </span>
          {filter.process && <code>process {filter.process}</code>}
          {filter.state && <span>{statusOfWord(wordLike(filter.state)).label}</span>}
          {filter.instance && <code>id {filter.instance}</code>}
          <Link to="/apps/$team/$app" params={{ team, app }} search={{}} hash="instances" className={css.clear}>
            <Icon of={xIcon} /> Show all
          </Link>
        </div>
      )}
      <Table
        label="List of instances"
        columns={columns}
        rows={rows}
        rowKey={(i) => i.id}
        empty={<p className={css.none}>{on ? "No instance is like that now." : "There are no instances."}</p>}
      />
      {restarting && (
        <ActionDialog
          onClose={() => setRestarting(undefined)}
          title={`Replace ${nameOf(restarting)}`}
          description="Nomad stops this instance and starts a new one. The others go on serving."
          confirm="Replace it"
          command={cli(team, "restart", app, "--instance", short(restarting.id))}
          run={() =>
            api.POST("/v1/apps/{app}/instances/{instance}/restart", {
              params: { path: { app, instance: restarting.id }, query: { team } },
            })
          }
          said={`${nameOf(restarting)} is being replaced.`}
        />
      )}
    </>
  );
}

const states = new Set(["pending", "running", "stopping", "complete", "failed", "lost"]);
const wordLike = (key: string) => ({
  key,
  kind: states.has(key) ? ("instance" as const) : ("health" as const),
  word: key,
});

function Taken({ of, what }: { of: Schemas["InstanceUsage"] | undefined; what: "cpu" | "memory" }) {
  if (!of) return <span className="faint">–</span>;
  if (!of.known)
    return (
      <span className="faint" title={of.reason}>
        not measured
      </span>
    );
  return what === "cpu" ? (
    <Meter value={of.cpu_mhz} limit={of.cpu_limit_mhz} unit="MHz" label="CPU" />
  ) : (
    <Meter value={of.memory_mb} limit={Math.max(of.memory_limit_mb, of.memory_max_mb)} unit="MB" label="Memory" />
  );
}

/** Where the page shows nothing but one button for all. */
export function MeasureAgain({ onClick, at }: { onClick: () => void; at: string | undefined }) {
  return (
    <span className="row small faint">
      {at && (
        <span>
          Measured <Time at={at} />
        </span>
      )}
      <Button small kind="tertiary" icon={reloadIcon} onClick={onClick}>
        Measure again
      </Button>
    </span>
  );
}
