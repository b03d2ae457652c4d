import type { Schemas } from "../../api/client";
import css from "./App.module.css";
import { latencyText, percentText, rateText, takenOf, totalsOf } from "./numbers";

type Props = {
  line: Schemas["App"] | undefined;
  metrics: Schemas["Metrics"] | undefined;
  usage: Schemas["Usage"] | undefined;
};

/** The numbers of an app of the last minute, each once. */
export function AppStats({ line, metrics, usage }: Props) {
  const now = totalsOf(metrics, "1m");
  const taken = takenOf(usage);
  const cells: { name: string; value: string; after?: string; tone?: string; title?: string }[] = [
    {
      name: "Instances",
      value: line ? `${line.healthy}` : "–",
      after: line ? `of ${line.wanted} healthy` : undefined,
      tone: line && line.healthy < line.wanted ? (line.healthy === 0 ? "bad" : "warn") : undefined,
    },
    {
      name: "Requests",
      value: metrics ? rateText(now.perSecond) : "–",
      after: "a second",
      title: "Over the last minute",
    },
    {
      name: "Errors",
      value: metrics ? (now.requests ? percentText(now.errorShare) : "–") : "–",
      after: metrics && !now.requests ? "no requests" : "of requests",
      tone: now.errorShare >= 0.01 ? "bad" : undefined,
      title: "Answered with 5xx, over the last minute",
    },
    {
      name: "Mean time",
      value: metrics && now.requests ? latencyText(now.meanMs) : "–",
      after: "a request",
      title: "Over the last minute",
    },
    {
      name: "CPU",
      value: taken.known ? `${Math.round(taken.cpu).toLocaleString("en")}` : "–",
      after: taken.known ? `of ${taken.cpuLimit.toLocaleString("en")} MHz` : "not measured",
    },
    {
      name: "Memory",
      value: taken.known ? `${Math.round(taken.memory).toLocaleString("en")}` : "–",
      after: taken.known ? `of ${taken.memoryLimit.toLocaleString("en")} MB` : "not measured",
      tone: taken.memoryLimit > 0 && taken.memory / taken.memoryLimit > 0.9 ? "warn" : undefined,
    },
  ];
  return (
    <div className={css.frame}>
      <dl className={css.stats}>
        {cells.map((c) => (
          <div key={c.name} className={css.stat} data-tone={c.tone} title={c.title}>
            <dt>{c.name}</dt>
            <dd>
              {c.value} {c.after && <small>{c.after}</small>}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
