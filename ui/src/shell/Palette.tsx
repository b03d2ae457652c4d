import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useDeferredValue, useId, useState } from "react";
import { call } from "../api/client";
import { keys } from "../api/keys";
import { useSelf } from "../api/queries";
import { Dialog } from "../kit/Dialog";
import { SearchInput } from "../kit/Field";
import { Icon } from "../kit/Icon";
import {
  activityIcon,
  boxIcon,
  dashboardIcon,
  folderUsersIcon,
  helpIcon,
  type IconShape,
  moonIcon,
  plusIcon,
  redirectIcon,
  serviceIcon,
  sunIcon,
  tokenIcon,
  usersIcon,
} from "../kit/icons";
import css from "./Shell.module.css";
import { setTheme } from "./theme";

type Entry = { id: string; label: string; where: string; icon: IconShape; go: () => void };

/** Ctrl-K: apps, pages and actions by name, with the keyboard alone. */
export default function Palette({
  onClose,
  onKeys,
  onSignOut,
}: {
  onClose: () => void;
  onKeys: () => void;
  onSignOut: () => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const asked = useDeferredValue(text.trim().toLowerCase());
  const list = useId();
  const navigate = useNavigate();
  const { data: self } = useSelf();
  const { data: found } = useQuery({
    queryKey: [...keys.apps("*"), "find", asked],
    queryFn: ({ signal }) =>
      call<{ items: { team: string; app: string }[] }>(
        "GET",
        `/v1/apps?team=*&limit=20&q=${encodeURIComponent(asked)}`,
        { signal },
      ),
    placeholderData: (before) => before,
  });
  const pages: Entry[] = [
    { id: "apps", label: "Apps", where: "Page", icon: dashboardIcon, go: () => void navigate({ to: "/apps" }) },
    { id: "new", label: "New app", where: "Action", icon: plusIcon, go: () => void navigate({ to: "/apps/new" }) },
    {
      id: "services",
      label: "Services",
      where: "Page",
      icon: serviceIcon,
      go: () => void navigate({ to: "/services" }),
    },
    {
      id: "activity",
      label: "Activity",
      where: "Page",
      icon: activityIcon,
      go: () => void navigate({ to: "/activity" }),
    },
    { id: "teams", label: "Teams", where: "Page", icon: folderUsersIcon, go: () => void navigate({ to: "/teams" }) },
    {
      id: "tokens",
      label: "Tokens and sessions",
      where: "Page",
      icon: tokenIcon,
      go: () => void navigate({ to: "/tokens" }),
    },
    ...(self?.admin
      ? [
          { id: "users", label: "Users", where: "Page", icon: usersIcon, go: () => void navigate({ to: "/users" }) },
          {
            id: "platform",
            label: "Platform",
            where: "Page",
            icon: dashboardIcon,
            go: () => void navigate({ to: "/platform" }),
          },
        ]
      : []),
    { id: "light", label: "Light theme", where: "Action", icon: sunIcon, go: () => setTheme("light") },
    { id: "dark", label: "Dark theme", where: "Action", icon: moonIcon, go: () => setTheme("dark") },
    { id: "keys", label: "Keyboard shortcuts", where: "Action", icon: helpIcon, go: onKeys },
    { id: "out", label: "Sign out", where: "Action", icon: redirectIcon, go: onSignOut },
  ];
  const apps = (found?.items ?? [])
    .filter((a) => `${a.team}/${a.app}`.includes(asked))
    .slice(0, 12)
    .map(
      (a): Entry => ({
        id: `${a.team}/${a.app}`,
        label: a.app,
        where: a.team,
        icon: boxIcon,
        go: () => void navigate({ to: "/apps/$team/$app", params: { team: a.team, app: a.app } }),
      }),
    );
  const shown = [
    ...(asked ? apps : []),
    ...pages.filter((p) => p.label.toLowerCase().includes(asked)),
    ...(asked ? [] : apps),
  ];
  const chosen = Math.min(at, shown.length - 1);

  const take = (e: Entry | undefined) => {
    if (!e) return;
    onClose();
    e.go();
  };
  const key = (e: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const by = moves[e.key];
    if (by !== undefined) {
      e.preventDefault();
      const next = (chosen + by + shown.length) % shown.length;
      setAt(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (e.key === "Enter") {
      e.preventDefault();
      take(shown[chosen]);
    }
  };
  return (
    <Dialog open onClose={onClose} title="Go to">
      <div className={css.palette}>
        <SearchInput
          label="Apps, pages and actions"
          value={text}
          onChange={(e) => {
            setText(e.target.value);
            setAt(0);
          }}
          onKeyDown={key}
          role="combobox"
          aria-expanded
          aria-controls={list}
          aria-activedescendant={shown.length > 0 ? `${list}-${chosen}` : undefined}
          autoFocus
        />
        <div id={list} role="listbox" aria-label="Found" className={css.results}>
          {shown.map((e, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's
            <div
              key={e.id}
              id={`${list}-${i}`}
              role="option"
              aria-selected={i === chosen}
              className={css.option}
              onClick={() => take(e)}
              onPointerMove={() => setAt(i)}
            >
              <Icon of={e.icon} />
              <span className="cut">{e.label}</span>
              <span className={css.where}>{e.where}</span>
            </div>
          ))}
        </div>
        {shown.length === 0 && <p className="faint">Nothing has “{text}” in its name.</p>}
      </div>
    </Dialog>
  );
}
