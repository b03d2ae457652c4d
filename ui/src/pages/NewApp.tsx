import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { ErrorBanner } from "../kit/Banner";
import { CliHint } from "../kit/CliHint";
import { gitBranchIcon, wandIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { cli } from "../parts/app/cli";
import { CreateApp } from "../parts/template/CreateApp";
import { Launching } from "../parts/template/Launching";
import css from "../parts/template/Template.module.css";
import { useTeam, useTeamNames } from "../shell/team";

/** Begins an app: from a template here, or from a repository of one's own. */
export default function NewApp() {
  const search = useSearch({ from: "/shell/apps/new" });
  const navigate = useNavigate();
  const around = useTeam();
  const teams = useTeamNames();
  const team = search.team || (around !== "*" ? around : (teams.find((t) => t === "default") ?? teams[0] ?? "default"));
  const [launch, setLaunch] = useState<Schemas["Launch"]>();
  const templates = useQuery({
    queryKey: ["templates"],
    queryFn: ({ signal }) => data(api.GET("/v1/templates", { signal })),
  });
  const chosen = search.template || templates.data?.items[0]?.name || "";
  const go = (next: { team?: string; template?: string }) =>
    void navigate({ to: "/apps/new", search: { team, template: search.template, ...next }, replace: true });
  return (
    <div className="stack-l">
      <PageHeader
        title={launch ? `New app ${launch.app}` : "New app"}
        crumbs={[
          <Link key="apps" to="/apps">
            Apps
          </Link>,
        ]}
        lead={launch ? undefined : "It is built, released and routed as a push does it; its page shows how it goes."}
      />
      {launch ? (
        <Launching launch={launch} onAgain={() => setLaunch(undefined)} />
      ) : (
        <div className={css.columns}>
          <Panel title="From a template" icon={wandIcon}>
            {templates.error && <ErrorBanner error={templates.error} onRetry={() => void templates.refetch()} />}
            {templates.data ? (
              <CreateApp
                templates={templates.data.items}
                teams={teams}
                team={team}
                onTeam={(t) => go({ team: t })}
                chosen={chosen}
                onChoose={(t) => go({ template: t })}
                onLaunched={setLaunch}
              />
            ) : (
              <Skeleton lines={5} />
            )}
          </Panel>
          <Panel title="From a repository" icon={gitBranchIcon}>
            <div className="stack">
              <p>
                In the folder of an app that you have already: Go, Node, Python, static files, with or without a
                Procfile or Dockerfile.
              </p>
              <CliHint command={`crumpet login ${location.origin}`} title="1. Sign in, through the browser" />
              <CliHint
                command="crumpet init"
                title="2. Write a crumpet.hcl that fits the source, each choice with its reason"
              />
              <CliHint command={cli(team, "plan")} title="3. See what a push would do" />
              <CliHint command={cli(team, "push")} title="4. Build, release and watch it roll out" />
            </div>
          </Panel>
        </div>
      )}
    </div>
  );
}
