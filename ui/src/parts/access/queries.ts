// Teams, users, tokens and sessions. What the caller changes is asked for again at once, and so is what others change
// about teams and users: see live.tsx. UNTOLD is what no event tells of, such as the last sign-in of each.
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";
import { UNTOLD } from "../../api/query";

export const teamQuery = (team: string) =>
  queryOptions({
    queryKey: keys.team(team),
    queryFn: ({ signal }) => data(api.GET("/v1/teams/{team}", { params: { path: { team } }, signal })),
  });

export const membersQuery = (team: string) =>
  queryOptions({
    ...UNTOLD,
    queryKey: [...keys.team(team), "members"],
    queryFn: async ({ signal }) =>
      (await data(api.GET("/v1/teams/{team}/members", { params: { path: { team } }, signal }))).items,
  });

export const hostsQuery = (team: string) =>
  queryOptions({
    queryKey: [...keys.team(team), "hosts"],
    queryFn: async ({ signal }) => (await data(api.GET("/v1/hosts", { params: { query: { team } }, signal }))).items,
  });

export const usersQuery = queryOptions({
  ...UNTOLD,
  queryKey: keys.users,
  queryFn: async ({ signal }) => (await data(api.GET("/v1/users", { signal }))).items,
});

/** The tokens of the caller, or of a bot. */
export const tokensQuery = (owner = "") =>
  queryOptions({
    ...UNTOLD,
    queryKey: [...keys.tokens, owner],
    queryFn: async ({ signal }) =>
      (await data(api.GET("/v1/tokens", { params: { query: owner ? { owner } : {} }, signal }))).items,
  });

export const sessionsQuery = queryOptions({
  ...UNTOLD,
  queryKey: [...keys.tokens, "sessions"],
  queryFn: async ({ signal }) => (await data(api.GET("/v1/sessions", { signal }))).items,
});

/** Asks again for what a change of a team may have changed. */
export function teamChanged(queries: QueryClient, team: string) {
  void queries.invalidateQueries({ queryKey: keys.team(team) });
  void queries.invalidateQueries({ queryKey: keys.teams });
  void queries.invalidateQueries({ queryKey: keys.self });
}
