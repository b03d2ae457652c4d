import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Self } from "../api/self";
import { Icon } from "../kit/Icon";
import {
  chevronDownIcon,
  monitorIcon,
  moonIcon,
  redirectIcon,
  sunIcon,
  tokenIcon,
  userCircleIcon,
  usersIcon,
} from "../kit/icons";
import { Menu, type MenuItem } from "../kit/Menu";
import css from "./Shell.module.css";
import { setTheme, type Theme, theme } from "./theme";

/** The caller's own things: tokens, theme, the way out. */
export function UserMenu({ self, onSignOut }: { self: Self | undefined; onSignOut: () => void }) {
  const navigate = useNavigate();
  const [now, setNow] = useState<Theme>(theme);
  const choose = (to: Theme) => {
    setTheme(to);
    setNow(to);
  };
  const items: MenuItem[] = [
    { heading: self ? `Signed in as ${self.user}` : "Not signed in" },
    { label: "Tokens and sessions", icon: tokenIcon, onSelect: () => void navigate({ to: "/tokens" }) },
    ...(self?.admin
      ? [{ label: "Users", icon: usersIcon, onSelect: () => void navigate({ to: "/users" }) } satisfies MenuItem]
      : []),
    "line",
    { heading: "Theme" },
    { label: "As the system", icon: monitorIcon, checked: now === "system", onSelect: () => choose("system") },
    { label: "Light", icon: sunIcon, checked: now === "light", onSelect: () => choose("light") },
    { label: "Dark", icon: moonIcon, checked: now === "dark", onSelect: () => choose("dark") },
    "line",
    { label: "Sign out", icon: redirectIcon, onSelect: onSignOut },
  ];
  return (
    <Menu
      label="You"
      align="end"
      items={items}
      trigger={
        <button type="button" className={css.barButton} aria-label={`You: ${self?.user ?? "not signed in"}`}>
          <Icon of={userCircleIcon} />
          <span className={`cut ${css.userName}`}>{self?.user}</span>
          <Icon of={chevronDownIcon} />
        </button>
      }
    />
  );
}
