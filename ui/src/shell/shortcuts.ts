import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/** What is shown by "?". Keys without Ctrl do nothing while somebody writes. */
export const shortcuts: [keys: string[], does: string][] = [
  [["Ctrl", "K"], "Search apps, pages and actions"],
  [["/"], "Search or filter on this page"],
  [["g", "a"], "Go to apps"],
  [["g", "s"], "Go to services"],
  [["g", "v"], "Go to activity"],
  [["g", "t"], "Go to teams"],
  [["g", "p"], "Go to the platform"],
  [["?"], "Show this"],
  [["Esc"], "Close what is open"],
];

const places = { a: "/apps", s: "/services", v: "/activity", t: "/teams", p: "/platform" } as const;

const writes = (e: EventTarget | null) =>
  e instanceof HTMLElement && (e.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName));

export function useShortcuts({ palette, keys }: { palette: () => void; keys: () => void }) {
  const navigate = useNavigate();
  const acts = useRef({ palette, keys });
  acts.current = { palette, keys };
  useEffect(() => {
    let g = 0;
    const on = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === "k") {
        e.preventDefault();
        acts.current.palette();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || writes(e.target) || document.querySelector('[role="dialog"]')) return;
      const to = e.timeStamp - g < 1000 ? places[e.key as keyof typeof places] : undefined;
      g = e.key === "g" ? e.timeStamp : 0;
      if (to) void navigate({ to });
      else if (e.key === "?") acts.current.keys();
      else if (e.key === "/") {
        const field = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (!field) return;
        e.preventDefault();
        field.focus();
      }
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, [navigate]);
}
