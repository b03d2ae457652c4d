// The identity of the caller and its teams, as the pages use them.
export type Role = "viewer" | "developer" | "maintainer";

export type Self = {
  user: string;
  admin: boolean;
  teams?: { team: string; role: Role }[] | Record<string, Role> | null;
  via?: string;
};

export type TeamSummary = { team: string };

/** The role in a team; "" for none. Admins count as maintainers everywhere. */
export function roleIn(self: Self | undefined, team: string): Role | "" {
  if (!self) return "";
  if (self.admin) return "maintainer";
  if (Array.isArray(self.teams)) return self.teams.find((t) => t.team === team)?.role ?? "";
  return self.teams?.[team] ?? "";
}

const order: (Role | "")[] = ["", "viewer", "developer", "maintainer"];

/** Whether the caller has at least this role: what a page greys out. The server decides, the page only does not tempt. */
export const atLeast = (self: Self | undefined, team: string, role: Role) =>
  order.indexOf(roleIn(self, team)) >= order.indexOf(role);
