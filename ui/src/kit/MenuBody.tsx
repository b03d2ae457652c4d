import { DropdownMenu as Radix } from "radix-ui";
import { cx } from "./cx";
import { Icon } from "./Icon";
import { checkIcon } from "./icons";
import type { MenuProps } from "./Menu";
import css from "./Menu.module.css";

/** The menu itself. It is loaded when a menu is about to be opened: see Menu. */
export default function MenuBody({
  trigger,
  items,
  align = "start",
  label,
  open,
  onOpenChange,
}: MenuProps & { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Radix.Root modal={false} open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={css.menu} align={align} sideOffset={4} collisionPadding={8} aria-label={label}>
          {items.map((item, i) => {
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
                <span className={`cut ${css.label}`}>{item.label}</span>
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
