import { useMemo } from "react";
import type { Schemas } from "../../api/client";
import { Chart } from "../../kit/Chart";
import { barChartIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { latencyText, percentText, rateText, totalsOf } from "../app/numbers";
import css from "./Deployment.module.css";
import { linesOf, sidesOf } from "./traffic";

/** The new release against the old one, as the routers count them: what a person looks at before promoting. */
export function CanaryPanel({
  deployment: d,
  metrics,
}: {
  deployment: Schemas["Deployment"];
  metrics: Schemas["Metrics"];
}) {
  const sides = useMemo(() => sidesOf(metrics.items ?? [], d), [metrics, d]);
  const lines = useMemo(() => linesOf(sides), [sides]);
  const share = d.steps[d.step]?.share;
  const two = d.previous > 0;
  return (
    <Panel title={two ? "New against old" : "Traffic of the release"} icon={barChartIcon}>
      <div className="stack-l">
        {two && share !== undefined && !["healthy", "failed", "reverted", "canceled"].includes(d.status) && (
          <div
            className={css.share}
            role="img"
            aria-label={`${share} % of requests to release ${d.release}, ${100 - share} % to release ${d.previous}`}
          >
            {share > 0 && (
              <span data-side="new" style={{ width: `${share}%` }}>
                {share} %
              </span>
            )}
            {share < 100 && (
              <span data-side="old" style={{ width: `${100 - share}%` }}>
                {100 - share} %
              </span>
            )}
          </div>
        )}
        <div className={two ? css.sides : undefined}>
          <Side name={`Release ${d.release}`} side="new" metrics={metrics} of={(m) => sides.fresh.includes(m)} />
          {two && (
            <Side
              name={d.previous === d.release ? "Before" : `Release ${d.previous}`}
              side="old"
              metrics={metrics}
              of={(m) => sides.stale.includes(m)}
            />
          )}
        </div>
        {lines.times.length > 1 ? (
          <div className={css.charts}>
            <div>
              <h3>Errors</h3>
              <Chart
                label={`Share of requests answered with 5xx, release ${d.release} against ${d.previous}`}
                times={lines.times}
                series={series(d, lines.errors, two)}
                unit={(v) => `${+(v * 100).toFixed(v < 0.01 ? 2 : 1)} %`}
                height={160}
              />
            </div>
            <div>
              <h3>Mean time of a request</h3>
              <Chart
                label={`Mean time of a request, release ${d.release} against ${d.previous}`}
                times={lines.times}
                series={series(d, lines.latency, two)}
                unit={latencyText}
                height={160}
              />
            </div>
          </div>
        ) : lines.times.length === 1 ? null : (
          <p className="faint">No requests were counted within the last ten minutes.</p>
        )}
      </div>
    </Panel>
  );
}

const series = (d: Schemas["Deployment"], of: { fresh: (number | null)[]; stale: (number | null)[] }, two: boolean) => [
  { label: `Release ${d.release}`, values: of.fresh, tone: "highlight" as const },
  ...(two
    ? [
        {
          label: d.previous === d.release ? "Before" : `Release ${d.previous}`,
          values: of.stale,
          tone: "neutral" as const,
          dashed: true,
        },
      ]
    : []),
];

function Side({
  name,
  side,
  metrics,
  of,
}: {
  name: string;
  side: "new" | "old";
  metrics: Schemas["Metrics"];
  of: (m: Schemas["Metric"]) => boolean;
}) {
  const t = totalsOf(metrics, "5m", of);
  return (
    <div className={css.side}>
      <h3>
        <span className={css.swatch} data-side={side} aria-hidden="true" />
        {name} <span className="faint small">{side === "new" ? "new" : "old"}, last 5 minutes</span>
      </h3>
      <dl>
        <div>
          <dt>Requests</dt>
          <dd>{t.requests.toLocaleString("en")}</dd>
        </div>
        <div>
          <dt>A second</dt>
          <dd>{rateText(t.perSecond)}</dd>
        </div>
        <div>
          <dt>Errors</dt>
          <dd data-bad={t.errorShare >= 0.01}>{t.requests ? percentText(t.errorShare) : "–"}</dd>
        </div>
        <div>
          <dt>Mean time</dt>
          <dd>{t.requests ? latencyText(t.meanMs) : "–"}</dd>
        </div>
      </dl>
    </div>
  );
}
