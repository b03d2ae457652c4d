import { call } from "../../api/client";

export type LoginMethods = { providers: { name: string; path: string }[] };
export type AgreedCLI = { code: string; redirect?: string; expires_at: string };

export const loginMethods = (signal?: AbortSignal) => call<LoginMethods>("GET", "/v1/login", { signal });
export const login = (user: string, password: string) =>
  call<{ user: string }>("POST", "/v1/login", { body: { user, password } });
export const agreeCLI = (body: { challenge: string; state?: string; redirect?: string }) =>
  call<AgreedCLI>("POST", "/v1/login/cli", { body });
