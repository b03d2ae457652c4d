import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { useApp, useStatus } from "../api/queries";
import { StatusBadge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { CliHint } from "../kit/CliHint";
import { Mono } from "../kit/Copy";
import { globeIcon, hardDriveIcon, infoIcon, trashIcon } from "../kit/icons";
import { KeyValue, Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Table } from "../kit/Table";
import { Time } from "../kit/Time";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";
import { cli } from "../parts/app/cli";
import { useRefusal } from "../parts/app/may";
import { webUrls } from "../parts/app/OpenLink";
import { Volumes, volumesQuery } from "../parts/volume/Volumes";

/** What an app is known by, the addresses it has, what is kept for it, and its end. */
export default function AppSettings() {
  const { team = "", app = "" } = useParams({ strict: false });
  const { data: line, error } = useApp(team, app);
  const { data: status } = useStatus(team, app);
  const volumes = useQuery(volumesQuery(team, app));
  const refused = useRefusal(team, "maintainer");
  const [destroying, setDestroying] = useState(false);
  const navigate = useNavigate();
  const kept = volumes.data?.items ?? [];
  const bound = [...new Set(status?.bindings.map((b) => b.instance))];

  return (
    <div className="stack-l">
      {error && <ErrorBanner error={error} />}
      <Panel title="About it" icon={infoIcon}>
        {line ? (
          <KeyValue
            items={[
              ["App", <Mono key="app">{app}</Mono>],
              [
                "Team",
                <Link key="team" to="/teams/$team" params={{ team }}>
                  {team}
                </Link>,
              ],
              ["Made", <Time key="made" at={line.created_at} seconds />],
              ["Release", line.release > 0 ? line.release : "none yet"],
              [
                "Spec",
                <span key="spec">
                  its <code>crumpet.hcl</code>: what stands there is changed by a push, not here.{" "}
                  <Link to="/apps/$team/$app/deploys" params={{ team, app }}>
                    Releases
                  </Link>
                </span>,
              ],
            ]}
          />
        ) : (
          <Skeleton lines={4} />
        )}
      </Panel>
      <Panel title="Routes" icon={globeIcon} flush={Boolean(status?.routes.length)}>
        {!status ? (
          <Skeleton lines={2} />
        ) : status.routes.length === 0 ? (
          <p className="faint">
            No process takes requests from outside. A route block of its crumpet.hcl gives one an address.
          </p>
        ) : (
          <Table
            label={`Routes of ${app}`}
            rows={status.routes}
            rowKey={(r) => `${r.host}${r.path}`}
            columns={[
              { id: "host", head: "Host", sort: (r) => r.host, cell: (r) => <Mono>{r.host}</Mono> },
              { id: "path", head: "Path", sort: (r) => r.path, cell: (r) => <code>{r.path}</code> },
              {
                id: "state",
                head: "State",
                sort: (r) => r.state,
                cell: (r) => <StatusBadge kind="route" word={r.state} />,
              },
              {
                id: "url",
                head: "Address",
                cell: (r) =>
                  webUrls([r.url]).length > 0 ? (
                    <a href={r.url} target="_blank" rel="noopener noreferrer">
                      {r.url}
                    </a>
                  ) : (
                    r.url
                  ),
              },
            ]}
          />
        )}
      </Panel>
      <p className="small faint">
        A host belongs to the first team that has a route on it. Which ones{" "}
        <Link to="/teams/$team" params={{ team }}>
          team {team}
        </Link>{" "}
        has, and whom it shares them with, is on the page of the team.
      </p>
      <Panel title="Volumes" icon={hardDriveIcon} flush={kept.length > 0}>
        {volumes.error ? (
          <ErrorBanner error={volumes.error} />
        ) : !volumes.data ? (
          <Skeleton lines={2} />
        ) : (
          <Volumes items={kept} refused={refused} />
        )}
      </Panel>
      <Panel title="Destroy" icon={trashIcon}>
        <div className="between">
          <div className="grow">
            <p>Takes {app} away, with its releases and routes. It can't be had back.</p>
            <p className="small faint">
              Its volumes stay
              {bound.length > 0 &&
                `, and so do the service instances ${bound.join(", ")}; only its credentials of them end`}
              .
            </p>
          </div>
          <ActButton kind="critical" icon={trashIcon} refused={refused} onClick={() => setDestroying(true)}>
            Destroy {app}
          </ActButton>
        </div>
      </Panel>
      <CliHint command={cli(team, "status", app)} />
      {destroying && (
        <ActionDialog
          kind="critical"
          title={`Destroy ${app}`}
          description={
            <>
              Every instance is stopped, and {app} is taken away with its releases, routes and configuration.
              {kept.length > 0 &&
                ` Its ${kept.length === 1 ? "volume stays" : `${kept.length} volumes stay`}: delete them above once nothing runs, or an app of the same name finds them again.`}
            </>
          }
          confirm={`Destroy ${app}`}
          name={app}
          command={cli(team, "destroy", app)}
          said={`${app} is being destroyed.`}
          onClose={() => setDestroying(false)}
          onDone={() => void navigate({ to: "/apps", search: { team } })}
          run={() => data(api.DELETE("/v1/apps/{app}", { params: { path: { app }, query: { team } } }))}
        />
      )}
    </div>
  );
}
