// The identity of the caller and its teams, as the pages use them.
export type Role = "viewer" | "developer" | "maintainer";

/** wire.Self. `roles` has none for an admin of the platform, who may do everything in every team. */
export type Self = {
  user: string;
  kind: "person" | "bot" | "operator";
  admin: boolean;
  full_name?: string;
  email?: string;
  provider?: string;
  roles: Record<string, Role> | null;
  session?: string;
};

/** wire.Team, as far as lists need it. */
export type TeamSummary = { name: string; description: string; role?: Role | "admin" };

/** The role in a team; "" for none. Admins count as maintainers everywhere. */
export function roleIn(self: Self | undefined, team: string): Role | "" {
  if (!self) return "";
  return self.admin ? "maintainer" : (self.roles?.[team] ?? "");
}

const order: (Role | "")[] = ["", "viewer", "developer", "maintainer"];

/** Whether the caller has at least this role: what a page greys out. The server decides, the page only does not tempt. */
export const atLeast = (self: Self | undefined, team: string, role: Role) =>
  order.indexOf(roleIn(self, team)) >= order.indexOf(role);
