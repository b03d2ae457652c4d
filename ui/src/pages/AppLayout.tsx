import { Link, Outlet, useParams } from "@tanstack/react-router";
import { useApp } from "../api/queries";
import { StatusBadge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { PageHeader } from "../kit/PageHeader";
import { NavTabs } from "../kit/Tabs";

/** What all pages of one app have in common: its name, its state, the way between them. */
export default function AppLayout() {
  const { team, app } = useParams({ from: "/shell/apps/$team/$app" });
  const { data, error } = useApp(team, app);
  const params = { team, app };
  return (
    <div className="stack-l">
      <PageHeader
        title={app}
        after={data && <StatusBadge kind="app" word={data.status} />}
        crumbs={[
          <Link key="apps" to="/apps" search={{ team }}>
            Apps
          </Link>,
          <span key="team">{team}</span>,
        ]}
        lead={data?.reason}
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
      {error && <ErrorBanner error={error} />}
      <Outlet />
    </div>
  );
}
