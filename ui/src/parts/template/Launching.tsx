import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { api, data, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { StatusBadge } from "../../kit/Badge";
import { Banner, ErrorBanner } from "../../kit/Banner";
import { Button, ButtonLink } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Mono } from "../../kit/Copy";
import { terminalIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Time } from "../../kit/Time";
import { cli } from "../app/cli";
import { deploymentsQuery } from "../app/queries";
import css from "./Template.module.css";
import { useBuildLog } from "./useBuildLog";

/** An app on its way from a template: the log of its build as it is written, then on to its deployment. */
export function Launching({ launch: first, onAgain }: { launch: Schemas["Launch"]; onAgain: () => void }) {
  const { team, app } = first;
  const navigate = useNavigate();
  const launch = useQuery({
    queryKey: keys.app(team, app, "launch"),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/apps/{app}/launch", { params: { path: { app }, query: { team } }, signal })),
    initialData: first,
    staleTime: 0,
  });
  const l = launch.data;
  const released = l.status === "released";
  const deployments = useQuery({ ...deploymentsQuery(team, app), enabled: released });
  const id = deployments.data?.items.find((d) => d.release === l.release)?.id;
  useEffect(() => {
    if (id) void navigate({ to: "/apps/$team/$app/deploys/$id", params: { team, app, id } });
  }, [id, navigate, team, app]);
  const log = useBuildLog(team, app, l.build);
  return (
    <div className="stack">
      {l.status === "failed" && (
        <Banner
          tone="bad"
          alert
          title={`${app} could not be made`}
          actions={
            <Button small onClick={onAgain}>
              Begin again
            </Button>
          }
        >
          <p>{l.reason}</p>
        </Banner>
      )}
      {launch.error && <ErrorBanner error={launch.error} onRetry={() => void launch.refetch()} />}
      <Panel
        title={`Building ${app}`}
        icon={terminalIcon}
        actions={<StatusBadge kind="build" word={l.status === "building" ? "running" : released ? "done" : "failed"} />}
        flush
      >
        <div className={css.meta}>
          <span>
            Template <code>{l.template}</code>
          </span>
          <span>
            Build <Mono>{l.build}</Mono>
          </span>
          <span>
            began <Time at={l.created_at} />
          </span>
        </div>
        <div className={css.log} role="log" aria-label={`Log of the build of ${app}`} tabIndex={0} ref={log.box}>
          {log.lines.map((line) => (
            <div key={line.id}>{line.message}</div>
          ))}
          {log.lines.length === 0 && <div className={css.quiet}>The builder has written nothing yet.</div>}
          {released && <div className={css.quiet}>Built. Release {l.release} is on its way…</div>}
        </div>
      </Panel>
      {released && (
        <div>
          <ButtonLink to="/apps/$team/$app" params={{ team, app }}>
            Go to {app}
          </ButtonLink>
        </div>
      )}
      <CliHint command={cli(team, "events", app, "-f")} title="Follow it from a terminal" />
    </div>
  );
}
