// One hook per noun. Pages with questions of their own put them beside themselves, with a key from keys.ts.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, data } from "./client";
import { keys } from "./keys";

export const selfQuery = queryOptions({
  queryKey: keys.self,
  queryFn: ({ signal }) => data(api.GET("/v1/self", { signal })),
});

/** Who is signed in, and what they may. */
export const useSelf = () => useQuery(selfQuery);

export const teamsQuery = queryOptions({
  queryKey: keys.teams,
  queryFn: async ({ signal }) => (await data(api.GET("/v1/teams", { signal }))).items,
});

/** The teams the caller may see. */
export const useTeams = () => useQuery(teamsQuery);

export const statusQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "status"),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/apps/{app}/status", { params: { path: { app }, query: { team } }, signal })),
  });

/** How an app is, in full. */
export const useStatus = (team: string, app: string) => useQuery(statusQuery(team, app));

export const appQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "line"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}", { params: { path: { app }, query: { team } }, signal })),
  });

/** An app in one line. */
export const useApp = (team: string, app: string) => useQuery(appQuery(team, app));
