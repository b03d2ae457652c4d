import { useQueries } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { useSelf } from "../api/queries";
import { atLeast } from "../api/self";
import { Badge, StatusBadge } from "../kit/Badge";
import { Banner, ErrorBanner } from "../kit/Banner";
import { CliHint } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { SearchInput } from "../kit/Field";
import { databaseIcon, layersIcon, plusIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Table } from "../kit/Table";
import { Time } from "../kit/Time";
import { ActButton } from "../parts/action/ActButton";
import { cli } from "../parts/app/cli";
import { Catalog } from "../parts/service/Catalog";
import { CreateDialog } from "../parts/service/CreateDialog";
import { offeringsQuery, useServices } from "../parts/service/queries";
import css from "../parts/service/Service.module.css";
import { appsOf, madeOf, operationText } from "../parts/service/words";
import { useTeam, useTeamNames } from "../shell/team";

/** The service instances of a team, and what new ones can be made of. */
export default function Services() {
  const team = useTeam();
  const names = useTeamNames();
  const teams = team === "*" ? names : [team];
  const { data: self } = useSelf();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const { items, pending, error } = useServices(teams);
  const catalogs = useQueries({ queries: teams.slice(0, 1).map(offeringsQuery) });
  const offerings = catalogs[0]?.data?.items;
  const [making, setMaking] = useState<{ offering?: Schemas["ServiceOffering"] }>();
  const may = teams.filter((t) => atLeast(self, t, "developer"));
  const refused =
    self && may.length === 0
      ? "Making service instances takes the role developer. A maintainer of the team can give it to you."
      : "";
  const q = (search.q ?? "").toLowerCase();
  const shown = items.filter((s) => [s.name, s.team, madeOf(s), ...appsOf(s)].some((t) => t.toLowerCase().includes(q)));
  const absent = offerings?.find((o) => o.absent);

  return (
    <div className="stack-l">
      <PageHeader
        title="Services"
        lead="Databases and other things that were made for a team, and the apps that have credentials of them."
        actions={
          <ActButton kind="primary" icon={plusIcon} refused={refused} onClick={() => setMaking({})}>
            Make an instance
          </ActButton>
        }
      />
      {error && <ErrorBanner error={error} />}
      {absent && (
        <Banner tone="warn" title={`${absent.name} can't be made here now`}>
          <p>{absent.absent}</p>
          {self?.admin && (
            <p>
              An operator registers a server of their own with{" "}
              <code>crumpet providers add postgres NAME --url URL --password-file FILE</code>.
            </p>
          )}
        </Banner>
      )}
      <Panel
        title="Instances"
        icon={databaseIcon}
        flush={items.length > 0}
        actions={
          items.length > 0 && (
            <SearchInput
              small
              label="Find an instance"
              value={search.q ?? ""}
              onChange={(e) =>
                void navigate({
                  to: "/services",
                  search: { ...search, q: e.target.value || undefined } as never,
                  replace: true,
                })
              }
            />
          )
        }
      >
        {pending && items.length === 0 ? (
          <Skeleton lines={4} />
        ) : items.length === 0 ? (
          <EmptyState
            icon={databaseIcon}
            title="No service instances"
            actions={
              <ActButton kind="primary" icon={plusIcon} refused={refused} onClick={() => setMaking({})}>
                Make an instance
              </ActButton>
            }
          >
            An app that names a service in its crumpet.hcl gets one with its push. One that several apps share is made
            here.
          </EmptyState>
        ) : (
          <Table
            label="Service instances"
            rows={shown}
            rowKey={(s) => `${s.team}/${s.name}`}
            initial={{ id: "name", down: false }}
            empty={<EmptyState title="None matches">Take the filter away to see all of them.</EmptyState>}
            columns={[
              {
                id: "name",
                head: "Name",
                sort: (s) => s.name,
                cell: (s) => (
                  <Link to="/services/$team/$name" params={{ team: s.team, name: s.name }} className="strong">
                    {s.name}
                  </Link>
                ),
              },
              ...(teams.length > 1
                ? [
                    {
                      id: "team",
                      head: "Team",
                      sort: (s: Schemas["Service"]) => s.team,
                      cell: (s: Schemas["Service"]) => s.team,
                    },
                  ]
                : []),
              {
                id: "state",
                head: "State",
                sort: (s) => s.state,
                cell: (s) => (
                  <span className={css.lines}>
                    <StatusBadge kind="service" word={s.state} title={s.reason} />
                    {s.operations[0] && <span className="small faint">{operationText(s.operations[0])}</span>}
                  </span>
                ),
              },
              { id: "of", head: "Made of", sort: madeOf, cell: madeOf },
              {
                id: "apps",
                head: "Bound to",
                cell: (s) =>
                  appsOf(s).length === 0 ? (
                    <span className="faint">no app</span>
                  ) : (
                    <span className="row">
                      {appsOf(s).map((a) => (
                        <Link key={a} to="/apps/$team/$app/services" params={{ team: s.team, app: a }}>
                          {a}
                        </Link>
                      ))}
                    </span>
                  ),
              },
              { id: "keys", head: "Keys", right: true, sort: (s) => s.keys.length, cell: (s) => s.keys.length },
              { id: "at", head: "Made", sort: (s) => s.created_at, cell: (s) => <Time at={s.created_at} /> },
            ]}
          />
        )}
      </Panel>
      <Panel
        title="Catalog"
        icon={layersIcon}
        flush={Boolean(offerings?.length)}
        actions={
          offerings && <Badge plain>{offerings.length === 1 ? "1 offering" : `${offerings.length} offerings`}</Badge>
        }
      >
        {offerings ? (
          <Catalog offerings={offerings} refused={refused} onMake={(offering) => setMaking({ offering })} />
        ) : (
          <Skeleton lines={3} />
        )}
      </Panel>
      <CliHint command={cli(team === "*" ? "default" : team, "services", "list")} />
      {making && (
        <CreateDialog
          teams={may}
          offering={making.offering}
          onClose={() => setMaking(undefined)}
          onMade={(s) => void navigate({ to: "/services/$team/$name", params: { team: s.team, name: s.name } })}
        />
      )}
    </div>
  );
}
