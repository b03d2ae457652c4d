import { type ReactNode, useId } from "react";
import { cx } from "./cx";
import { Icon } from "./Icon";
import type { IconShape } from "./icons";
import css from "./Panel.module.css";

export type PanelProps = {
  title?: ReactNode;
  icon?: IconShape;
  actions?: ReactNode;
  flush?: boolean;
  children: ReactNode;
};

/** A part of a page. Panels are not put into panels. `flush` is for tables and lists: no padding. */
export function Panel({ title, icon, actions, flush, children }: PanelProps) {
  const id = useId();
  return (
    <section className={css.panel} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className={css.head}>
          <h2 id={id}>
            {icon && <Icon of={icon} />}
            {title}
          </h2>
          {actions}
        </div>
      )}
      <div className={cx(flush ? css.flush : css.body)}>{children}</div>
    </section>
  );
}

/** What belongs together as names and values. */
export function KeyValue({ items }: { items: [name: ReactNode, value: ReactNode][] }) {
  return (
    <dl className={css.kv}>
      {items.map(([name, value], i) => (
        <Pair key={i} name={name} value={value} />
      ))}
    </dl>
  );
}

function Pair({ name, value }: { name: ReactNode; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
