import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../kit/Badge";
import { Icon } from "../../kit/Icon";
import {
  arrowRightIcon,
  consulIcon,
  databaseIcon,
  type IconShape,
  networkIcon,
  nomadIcon,
  vaultIcon,
} from "../../kit/icons";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import css from "./Platform.module.css";

const names: Record<string, [name: string, icon: IconShape]> = {
  nomad: ["Nomad", nomadIcon],
  consul: ["Consul", consulIcon],
  vault: ["Vault", vaultIcon],
  fabio: ["Fabio", networkIcon],
  store: ["Database", databaseIcon],
};

/** What the platform stands on, each with since when it is so, why, and what to do. */
export function Backends({ backends }: { backends: readonly Schemas["BackendView"][] }) {
  return (
    <ul className={css.backends} aria-live="polite">
      {backends.map((b) => {
        const [name, icon] = names[b.name] ?? [b.name, databaseIcon];
        return (
          <li key={b.name} data-ok={b.ok}>
            <div className={css.backendHead}>
              <Icon of={icon} size={20} />
              <h3>{name}</h3>
              <StatusBadge kind="backend" word={b.ok ? "ok" : "trouble"} />
            </div>
            <p className="small faint">
              {b.version && `${b.version}, `}since <Time at={b.since} />
            </p>
            {b.reason && <p className={css.reason}>{b.reason}</p>}
            {b.next && (
              <p className={css.next}>
                <Icon of={arrowRightIcon} />
                <span>{b.next}</span>
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

export function Routers({ routers }: { routers: readonly Schemas["Router"][] }) {
  if (routers.length === 0)
    return <p className={css.none}>No Fabio is known. Its admin addresses stand in the server's configuration.</p>;
  return (
    <Table
      label="Routers"
      rows={routers}
      rowKey={(r) => r.address}
      columns={[
        {
          id: "address",
          head: "Fabio",
          sort: (r) => r.address,
          cell: (r) => <code className="strong">{r.address}</code>,
        },
        {
          id: "state",
          head: "State",
          cell: (r) => (
            <span className={css.lines}>
              <StatusBadge kind="backend" word={r.ok ? "ok" : "trouble"} />
              {r.reason && <span className={css.reason}>{r.reason}</span>}
            </span>
          ),
        },
        { id: "routes", head: "Routes", right: true, sort: (r) => r.routes, cell: (r) => r.routes.toLocaleString() },
        { id: "apps", head: "Apps", right: true, sort: (r) => r.apps, cell: (r) => r.apps.toLocaleString() },
        { id: "read", head: "Table read", cell: (r) => <Time at={r.read_at} /> },
      ]}
    />
  );
}

export function Servers({ servers }: { servers: readonly Schemas["Server"][] }) {
  return (
    <Table
      label="Servers of Crumpet"
      rows={servers}
      rowKey={(s) => s.id}
      columns={[
        { id: "name", head: "Server", sort: (s) => s.name, cell: (s) => <span className="strong">{s.name}</span> },
        {
          id: "state",
          head: "State",
          cell: (s) => (
            <span>
              {s.state}
              {s.leads_since && (
                <span className="faint">
                  {" "}
                  since <Time at={s.leads_since} />
                </span>
              )}
            </span>
          ),
        },
        { id: "address", head: "Address", cell: (s) => <code>{s.address}</code> },
        { id: "version", head: "Version", cell: (s) => s.version },
        { id: "started", head: "Started", sort: (s) => s.started_at, cell: (s) => <Time at={s.started_at} /> },
        { id: "seen", head: "Last seen", sort: (s) => s.seen_at, cell: (s) => <Time at={s.seen_at} /> },
      ]}
    />
  );
}
