import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Badge } from "../../kit/Badge";
import { cx } from "../../kit/cx";
import { Icon } from "../../kit/Icon";
import { starIcon } from "../../kit/icons";
import { Time } from "../../kit/Time";
import { Tooltip } from "../../kit/Tooltip";
import {
  type Filter,
  type Group,
  groupsOf,
  type Instance,
  isCanary,
  legendOf,
  nameOf,
  shapeOf,
  short,
  statusOfWord,
  wordOf,
} from "./group";
import css from "./Instance.module.css";

type Props = {
  status: Schemas["Status"];
  team: string;
  app: string;
  filter?: Filter;
  routed?: ReadonlySet<string>; // the processes that take requests
};

/** One block for each instance: coloured by its status, shaped by its health, marked as canary. Two rows while a deployment walks. */
export function InstanceGrid({ status, team, app, filter = {}, routed }: Props) {
  const groups = groupsOf(status);
  const shown = groups.flatMap((g) => g.instances);
  const missing = groups.reduce((n, g) => n + g.missing, 0);
  if (shown.length + missing === 0 && groups.every((g) => g.wanted === 0))
    return <p className="faint">No instance is wanted.</p>;
  return (
    <div className={css.groups}>
      {groups.map((g) => (
        <Blocks
          key={`${g.process} ${g.side}`}
          group={g}
          shares={routed?.has(g.process) ?? false}
          deployment={status.deployment}
          team={team}
          app={app}
        />
      ))}
      <nav className={css.legend} aria-label="Instances by status">
        {legendOf(shown).map(({ word, status: s, count }) => {
          const on = filter.state === word.key;
          return (
            <Link
              key={word.key}
              to="/apps/$team/$app"
              params={{ team, app }}
              search={{ ...filter, state: on ? undefined : word.key }}
              hash="instances"
              className={cx(css.key, css[s.tone])}
              data-on={on}
              title={s.means}
            >
              <Icon of={s.icon} />
              <b>{count}</b> {s.label}
            </Link>
          );
        })}
        {missing > 0 && (
          <span className={cx(css.key, css.neutral)} title="Wanted, and not placed on a node">
            <b>{missing}</b> Missing
          </span>
        )}
      </nav>
    </div>
  );
}

type BlocksProps = {
  group: Group;
  shares: boolean;
  deployment: Schemas["Deployment"] | null;
  team: string;
  app: string;
};

function Blocks({ group, shares, deployment, team, app }: BlocksProps) {
  const share = shares && group.side && deployment?.steps[deployment.step]?.share;
  const part = typeof share === "number" ? (group.side === "new" ? share : 100 - share) : undefined;
  return (
    <div className={css.group}>
      <div className={css.head}>
        <h3>
          {group.process}
          {group.side === "new" && <Badge tone="info">New · release {group.release}</Badge>}
          {group.side === "old" && <Badge>Old · release {group.release}</Badge>}
        </h3>
        {group.slot && <span className="faint small">{group.slot}</span>}
        {part !== undefined && <span className="small num">{part} % of requests</span>}
        <span className={css.tally}>
          <b>{group.healthy}</b> of <b>{group.wanted}</b> healthy
        </span>
      </div>
      <div className={cx(css.blocks, group.instances.length + group.missing > 60 && css.dense)}>
        {group.instances.map((i) => (
          <Block key={i.id} instance={i} canary={isCanary(i, deployment)} team={team} app={app} />
        ))}
        {group.wanted === 0 && group.instances.length === 0 && <span className="faint small">None at this step.</span>}
        {Array.from({ length: Math.min(group.missing, 200) }, (_, i) => (
          <Missing key={i} process={group.process} />
        ))}
      </div>
    </div>
  );
}

function Missing({ process }: { process: string }) {
  return (
    <span
      className={cx(css.block, css.missing)}
      title="Wanted, and not placed on a node"
      role="img"
      aria-label={`${process}: an instance that is missing`}
    />
  );
}

function Block({ instance: i, canary, team, app }: { instance: Instance; canary: boolean; team: string; app: string }) {
  const word = wordOf(i);
  const status = statusOfWord(word);
  const label = `${nameOf(i)}: ${status.label}, release ${i.release}, ${i.slot}${canary ? ", canary" : ""}, on ${i.node || "no node"}`;
  return (
    <Tooltip text={<Tip instance={i} canary={canary} label={status.label} />}>
      <Link
        to="/apps/$team/$app"
        params={{ team, app }}
        search={{ instance: short(i.id) }}
        hash="instances"
        className={cx(css.block, css[shapeOf(word)], css[status.tone])}
        aria-label={label}
      >
        <Icon of={status.icon} />
        {canary && (
          <span className={css.mark} aria-hidden="true">
            <Icon of={starIcon} />
          </span>
        )}
      </Link>
    </Tooltip>
  );
}

function Tip({ instance: i, canary, label }: { instance: Instance; canary: boolean; label: string }) {
  return (
    <span className={css.tip}>
      <strong>
        {nameOf(i)} · {label}
        {canary && " · canary"}
      </strong>
      <span>Id</span>
      <span className="mono">{short(i.id)}</span>
      <span>Release</span>
      <span>
        {i.release}, {i.slot}
      </span>
      <span>Node</span>
      <span>{i.node || "none yet"}</span>
      <span>Since</span>
      <span>
        <Time at={i.since} />
      </span>
      {i.restarts > 0 && (
        <>
          <span>Restarts</span>
          <span>{i.restarts}</span>
        </>
      )}
    </span>
  );
}
