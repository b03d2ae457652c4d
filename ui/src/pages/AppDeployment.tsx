import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useStatus } from "../api/queries";
import { StatusBadge } from "../kit/Badge";
import { Banner, ErrorBanner } from "../kit/Banner";
import { Mono } from "../kit/Copy";
import { clockIcon, infoIcon, layersIcon } from "../kit/icons";
import { KeyValue, Panel } from "../kit/Panel";
import { capital, Prose } from "../kit/Prose";
import { Skeleton } from "../kit/Skeleton";
import { Time } from "../kit/Time";
import css from "../parts/app/App.module.css";
import { routedOf } from "../parts/app/numbers";
import { deploymentQuery, timelineQuery, useMetrics, whyQuery } from "../parts/app/queries";
import { CanaryPanel } from "../parts/deployment/CanaryPanel";
import { Controls } from "../parts/deployment/Controls";
import { DeploymentStrip } from "../parts/deployment/DeploymentStrip";
import { ended, titleOf } from "../parts/deployment/steps";
import { Timeline } from "../parts/deployment/Timeline";
import { InstanceGrid } from "../parts/instance/InstanceGrid";
import { isExpected } from "../parts/why/expected";
import { WhyPanel } from "../parts/why/WhyPanel";

/** One deployment: its way from the push to serving, the new release against the old, and what can be done about it. */
export default function AppDeployment() {
  const { team, app, id } = useParams({ from: "/shell/apps/$team/$app/deploys/$id" });
  const deployment = useQuery(deploymentQuery(team, app, id));
  const timeline = useQuery(timelineQuery(team, app, id));
  const status = useStatus(team, app);
  const d = deployment.data;
  const under = d !== undefined && !ended(d);
  const metrics = useMetrics(team, app, d !== undefined && d.slot !== d.from);
  // Long before the deployment gives up, the chain says what keeps its instances from being healthy.
  const why = useQuery({ ...whyQuery(team, app), enabled: under });

  if (!d)
    return deployment.error ? (
      <ErrorBanner error={deployment.error} onRetry={() => void deployment.refetch()} />
    ) : (
      <Skeleton lines={6} />
    );
  const walks = d.slot !== d.from;
  const step = d.steps[d.step];
  return (
    <div className="stack">
      <div className="between">
        <h2 className="row">
          <Link to="/apps/$team/$app/deploys" params={{ team, app }}>
            Deployments
          </Link>
          <span aria-hidden="true" className="faint">
            /
          </span>
          {titleOf(d)}
          <StatusBadge kind="deployment" word={d.status} />
        </h2>
        <Controls deployment={d} />
      </div>
      {under ? (
        <DeploymentStrip deployment={d} link={false} />
      ) : (
        d.reason && (
          <Banner
            tone={d.status === "failed" ? "bad" : d.status === "healthy" ? "good" : "warn"}
            title={<Prose>{capital(d.reason)}</Prose>}
          />
        )
      )}
      {metrics.data && walks && step?.share !== undefined && under && (
        <CanaryPanel deployment={d} metrics={metrics.data} />
      )}
      <div className={css.columns}>
        <div>
          {under && why.data && !isExpected(why.data.cause) && <WhyPanel why={why.data} />}
          <Panel title="Timeline" icon={clockIcon}>
            {timeline.data ? (
              <Timeline timeline={timeline.data} />
            ) : timeline.error ? (
              <ErrorBanner error={timeline.error} />
            ) : (
              <Skeleton lines={5} />
            )}
          </Panel>
        </div>
        <div>
          {under && status.data && (
            <Panel title="Instances" icon={layersIcon}>
              <InstanceGrid status={status.data} team={team} app={app} routed={routedOf(metrics.data)} />
            </Panel>
          )}
          <Panel title="Deployment" icon={infoIcon}>
            <KeyValue
              items={[
                ["Id", <Mono key="id">{d.id}</Mono>],
                [
                  "Release",
                  d.previous > 0 && d.previous !== d.release ? `${d.release}, after ${d.previous}` : `${d.release}`,
                ],
                ["Slots", walks ? (d.from ? `${d.from} to ${d.slot}` : d.slot) : `${d.slot}, in place`],
                ["Asked for", d.cause],
                ...(d.why ? ([["Walks for", <code key="why">{d.why}</code>]] as [string, React.ReactNode][]) : []),
                ["Made", <Time key="made" at={d.created_at} />],
                ...(d.ended_at
                  ? ([["Ended", <Time key="ended" at={d.ended_at} />]] as [string, React.ReactNode][])
                  : []),
                [
                  "Wanted",
                  Object.entries(d.wanted)
                    .map(([p, n]) => `${n} ${p}`)
                    .join(", ") || "none",
                ],
              ]}
            />
          </Panel>
        </div>
      </div>
      {metrics.data && walks && d.previous > 0 && !(step?.share !== undefined && under) && (
        <CanaryPanel deployment={d} metrics={metrics.data} />
      )}
    </div>
  );
}
