import css from "./Instance.module.css";

/** How much of a limit is used. Near and over it the bar changes its colour; the numbers say it as well. */
export function Meter({ value, limit, unit, label }: { value: number; limit: number; unit: string; label: string }) {
  const share = limit > 0 ? value / limit : 0;
  return (
    <div className={css.meter} title={limit > 0 ? `${label}: ${Math.round(share * 100)} % of its limit` : label}>
      <span className={css.meterText}>
        {Math.round(value).toLocaleString()}{" "}
        <span className="faint">{limit > 0 ? `of ${limit.toLocaleString()} ${unit}` : unit}</span>
      </span>
      {limit > 0 && (
        <span className={css.track} aria-hidden="true">
          <span
            style={{ width: `${Math.min(100, share * 100)}%` }}
            data-full={share >= 1 ? "over" : share >= 0.85 ? "near" : undefined}
          />
        </span>
      )}
    </div>
  );
}
