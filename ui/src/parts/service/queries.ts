import { queryOptions, useQueries } from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";

export const servicesQuery = (team: string) =>
  queryOptions({
    queryKey: keys.services(team),
    queryFn: ({ signal }) => data(api.GET("/v1/services", { params: { query: { team } }, signal })),
  });

export const serviceQuery = (team: string, name: string) =>
  queryOptions({
    queryKey: keys.service(team, name),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/services/{service}", { params: { path: { service: name }, query: { team } }, signal })),
  });

export const offeringsQuery = (team: string) =>
  queryOptions({
    queryKey: [...keys.services(team), "offerings"],
    queryFn: ({ signal }) => data(api.GET("/v1/service-offerings", { params: { query: { team } }, signal })),
  });

/** The service instances of several teams, by name; what is known while the rest is on its way. */
export function useServices(teams: string[]) {
  return useQueries({
    queries: teams.map(servicesQuery),
    combine: (list) => ({
      items: list
        .flatMap((q) => q.data?.items ?? [])
        .sort((a, b) => a.name.localeCompare(b.name)) as Schemas["Service"][],
      pending: list.some((q) => q.isPending),
      error: list.find((q) => q.error)?.error,
    }),
  });
}
