// The API's client. Its types are made from the server's /openapi.json (schema.d.ts). A call that does not succeed
// throws an ApiError; a session that has ended leads to /login, and back afterwards.
import createClient, { type Middleware } from "openapi-fetch";
import { errorOf, unreachable } from "./error";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

let onSignedOut = () => {};

/** What happens when an answer says that the session has ended. The shell sets it: outside of it nobody has signed in yet. */
export function whenSignedOut(f: () => void) {
  onSignedOut = f;
  return () => {
    if (onSignedOut === f) onSignedOut = () => {};
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.clone().text());
  } catch {
    return undefined;
  }
}

const errors: Middleware = {
  onRequest({ request }) {
    request.headers.set("X-Crumpet-Session", "1");
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    // A wrong password is a 401 too: the page that asked says so itself.
    if (response.status === 401 && !new URL(request.url).pathname.startsWith("/v1/login")) onSignedOut();
    throw errorOf(response.status, await bodyOf(response), response.headers.get("X-Request-Id"));
  },
  onError({ error }) {
    return error instanceof DOMException && error.name === "AbortError" ? error : unreachable();
  },
};

/** `const { data } = await api.GET("/v1/apps/{app}", { params: { path: { app }, query: { team } } })`; it throws ApiError. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  credentials: "same-origin",
  fetch: (request: Request) => globalThis.fetch(request), // looked up at each call: tests put theirs in its place
});
api.use(errors);

/** Takes the data of a call that did not throw. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** A call of a route that has no types (streams, downloads, a server newer than schema.d.ts). */
export async function call<T>(
  method: string,
  path: string,
  init: { body?: unknown; signal?: AbortSignal } = {},
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        "X-Crumpet-Session": "1",
        Accept: "application/json",
        ...(init.body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
      signal: init.signal,
    });
  } catch (e) {
    throw e instanceof DOMException && e.name === "AbortError" ? e : unreachable();
  }
  if (!response.ok) {
    if (response.status === 401 && !path.startsWith("/v1/login")) onSignedOut();
    throw errorOf(response.status, await bodyOf(response), response.headers.get("X-Request-Id"));
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}
