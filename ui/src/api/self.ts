// The identity of the caller and its teams, as the pages use them.
import type { Schemas } from "./client";

export type Role = "viewer" | "developer" | "maintainer";

export type Self = Schemas["Self"];

/** The role in a team; "" for none. Admins count as maintainers everywhere. */
export function roleIn(self: Self | undefined, team: string): Role | "" {
  if (!self) return "";
  return self.admin ? "maintainer" : ((self.roles[team] ?? "") as Role | "");
}

const order: (Role | "")[] = ["", "viewer", "developer", "maintainer"];

/** Whether the caller has at least this role: what a page greys out. The server decides, the page only does not tempt. */
export const atLeast = (self: Self | undefined, team: string, role: Role) =>
  order.indexOf(roleIn(self, team)) >= order.indexOf(role);
