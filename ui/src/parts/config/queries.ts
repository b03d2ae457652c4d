import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";

const of = (team: string, app: string) => ({ path: { app }, query: { team } });

export const configQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "config"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/config", { params: of(team, app), signal })),
  });

export const configVersionsQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "config", "versions"),
    queryFn: ({ signal }) => data(api.GET("/v1/apps/{app}/config/versions", { params: of(team, app), signal })),
  });
