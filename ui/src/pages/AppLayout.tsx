import { Link, Outlet, useParams } from "@tanstack/react-router";
import { ApiError } from "../api/error";
import { useApp } from "../api/queries";
import { StatusBadge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { ButtonLink } from "../kit/Button";
import { EmptyState } from "../kit/EmptyState";
import { Icon } from "../kit/Icon";
import { boxIcon, globeIcon, layersIcon, plusIcon, rocketIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { capital, Prose } from "../kit/Prose";
import { NavTabs } from "../kit/Tabs";
import { Time } from "../kit/Time";
import css from "../parts/app/App.module.css";
import { OpenLink, webUrls } from "../parts/app/OpenLink";

/** What all pages of one app have in common: its name and state, its address, the way between the pages. */
export default function AppLayout() {
  const { team, app } = useParams({ from: "/shell/apps/$team/$app" });
  const { data, error, refetch } = useApp(team, app);
  const params = { team, app };
  const crumbs = [
    <Link key="apps" to="/apps">
      Apps
    </Link>,
    <Link key="team" to="/apps" search={{ team }}>
      {team}
    </Link>,
  ];
  if (!data && error instanceof ApiError && error.status === 404)
    return (
      <div className="stack-l">
        <PageHeader title={app} crumbs={crumbs} />
        <EmptyState
          icon={boxIcon}
          title="There is no such app"
          actions={
            <ButtonLink to="/apps/new" search={{ team }} icon={plusIcon} kind="primary">
              New app
            </ButtonLink>
          }
        >
          {error.message}
        </EmptyState>
      </div>
    );
  const urls = webUrls(data?.urls ?? []);
  return (
    <div className="stack-l">
      <div className="stack">
        <PageHeader
          title={app}
          after={data && <StatusBadge kind="app" word={data.status} />}
          crumbs={crumbs}
          lead={
            data && (
              <>
                {data.reason && (
                  <p>
                    <Prose>{capital(data.reason)}</Prose>
                  </p>
                )}
                <div className={css.facts}>
                  {data.release > 0 && (
                    <Link to="/apps/$team/$app/deploys" params={params}>
                      <Icon of={rocketIcon} /> Release {data.release}
                    </Link>
                  )}
                  {data.deployed_at && (
                    <span>
                      deployed <Time at={data.deployed_at} />
                      {data.deployed_by && (
                        <>
                          by <b>{data.deployed_by}</b>
                        </>
                      )}
                    </span>
                  )}
                  {data.wanted > 0 && (
                    <span>
                      <Icon of={layersIcon} />
                      <b className="num">
                        {data.healthy} of {data.wanted}
                      </b>
                      healthy
                    </span>
                  )}
                  {urls.slice(0, 1).map((u) => (
                    <a key={u} href={u} target="_blank" rel="noopener noreferrer" className={css.url}>
                      <Icon of={globeIcon} />
                      <span className="cut">{u.replace(/^https?:\/\//, "")}</span>
                    </a>
                  ))}
                  {urls.length > 1 && <span>and {urls.length - 1} more</span>}
                </div>
              </>
            )
          }
          actions={<OpenLink urls={data?.urls ?? []} app={app} />}
        />
        <NavTabs
          label={`Pages of ${app}`}
          tabs={[
            { label: "Overview", to: "/apps/$team/$app", params, exact: true },
            { label: "Deployments", to: "/apps/$team/$app/deploys", params },
            { label: "Logs", to: "/apps/$team/$app/logs", params },
            { label: "Config", to: "/apps/$team/$app/config", params },
            { label: "Services", to: "/apps/$team/$app/services", params },
            { label: "Scale", to: "/apps/$team/$app/scale", params },
            { label: "Activity", to: "/apps/$team/$app/activity", params },
            { label: "Settings", to: "/apps/$team/$app/settings", params },
          ]}
        />
      </div>
      {error && <ErrorBanner error={error} onRetry={() => void refetch()} />}
      <Outlet />
    </div>
  );
}
