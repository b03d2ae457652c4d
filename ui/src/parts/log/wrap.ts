import { useState } from "react";

const KEY = "crumpet-log-wrap";

/** Whether long lines are broken: as the reader chose last, else on narrow screens. */
export function useWrap(): [boolean, (wrap: boolean) => void] {
  const [wrap, setWrap] = useState(() => {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept) return kept === "yes";
    } catch {
      // no storage: as the screen is
    }
    return innerWidth < 900;
  });
  return [
    wrap,
    (next) => {
      setWrap(next);
      try {
        localStorage.setItem(KEY, next ? "yes" : "no");
      } catch {
        // no storage: for this page only
      }
    },
  ];
}
