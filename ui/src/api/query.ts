import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./error";

/**
 * For what no event tells of: tokens and sessions, and when somebody last signed in. It is asked for again when a page
 * shows it anew, and when the reader comes back to the window.
 */
export const UNTOLD = { staleTime: 0, refetchOnWindowFocus: true } as const;

/**
 * Nothing is asked for again by a clock: live.ts says when something has changed, and after a lost connection all
 * is asked for anew. A value stays on the page while the next one is fetched, and when fetching fails.
 */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 10 * 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 502),
        retryDelay: (count) => 500 * 2 ** count,
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}
