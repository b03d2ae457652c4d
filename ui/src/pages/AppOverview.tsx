import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { Schemas } from "../api/client";
import { useApp, useStatus } from "../api/queries";
import { Badge, StatusBadge } from "../kit/Badge";
import { Banner, ErrorBanner } from "../kit/Banner";
import { ButtonLink } from "../kit/Button";
import { Mono } from "../kit/Copy";
import { activityIcon, gitCommitIcon, layersIcon, rocketIcon } from "../kit/icons";
import { KeyValue, Panel } from "../kit/Panel";
import { capital, Prose } from "../kit/Prose";
import { Skeleton } from "../kit/Skeleton";
import { Time } from "../kit/Time";
import css from "../parts/app/App.module.css";
import { AppStats } from "../parts/app/AppStats";
import { routedOf } from "../parts/app/numbers";
import { historyQuery, useDeployments, useMetrics, useUsage, whyQuery } from "../parts/app/queries";
import { DeploymentStrip } from "../parts/deployment/DeploymentStrip";
import { EventList } from "../parts/event/EventList";
import { InstanceGrid } from "../parts/instance/InstanceGrid";
import { InstanceTable, MeasureAgain } from "../parts/instance/InstanceTable";
import { RouteList } from "../parts/route/RouteList";
import { isExpected } from "../parts/why/expected";
import { WhyPanel } from "../parts/why/WhyPanel";

/** How an app is now, and why: its instances, its addresses, what happened last. */
export default function AppOverview() {
  const { team, app } = useParams({ from: "/shell/apps/$team/$app" });
  const search = useSearch({ from: "/shell/apps/$team/$app/" });
  const params = { team, app };
  const line = useApp(team, app);
  const status = useStatus(team, app);
  const usage = useUsage(team, app);
  const metrics = useMetrics(team, app);
  const deployments = useDeployments(team, app);
  const events = useQuery(historyQuery(team, app, 60));
  const last = deployments.data?.items[0];
  const s = status.data;
  const troubled = s !== undefined && isTroubled(s, last);
  const why = useQuery({ ...whyQuery(team, app), enabled: troubled });

  if (!s)
    return status.error ? (
      <ErrorBanner error={status.error} onRetry={() => void status.refetch()} />
    ) : (
      <Skeleton lines={6} />
    );
  const turned = !s.deployment && last && (last.status === "failed" || last.status === "reverted") ? last : undefined;
  const recent = (events.data?.items ?? [])
    .filter((e) => e.kind !== "build.log")
    .slice(-9)
    .reverse();
  return (
    <div className="stack">
      {s.deployment && <DeploymentStrip deployment={s.deployment} />}
      {turned && !(troubled && why.data) && (
        <Banner
          tone={turned.status === "failed" ? "bad" : "warn"}
          title={
            turned.status === "failed"
              ? `Release ${turned.release} came to nothing`
              : `Release ${turned.release} was walked back; release ${s.release} serves`
          }
          actions={
            <ButtonLink to="/apps/$team/$app/deploys/$id" params={{ ...params, id: turned.id }} small>
              See how it went
            </ButtonLink>
          }
        >
          {turned.reason && (
            <p>
              <Prose>{capital(turned.reason)}</Prose>
            </p>
          )}
        </Banner>
      )}
      {troubled && why.data && !isExpected(why.data.cause) && <WhyPanel why={why.data} calm={s.status === "stopped"} />}
      <AppStats line={line.data} metrics={metrics.data} usage={usage.data} />
      <div className={css.columns}>
        <div>
          <Panel title="Instances" icon={layersIcon} actions={<StatusBadge kind="appHealth" word={s.health} />}>
            <InstanceGrid status={s} team={team} app={app} filter={search} routed={routedOf(metrics.data)} />
          </Panel>
          <Panel
            title="What happened last"
            icon={activityIcon}
            flush
            actions={
              <Link to="/apps/$team/$app/activity" params={params}>
                All activity
              </Link>
            }
          >
            {events.data ? <EventList events={recent} /> : <Skeleton lines={4} />}
          </Panel>
        </div>
        <div>
          <RouteList routes={s.routes} />
          <Origin status={s} team={team} app={app} />
        </div>
      </div>
      <div id="instances">
        <Panel
          title="All instances"
          icon={layersIcon}
          flush
          actions={<MeasureAgain at={usage.data?.at} onClick={() => void usage.refetch()} />}
        >
          <InstanceTable status={s} usage={usage.data} filter={search} team={team} app={app} />
        </Panel>
      </div>
    </div>
  );
}

/** Whether the chain of causes is to be asked for: while something is not as it is wished. */
function isTroubled(s: Schemas["Status"], last: Schemas["Deployment"] | undefined): boolean {
  if (
    s.status === "degraded" ||
    s.status === "failing" ||
    s.status === "pending" ||
    s.health === "down" ||
    s.health === "crashing" ||
    s.health === "degraded"
  )
    return true;
  if (s.deployment) return true;
  return last?.status === "failed" && s.release === 0;
}

function Origin({ status: s, team, app }: { status: Schemas["Status"]; team: string; app: string }) {
  const o = s.origin;
  if (!o)
    return (
      <Panel title="Release" icon={rocketIcon}>
        <p className="faint">No release has served yet.</p>
      </Panel>
    );
  return (
    <Panel title={`Release ${s.release}`} icon={rocketIcon} actions={<Badge tone="neutral">{s.slot}</Badge>}>
      <KeyValue
        items={[
          ["Made by", o.created_by],
          ["Made", <Time key="t" at={o.created_at} />],
          ...(o.commit
            ? ([
                [
                  "Commit",
                  <span key="c" className="row">
                    <Mono show={o.commit.slice(0, 12)}>{o.commit}</Mono>
                    {o.dirty && (
                      <Badge
                        tone="warn"
                        icon={gitCommitIcon}
                        title="The source had changes that the commit does not hold"
                      >
                        with changes
                      </Badge>
                    )}
                  </span>,
                ],
              ] as [string, React.ReactNode][])
            : []),
          ...(o.rollback_to ? ([["Restores", `release ${o.rollback_to}`]] as [string, React.ReactNode][]) : []),
          ...(o.note ? ([["Note", o.note]] as [string, React.ReactNode][]) : []),
          ...s.processes.map(
            (p) =>
              [
                <code key="p">{p.name}</code>,
                <span key="v" className="num">
                  {p.wanted} wanted, {p.healthy} healthy
                </span>,
              ] as [React.ReactNode, React.ReactNode],
          ),
        ]}
      />
      <p className={`small ${css.more}`}>
        <Link to="/apps/$team/$app/scale" params={{ team, app }}>
          Scale its processes
        </Link>
      </p>
    </Panel>
  );
}
