import type { ReactNode } from "react";
import { type Kind, statusOf, type Tone } from "../status/status";
import css from "./Badge.module.css";
import { cx } from "./cx";
import { Icon } from "./Icon";
import type { IconShape } from "./icons";

export type BadgeProps = { tone?: Tone; icon?: IconShape; plain?: boolean; title?: string; children: ReactNode };

/** A short word with a tone. Never a tone alone: it has a word, and mostly an icon. */
export function Badge({ tone = "neutral", icon, plain, title, children }: BadgeProps) {
  return (
    <span className={cx(css.badge, css[tone], plain && css.plain)} title={title}>
      {icon && <Icon of={icon} />}
      <span className="cut">{children}</span>
    </span>
  );
}

/** The API's word of a kind of state, with its label, tone and icon from status/status.ts. */
export function StatusBadge({
  kind,
  word,
  plain,
  title,
}: {
  kind: Kind;
  word: string;
  plain?: boolean;
  title?: string;
}) {
  const status = statusOf(kind, word);
  return (
    <Badge tone={status.tone} icon={status.icon} plain={plain} title={title ?? status.means}>
      {status.label}
    </Badge>
  );
}
