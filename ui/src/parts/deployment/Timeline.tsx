import { useEffect, useState } from "react";
import type { Schemas } from "../../api/client";
import { Icon } from "../../kit/Icon";
import {
  arrowRightIcon,
  checkCircleFillIcon,
  dotHalfIcon,
  historyIcon,
  type IconShape,
  pauseCircleIcon,
  xCircleFillIcon,
} from "../../kit/icons";
import { capital, Prose } from "../../kit/Prose";
import { absoluteTime, duration } from "../../kit/Time";
import css from "./Deployment.module.css";
import { drawn, type Milestone, tookText } from "./milestones";

function iconOf(m: Milestone): IconShape {
  if (m.state === "failed") return m.kind === "turned" ? historyIcon : xCircleFillIcon;
  if (m.kind === "held") return pauseCircleIcon;
  if (m.state === "current") return dotHalfIcon;
  return m.kind === "step" ? arrowRightIcon : checkCircleFillIcon;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The way of a deployment from the push to serving, with the time of each step. While it is under way it grows. */
export function Timeline({ timeline }: { timeline: Schemas["Timeline"] }) {
  const under = timeline.items.some((m) => m.state === "ahead" || m.state === "current");
  const now = useNow(under, timeline.at);
  const { rows, lastMs } = drawn(timeline.items, now);
  return (
    <div>
      <ol
        className={css.timeline}
        aria-label={`From the push of release ${timeline.release} to serving`}
        aria-live="polite"
        aria-relevant="additions"
      >
        {rows.map((m, i) => {
          const held = m.kind === "held" && m.state !== "ahead";
          return (
            <li
              key={`${m.kind} ${i}`}
              className={css.row}
              data-state={held && m.state !== "failed" ? "held" : m.state}
              aria-current={m.state === "current" ? "step" : undefined}
            >
              <span className={css.dot}>
                {m.state === "ahead" ? (
                  <span className={css.ring} role="img" aria-label="ahead" />
                ) : (
                  <Icon
                    of={iconOf(m)}
                    label={m.state === "failed" ? "failed" : m.state === "current" ? "now" : "done"}
                  />
                )}
              </span>
              <span className={css.what}>
                <Prose>{capital(m.text)}</Prose>
                {m.by && <span className={css.by}> · {m.by}</span>}
              </span>
              <span className={css.bar} aria-hidden="true">
                {m.at && !m.first && (
                  <span style={{ left: `${m.from * 100}%`, width: `${Math.max(0, m.to - m.from) * 100}%` }} />
                )}
                {m.state === "current" && <span className={css.growing} style={{ left: `${m.to * 100}%`, right: 0 }} />}
              </span>
              <span className={css.took}>
                {m.state === "current" && m.at && now
                  ? `for ${duration(Math.max(0, now - Date.parse(m.at)))}`
                  : tookText(m.took_ms)}
              </span>
              <span className={css.clock} title={m.at ? absoluteTime(m.at) : undefined}>
                {m.at ? clock.format(new Date(m.at)) : ""}
              </span>
            </li>
          );
        })}
      </ol>
      {rows.length > 0 && (
        <p className={css.total}>
          <span className="faint">{under ? "So far" : "In all"}</span>
          <span className="strong num">{duration(lastMs)}</span>
        </p>
      )}
    </div>
  );
}

/** The server's time now, each second while something is under way: its answer's clock, moved on by ours. */
function useNow(on: boolean, at: string): number | undefined {
  const [now, setNow] = useState<number>();
  useEffect(() => {
    if (!on) return setNow(undefined);
    const ahead = Date.parse(at) - Date.now();
    const tick = () => setNow(Date.now() + ahead);
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [on, at]);
  return now;
}
