import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { Badge, StatusBadge } from "../../kit/Badge";
import { Mono } from "../../kit/Copy";
import { Icon } from "../../kit/Icon";
import { serverIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Time } from "../../kit/Time";
import { statusOf } from "../../status/status";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import { Bar } from "./Bar";
import { byApp, megabytes, megahertz, wordOf } from "./capacity";
import css from "./Platform.module.css";

type NodeRoom = Schemas["NodeRoom"];

/** A machine: its state, what is reserved of it, and what runs on it. */
export function NodePanel({ node, refused }: { node: NodeRoom; refused: string }) {
  const [asked, setAsked] = useState<"drain" | "undo">();
  const emptied = Boolean(node.drain) || !node.eligible;
  return (
    <Panel
      icon={serverIcon}
      title={
        <span className="row">
          {node.name}
          <StatusBadge kind="node" word={wordOf(node)} />
          {node.drain && <StatusBadge kind="drain" word={node.drain.status} />}
        </span>
      }
      actions={
        emptied ? (
          <ActButton small refused={refused} onClick={() => setAsked("undo")}>
            Take instances again<span className="hidden"> on {node.name}</span>
          </ActButton>
        ) : (
          <ActButton small refused={refused} onClick={() => setAsked("drain")}>
            Drain<span className="hidden"> {node.name}</span>
          </ActButton>
        )
      }
    >
      <div className={css.node}>
        <p className={css.facts}>
          <Mono show={node.id.slice(0, 8)}>{node.id}</Mono>
          <span>{node.address}</span>
          <span>
            {node.datacenter}, pool {node.pool}
          </span>
          <span>
            since <Time at={node.since} />
          </span>
        </p>
        {node.drain && (
          <p className="small">
            {statusOf("drain", node.drain.status).means} {node.drain.reason} Asked for by {node.drain.by}{" "}
            <Time at={node.drain.created_at} />.
          </p>
        )}
        {node.room_known ? (
          <div className={css.bars}>
            <Bar label="CPU" of={node.cpu_mhz} say={megahertz} />
            <Bar label="Memory" of={node.memory_mb} say={megabytes} />
          </div>
        ) : (
          <p className="small faint">Nomad does not say now how much room it has.</p>
        )}
        {node.tenants.length === 0 ? (
          <p className="small faint">No instance of an app runs on it.</p>
        ) : (
          <ul className={css.apps}>
            {byApp(node.tenants).map((a) => (
              <li key={`${a.team}/${a.app}`}>
                <Link to="/apps/$team/$app" params={{ team: a.team, app: a.app }} className={css.app}>
                  <span className="faint">{a.team}/</span>
                  {a.app}
                </Link>
                <span className={css.blocks}>
                  {a.tenants.map((t) => (
                    <Block key={t.instance} tenant={t} />
                  ))}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      {asked === "drain" && (
        <ActionDialog
          kind="critical"
          title={`Drain ${node.name}`}
          description="It takes no new instances. Apps that would have no healthy instance left walk first, then Nomad moves the rest: it costs no request."
          confirm={`Drain ${node.name}`}
          name={node.name}
          command={cli("default", "node", "drain", node.name)}
          said={`${node.name} is being emptied.`}
          onClose={() => setAsked(undefined)}
          run={() => data(api.PUT("/v1/nodes/{node}/drain", { params: { path: { node: node.id } } }))}
        />
      )}
      {asked === "undo" && (
        <ActionDialog
          title={`Let ${node.name} take instances again`}
          description="What has left it stays where it is; new instances may be placed on it."
          confirm="Take instances again"
          command={cli("default", "node", "drain", node.name, "--undo")}
          said={`${node.name} takes instances again.`}
          onClose={() => setAsked(undefined)}
          run={() => data(api.DELETE("/v1/nodes/{node}/drain", { params: { path: { node: node.id } } }))}
        />
      )}
    </Panel>
  );
}

/** One instance. Its shape says its health, its colour too, and its words are read. */
function Block({ tenant: t }: { tenant: Schemas["Tenant"] }) {
  const status = t.state === "running" ? statusOf("health", t.health) : statusOf("instance", t.state);
  const words = `${t.process}[${t.index}], release ${t.release}, ${t.slot}: ${status.label}; ${megahertz(t.cpu_mhz)} and ${megabytes(t.memory_mb)} reserved`;
  return (
    <Link
      to="/apps/$team/$app"
      params={{ team: t.team, app: t.app }}
      search={{ instance: t.instance } as never}
      className={css.block}
      data-tone={status.tone}
      title={words}
      aria-label={words}
    >
      <Icon of={status.icon} />
    </Link>
  );
}

/** How many of what there is in the head of the list. */
export const Count = ({ n, one, many }: { n: number; one: string; many: string }) => (
  <Badge plain>{n === 1 ? `1 ${one}` : `${n} ${many}`}</Badge>
);
