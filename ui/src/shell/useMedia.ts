import { useCallback, useSyncExternalStore } from "react";

/** Whether a media query holds now. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (f: () => void) => {
      const list = matchMedia(query);
      list.addEventListener("change", f);
      return () => list.removeEventListener("change", f);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
