import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, data } from "../api/client";
import { keys } from "../api/keys";
import { useLiveChanges } from "../api/live";
import { useSelf } from "../api/queries";
import { Badge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { CliHint } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { barChartIcon, layersIcon, lockIcon, networkIcon, serverClusterIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Time } from "../kit/Time";
import { cli } from "../parts/app/cli";
import { Backends, Routers, Servers } from "../parts/platform/Backends";
import { Bar } from "../parts/platform/Bar";
import { megabytes, megahertz, totals } from "../parts/platform/capacity";
import { DriftPanel } from "../parts/platform/DriftPanel";
import { FindingsPanel } from "../parts/platform/FindingsPanel";
import { Count, NodePanel } from "../parts/platform/NodePanel";
import css from "../parts/platform/Platform.module.css";

const platformQuery = queryOptions({
  queryKey: keys.platform("overview"),
  queryFn: ({ signal }) => data(api.GET("/v1/platform", { signal })),
});

/** How the machinery under all apps is, and what to do about it. */
export default function Platform() {
  const { data: self } = useSelf();
  const may = self?.admin ?? false;
  const { data: of, error, refetch } = useQuery({ ...platformQuery, enabled: may });
  // An app that changes has its instances on other nodes, perhaps.
  const queries = useQueryClient();
  useLiveChanges(useCallback(() => void queries.invalidateQueries({ queryKey: keys.platform("overview") }), [queries]));
  const refused = may ? "" : "This is for admins of the platform.";
  if (self && !may)
    return (
      <div className="stack-l">
        <PageHeader title="Platform" />
        <EmptyState icon={lockIcon} title="For admins of the platform">
          What runs under the apps is looked after by the people who run the cluster. One of them can make you an admin.
        </EmptyState>
      </div>
    );
  const sum = totals(of?.nodes ?? []);
  const troubled = of?.backends.filter((b) => !b.ok).length ?? 0;
  return (
    <div className="stack-l">
      <PageHeader
        title="Platform"
        after={
          of && (
            <Badge tone={troubled > 0 ? "bad" : "good"}>{troubled > 0 ? `${troubled} in trouble` : "All answer"}</Badge>
          )
        }
        lead={
          of && (
            <>
              Crumpet {of.version}, as it was <Time at={of.at} />
            </>
          )
        }
      />
      {error && <ErrorBanner error={error} onRetry={() => void refetch()} />}
      <Panel title="What it stands on" icon={layersIcon} flush>
        {of ? <Backends backends={of.backends} /> : <Skeleton lines={4} />}
      </Panel>
      {may && <FindingsPanel />}
      <Panel
        title="Capacity"
        icon={barChartIcon}
        actions={of && <Count n={sum.instances} one="instance" many="instances" />}
      >
        {of ? (
          <div className="stack">
            <div className={css.wideBars}>
              <Bar label="CPU" of={sum.cpu} say={megahertz} />
              <Bar label="Memory" of={sum.memory} say={megabytes} />
            </div>
            <p className="small faint">
              Of {sum.nodes} {sum.nodes === 1 ? "node that takes" : "nodes that take"} instances
              {sum.nodes < of.nodes.length && `, of ${of.nodes.length} in all`}
              {sum.unknown > 0 && `; Nomad does not say it of ${sum.unknown}`}. What a node keeps for itself is taken
              off.
            </p>
          </div>
        ) : (
          <Skeleton lines={3} />
        )}
      </Panel>
      <section className="stack" aria-labelledby="nodes">
        <h2 id="nodes" className="row">
          Nodes {of && <Count n={of.nodes.length} one="node" many="nodes" />}
        </h2>
        {of?.nodes.length === 0 && (
          <EmptyState icon={serverClusterIcon} title="No node">
            Nomad knows no client. Apps wait until there is one.
          </EmptyState>
        )}
        <div className={css.nodes}>
          {of?.nodes.map((n) => (
            <NodePanel key={n.id} node={n} refused={refused} />
          ))}
        </div>
      </section>
      <Panel title="Routers" icon={networkIcon} flush>
        {of ? <Routers routers={of.routers} /> : <Skeleton lines={2} />}
      </Panel>
      <Panel title="Servers of Crumpet" icon={serverClusterIcon} flush>
        {of ? <Servers servers={of.servers} /> : <Skeleton lines={2} />}
      </Panel>
      {may && <DriftPanel refused={refused} />}
      <CliHint command={cli("default", "nodes")} />
    </div>
  );
}
