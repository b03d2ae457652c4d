import type { ReactNode } from "react";
import { Icon } from "./Icon";
import type { IconShape } from "./icons";
import css from "./Panel.module.css";

/** Says why there is nothing, and what to do about it. */
export function EmptyState({
  icon,
  title,
  children,
  actions,
}: {
  icon?: IconShape;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      {icon && <Icon of={icon} size={32} />}
      <h2>{title}</h2>
      {typeof children === "string" ? <p>{children}</p> : children}
      {actions && <div className={css.emptyActions}>{actions}</div>}
    </div>
  );
}
