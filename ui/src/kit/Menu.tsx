import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";
import { Icon } from "./Icon";
import { checkIcon, type IconShape } from "./icons";
import css from "./Menu.module.css";

export type MenuItem =
  | "line"
  | { heading: string }
  | {
      label: ReactNode;
      key?: string;
      icon?: IconShape;
      hint?: ReactNode;
      bad?: boolean;
      disabled?: boolean;
      checked?: boolean;
      onSelect: () => void;
    };

/** A menu below a button: `trigger` is the button. Arrow keys, typing and Escape work. */
export function Menu({
  trigger,
  items,
  align = "start",
  label,
}: {
  trigger: ReactNode;
  items: MenuItem[];
  align?: "start" | "end";
  label?: string;
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={css.menu} align={align} sideOffset={4} collisionPadding={8} aria-label={label}>
          {items.map((item, i) => {
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have nothing else
            if (item === "line") return <Radix.Separator key={i} className={css.line} />;
            if ("heading" in item)
              return (
                <Radix.Label key={item.heading} className={css.head}>
                  {item.heading}
                </Radix.Label>
              );
            return (
              <Radix.Item
                key={item.key ?? String(item.label)}
                className={cx(css.item, item.bad && css.bad)}
                disabled={item.disabled}
                onSelect={item.onSelect}
              >
                {item.icon && <Icon of={item.icon} />}
                <span className="cut">{item.label}</span>
                {item.hint && <span className={css.hint}>{item.hint}</span>}
                {item.checked && <Icon of={checkIcon} label="chosen" />}
              </Radix.Item>
            );
          })}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
