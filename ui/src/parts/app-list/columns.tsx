import { Link } from "@tanstack/react-router";
import { StatusBadge } from "../../kit/Badge";
import { cx } from "../../kit/cx";
import { Icon } from "../../kit/Icon";
import { externalLinkIcon } from "../../kit/icons";
import type { Column } from "../../kit/Table";
import { Time } from "../../kit/Time";
import css from "./AppList.module.css";
import { type AppLine, nameOf, percent, rankOf, short } from "./lines";

export type Width = "phone" | "middle" | "wide";

const time = (at: string | undefined) => (at ? Date.parse(at) : 0);

/** The columns that fit. On a phone a row says in two lines what matters. */
export function columnsFor(width: Width, teams: boolean): Column<AppLine>[] {
  const name: Column<AppLine> = {
    id: "name",
    head: "App",
    width: width === "phone" ? "minmax(0, 1fr)" : "minmax(180px, 1.4fr)",
    sort: nameOf,
    cell: (l) => <Name line={l} team={teams} />,
  };
  const state: Column<AppLine> = {
    id: "state",
    head: "State",
    width: "minmax(160px, 2fr)",
    sort: (l) => `${rankOf(l.status)} ${nameOf(l)}`,
    cell: (l) => <State line={l} />,
  };
  const instances: Column<AppLine> = {
    id: "instances",
    head: "Instances",
    width: "132px",
    sort: (l) => l.wanted,
    cell: (l) => <Instances line={l} />,
  };
  const rest: Column<AppLine>[] = [
    { id: "release", head: "Release", width: "96px", sort: (l) => l.release, cell: (l) => <Release line={l} /> },
    instances,
    { id: "rate", head: "Requests/s", width: "112px", right: true, sort: (l) => l.rate, cell: (l) => short(l.rate) },
    {
      id: "errors",
      head: "Errors",
      width: "92px",
      right: true,
      sort: (l) => l.errors,
      cell: (l) => <Errors line={l} />,
    },
    {
      id: "deployed",
      head: "Last deployed",
      width: "minmax(130px, 0.8fr)",
      sort: (l) => -time(l.deployed_at),
      cell: (l) => <Deployed line={l} />,
    },
  ];
  if (width === "phone") return [{ ...name, cell: (l) => <Card line={l} team={teams} /> }];
  if (width === "middle") return [name, state, instances, ...rest.filter((c) => c.id === "deployed")];
  return [
    name,
    state,
    ...rest,
    { id: "open", head: <span className="hidden">Address</span>, width: "52px", cell: (l) => <Open line={l} /> },
  ];
}

function AppLink({ line }: { line: AppLine }) {
  return (
    <Link
      to="/apps/$team/$app"
      params={{ team: line.team, app: line.app }}
      preload={false}
      className={cx(css.link, "cut")}
    >
      {line.app}
    </Link>
  );
}

function Name({ line, team }: { line: AppLine; team: boolean }) {
  return (
    <div className={css.two}>
      <AppLink line={line} />
      {team && <span className="faint small cut">{line.team}</span>}
    </div>
  );
}

function State({ line }: { line: AppLine }) {
  return (
    <div className={css.two}>
      <span>
        <StatusBadge kind="app" word={line.status} plain />
      </span>
      {line.reason && (
        <span className="faint small cut" title={line.reason}>
          {line.reason}
        </span>
      )}
    </div>
  );
}

function Release({ line }: { line: AppLine }) {
  return line.release > 0 ? <span className="mono">#{line.release}</span> : <span className="faint">none</span>;
}

const BLOCKS = 8;

/** One block per instance while they are few, and always the numbers. */
function Instances({ line }: { line: AppLine }) {
  const { healthy, wanted } = line;
  return (
    <span className={css.instances}>
      <span className="num">
        {healthy}/{wanted}
        <span className="hidden"> healthy</span>
      </span>
      <span className={css.blocks} aria-hidden="true">
        {wanted <= BLOCKS
          ? Array.from({ length: wanted }, (_, i) => <i key={i} data-on={i < healthy} />)
          : wanted > 0 && <i className={css.bar} style={{ "--share": healthy / wanted } as React.CSSProperties} />}
      </span>
    </span>
  );
}

function Errors({ line }: { line: AppLine }) {
  if (line.rate === 0) return <span className="faint">–</span>;
  return <span className={cx(line.errors >= 0.05 && css.high)}>{percent(line.errors)}</span>;
}

function Deployed({ line }: { line: AppLine }) {
  if (!line.deployed_at) return <span className="faint">never</span>;
  return (
    <div className={css.two}>
      <Time at={line.deployed_at} />
      {line.deployed_by && <span className="faint small cut">by {line.deployed_by}</span>}
    </div>
  );
}

function Open({ line }: { line: AppLine }) {
  const url = line.urls.find((u) => /^https?:\/\//.test(u));
  if (!url) return null;
  return (
    <a
      className={css.open}
      href={url}
      target="_blank"
      rel="noopener noreferrer"
      title={url}
      aria-label={`Open ${line.app}`}
    >
      <Icon of={externalLinkIcon} />
    </a>
  );
}

function Card({ line, team }: { line: AppLine; team: boolean }) {
  return (
    <div className={css.card}>
      <div className={css.cardTop}>
        <AppLink line={line} />
        <StatusBadge kind="app" word={line.status} plain />
      </div>
      <div className={cx(css.cardTop, "small", "faint")}>
        <span className="cut">
          {line.reason ||
            [
              team && line.team,
              line.release > 0 && `release ${line.release}`,
              line.rate > 0 && `${short(line.rate)} req/s`,
            ]
              .filter(Boolean)
              .join(" · ")}
        </span>
        <Instances line={line} />
      </div>
    </div>
  );
}
