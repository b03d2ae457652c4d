import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ChartProps } from "./Chart";

const MINUTE = 60;
const minutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** Points that have no neighbour to draw a line to. */
const lonely = (plot: uPlot, series: number) => {
  const values = plot.data[series] ?? [];
  return [...values.keys()].filter((i) => values[i] != null && values[i - 1] == null && values[i + 1] == null);
};

/** uPlot on a canvas, in the colours of the theme. Loaded by Chart when the first one is shown. */
export default function Plot({ label, times, series, height = 180, unit = String }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const shape = series.map((s) => `${s.label} ${s.tone} ${s.dashed}`).join("|");

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew for other lines; the values follow below
  useEffect(() => {
    const parent = box.current;
    if (!parent) return;
    const draw = () => {
      plot.current?.destroy();
      const style = getComputedStyle(parent);
      const color = (name: string) => style.getPropertyValue(name).trim();
      const axis = {
        stroke: color("--text-faint"),
        grid: { stroke: color("--border-faint"), width: 1 },
        ticks: { show: false },
        font: `12px ${color("--font")}`,
      };
      plot.current = new uPlot(
        {
          width: Math.max(parent.clientWidth, 120),
          height,
          padding: [null, 28, null, null], // the last time is written to its end
          legend: { show: false },
          cursor: { y: false, points: { size: 6 } },
          scales: { y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
          axes: [
            {
              ...axis,
              space: 72,
              values: (_u, splits, _axis, _space, step) =>
                splits.map((at) => (step < MINUTE ? seconds : minutes).format(new Date(at * 1000))),
            },
            { ...axis, size: 56, values: (_u, splits) => splits.map(unit) },
          ],
          series: [
            {},
            ...series.map((s) => ({
              label: s.label,
              stroke: color(`--${s.tone ?? "info"}-solid`),
              width: 2,
              dash: s.dashed ? [5, 4] : undefined,
              points: { show: true, size: 6, filter: lonely },
            })),
          ],
        },
        [times, ...series.map((s) => s.values)],
        parent,
      );
    };
    draw();
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(parent.clientWidth, 120), height }));
    sizes.observe(parent);
    const themes = new MutationObserver(draw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height]);

  useEffect(() => plot.current?.setData([times, ...series.map((s) => s.values)]), [times, series]);

  return <div ref={box} role="img" aria-label={label} />;
}
