import type { Schemas } from "../../api/client";
import { shareOf } from "./capacity";
import css from "./Platform.module.css";

export type BarProps = { label: string; of: Schemas["Extent"]; say: (n: number) => string; word?: string };

/** What is reserved of what there is: a bar, and the numbers. */
export function Bar({ label, of, say, word = "reserved" }: BarProps) {
  const share = shareOf(of);
  const percent = Math.round(share * 100);
  return (
    <div className={css.bar}>
      <div className={css.barText}>
        <span>{label}</span>
        <span className="num">
          <b>{say(of.reserved)}</b> of {say(of.total)} {word}, {percent} %
        </span>
      </div>
      <div className={css.track} aria-hidden="true">
        <span
          style={{ width: `${Math.min(100, share * 100)}%` }}
          data-full={share >= 0.95 ? "over" : share >= 0.8 ? "near" : undefined}
        />
      </div>
    </div>
  );
}
