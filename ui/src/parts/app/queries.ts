// The questions that the pages of one app ask. Each key begins with keys.app, so that a change of the app asks again.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";

const of = (team: string, app: string) => ({ path: { app }, query: { team } });

export const usageQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "usage"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/usage", { params: of(team, app), signal })),
  });

export const whyQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "why"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/why", { params: of(team, app), signal })),
  });

export const metricsQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "metrics"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/metrics", { params: of(team, app), signal })),
  });

export const deploymentsQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "deployments"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/deployments", { params: of(team, app), signal })),
  });

export const deploymentQuery = (team: string, app: string, id: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "deployment", id),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/apps/{app}/deployments/{id}", { params: { path: { app, id }, query: { team } }, signal })),
  });

export const timelineQuery = (team: string, app: string, id: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "timeline", id),
    queryFn: ({ signal }) =>
      data(
        api.GET("/v1/apps/{app}/deployments/{id}/timeline", { params: { path: { app, id }, query: { team } }, signal }),
      ),
  });

export const releasesQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "releases"),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/apps/{app}/releases", { params: { path: { app }, query: { team, limit: 100 } }, signal })),
  });

export const specQuery = (team: string, app: string, number: number) =>
  queryOptions({
    // Not below keys.app: the text of a release never changes.
    queryKey: ["spec", team, app, number],
    queryFn: ({ signal }) =>
      data(
        api.GET("/v1/apps/{app}/releases/{number}/spec", {
          params: { path: { app, number }, query: { team } },
          signal,
        }),
      ),
  });

export const diffQuery = (team: string, app: string, from: number, to: number) =>
  queryOptions({
    queryKey: ["diff", team, app, from, to],
    queryFn: ({ signal }) =>
      data(api.GET("/v1/apps/{app}/diff", { params: { path: { app }, query: { team, from, to } }, signal })),
  });

export const historyQuery = (team: string, app: string, last: number, kind = "") =>
  queryOptions({
    queryKey: keys.app(team, app, "history", last, kind),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/history", { params: { query: { team, app, last, kind: kind || undefined } }, signal })),
  });

export const useUsage = (team: string, app: string) => useQuery(usageQuery(team, app));
export const useMetrics = (team: string, app: string, enabled = true) =>
  useQuery({ ...metricsQuery(team, app), enabled });
export const useDeployments = (team: string, app: string) => useQuery(deploymentsQuery(team, app));
export const useReleases = (team: string, app: string) => useQuery(releasesQuery(team, app));
