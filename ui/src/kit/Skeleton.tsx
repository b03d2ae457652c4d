import { cx } from "./cx";
import css from "./Panel.module.css";

const widths = [css.w100, css.w80, css.w60, css.w40];

/** Where the first value is on its way. Later the last known value stays instead. */
export function Skeleton({ lines = 1 }: { lines?: number }) {
  return (
    <span role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className={cx(css.skeleton, widths[(i * 3 + 1) % 4])} />
      ))}
    </span>
  );
}
