import { cloneElement, lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";
import type { IconShape } from "./icons";

export type MenuItem =
  | "line"
  | { heading: string }
  | {
      label: ReactNode;
      key?: string; // when two have one label, or it is no text
      icon?: IconShape;
      hint?: ReactNode;
      bad?: boolean;
      disabled?: boolean;
      checked?: boolean;
      onSelect: () => void;
    };

export type MenuProps = {
  trigger: ReactElement<Record<string, unknown>>; // a button
  items: MenuItem[];
  align?: "start" | "end";
  label?: string;
};

const load = () => import("./MenuBody");
const Body = lazy(load);

/**
 * A menu below a button. Arrow keys, typing and Escape work. What places it is fetched when the button is about to be
 * pressed for the first time: most visits open no menu.
 */
export function Menu(props: MenuProps) {
  const [used, setUsed] = useState(false);
  const [open, setOpen] = useState(false);
  const ready = () => void load().catch(() => {}); // a failure is shown when it is opened
  const show = () => {
    setUsed(true);
    setOpen(true);
  };
  const before = cloneElement(props.trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: ready,
    onFocus: ready,
    onClick: show,
    onKeyDown: (e: KeyboardEvent) => {
      if (e.key !== "ArrowDown") return;
      e.preventDefault();
      show();
    },
  });
  if (!used) return before;
  return (
    <Suspense fallback={before}>
      <Body {...props} open={open} onOpenChange={setOpen} />
    </Suspense>
  );
}
