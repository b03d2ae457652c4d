import { useNavigate, useRouterState } from "@tanstack/react-router";
import { cx } from "../kit/cx";
import { Icon } from "../kit/Icon";
import { chevronDownIcon, folderUsersIcon, settingsIcon } from "../kit/icons";
import { Menu, type MenuItem } from "../kit/Menu";
import css from "./Shell.module.css";
import { rememberTeam, useTeam, useTeamNames } from "./team";

/** Which team the lists are of. It is in the address too, so that a link shows the same. */
export function TeamSwitch() {
  const team = useTeam();
  const teams = useTeamNames();
  const navigate = useNavigate();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const go = (to: string) => {
    rememberTeam(to);
    const list = path.startsWith("/services") ? "/services" : path === "/activity" ? "/activity" : "/apps";
    void navigate({ to: list, search: { team: to } });
  };
  const items: MenuItem[] = [
    { heading: "Teams" },
    { label: "All teams", checked: team === "*", onSelect: () => go("*") },
    ...teams.map((t): MenuItem => ({ label: t, key: `team ${t}`, checked: t === team, onSelect: () => go(t) })),
    "line",
    {
      label: team === "*" ? "Teams" : `Members of ${team}`,
      icon: settingsIcon,
      onSelect: () =>
        void (team === "*" ? navigate({ to: "/teams" }) : navigate({ to: "/teams/$team", params: { team } })),
    },
  ];
  return (
    <Menu
      label="Teams"
      items={items}
      trigger={
        <button
          type="button"
          className={cx(css.barButton, css.outlined)}
          aria-label={`Team: ${team === "*" ? "all teams" : team}. Switch`}
        >
          <Icon of={folderUsersIcon} />
          <span className="cut">{team === "*" ? "All teams" : team}</span>
          <Icon of={chevronDownIcon} />
        </button>
      }
    />
  );
}
