import { lazy, Suspense } from "react";
import css from "./Chart.module.css";

export type Series = {
  label: string;
  values: (number | null)[];
  tone?: "info" | "good" | "bad" | "warn" | "highlight" | "neutral";
  dashed?: boolean;
};
export type ChartProps = {
  label: string;
  times: number[]; // seconds since 1970, rising
  series: Series[];
  height?: number;
  unit?: (value: number) => string;
};

const Plot = lazy(() => import("./Plot"));

/** Lines over time. It is drawn when its code has come; the numbers are there as a table, for screen readers and to read exactly. */
export function Chart(props: ChartProps) {
  const { label, times, series, height = 180, unit = String } = props;
  return (
    <figure className={css.chart}>
      <Suspense fallback={<div className={css.space} />}>
        <Plot {...props} height={height} />
      </Suspense>
      <figcaption className={css.legend}>
        <span className="hidden">{label}</span>
        {series.map((s) => (
          <span key={s.label} className={css.key}>
            <span className={css[s.tone ?? "info"]} data-dashed={s.dashed} aria-hidden="true" />
            {s.label}
          </span>
        ))}
      </figcaption>
      <details className={css.numbers}>
        <summary>Numbers</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {series.map((s) => (
                <th key={s.label} scope="col">
                  {s.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.slice(-60).map((t, i, shown) => (
              <tr key={t}>
                <th scope="row">{new Date(t * 1000).toLocaleTimeString(undefined, { hourCycle: "h23" })}</th>
                {series.map((s) => {
                  const v = s.values[times.length - shown.length + i];
                  return <td key={s.label}>{v == null ? "–" : unit(v)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
