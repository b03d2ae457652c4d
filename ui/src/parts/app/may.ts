import { useSelf } from "../../api/queries";
import { atLeast, type Role, roleIn, type Self } from "../../api/self";

/** Why somebody may not do what takes a role in a team; "" if they may. The server decides: this only spares a refusal. */
export function refusal(self: Self | undefined, team: string, role: Role): string {
  if (!self || atLeast(self, team, role)) return "";
  const now = roleIn(self, team);
  return `This takes the role ${role} in team ${team}; ${now ? `you are a ${now} there` : "you have no role there"}. A maintainer of the team can give it to you.`;
}

export const useRefusal = (team: string, role: Role = "developer") => refusal(useSelf().data, team, role);
