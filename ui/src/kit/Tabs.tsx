import { Link, type LinkProps, useRouterState } from "@tanstack/react-router";
import { Tabs as Radix } from "radix-ui";
import { type ReactNode, useEffect, useRef } from "react";
import css from "./Tabs.module.css";

export type NavTab = { label: ReactNode; count?: number; exact?: boolean } & Pick<
  LinkProps,
  "to" | "params" | "search"
>;

/** Tabs that are pages with addresses: a navigation, not a tab list. */
export function NavTabs({ tabs, label }: { tabs: NavTab[]; label: string }) {
  // Where they do not all fit, the one that is chosen is in sight.
  const nav = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (s) => s.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it acts when the path changes
  useEffect(() => {
    const box = nav.current;
    if (!box) return;
    const show = () => {
      const on = box.querySelector<HTMLElement>('[aria-current="page"]');
      if (on) box.scrollLeft = on.offsetLeft - (box.clientWidth - on.offsetWidth) / 2;
    };
    const sizes = new ResizeObserver(show); // tells of the first size too
    sizes.observe(box);
    return () => sizes.disconnect();
  }, [path]);
  return (
    <nav ref={nav} className={css.tabs} aria-label={label}>
      {tabs.map(({ label: text, count, exact, ...link }) => (
        <Link
          key={String(link.to)}
          {...(link as LinkProps)}
          className={css.tab}
          activeOptions={{ exact: exact ?? false }}
        >
          {text}
          {count !== undefined && <span className={css.count}>{count}</span>}
        </Link>
      ))}
    </nav>
  );
}

export type Tab = { id: string; label: ReactNode; count?: number; content: ReactNode };

/** Tabs within a page. */
export function Tabs({
  tabs,
  label,
  value,
  onChange,
}: {
  tabs: Tab[];
  label: string;
  value?: string;
  onChange?: (id: string) => void;
}) {
  return (
    <Radix.Root defaultValue={tabs[0]?.id} value={value} onValueChange={onChange}>
      <Radix.List className={css.tabs} aria-label={label}>
        {tabs.map((t) => (
          <Radix.Trigger key={t.id} value={t.id} className={css.tab}>
            {t.label}
            {t.count !== undefined && <span className={css.count}>{t.count}</span>}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((t) => (
        <Radix.Content key={t.id} value={t.id} className={css.panel}>
          {t.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
