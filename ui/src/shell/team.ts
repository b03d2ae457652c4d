import { useParams, useSearch } from "@tanstack/react-router";
import { useSelf, useTeams } from "../api/queries";

const KEY = "crumpet-team";

/** Keeps the team for the next visit. "*" stands for all. */
export function rememberTeam(team: string) {
  try {
    localStorage.setItem(KEY, team);
  } catch {
    // no storage: only the address says it
  }
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** The team the page is about: of the address, else that of the last visit, else all the caller may see. */
export function useTeam(): string {
  const params = useParams({ strict: false });
  const search = useSearch({ strict: false });
  return params.team ?? search.team ?? (remembered() || "*");
}

/** The names of the teams the caller may see, in order. */
export function useTeamNames(): string[] {
  const { data: teams } = useTeams();
  const { data: self } = useSelf();
  return (teams ? teams.map((t) => t.name) : Object.keys(self?.roles ?? {})).sort();
}
