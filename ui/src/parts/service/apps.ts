import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";

/** The names of a team's apps, to choose from. */
export const appNamesQuery = (team: string) =>
  queryOptions({
    queryKey: [...keys.apps(team), "names"],
    queryFn: async ({ signal }) =>
      (await data(api.GET("/v1/apps", { params: { query: { team, limit: 1000 } }, signal }))).items
        .map((a) => a.app)
        .sort(),
  });
