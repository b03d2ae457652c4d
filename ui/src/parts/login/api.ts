import { api, data, type Schemas } from "../../api/client";

export const loginMethods = (signal?: AbortSignal) => data(api.GET("/v1/login", { signal }));
export const login = (user: string, password: string) => data(api.POST("/v1/login", { body: { user, password } }));
export const agreeCLI = (body: Schemas["AgreeCLI"]) => data(api.POST("/v1/login/cli", { body }));
