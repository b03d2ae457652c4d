export type Theme = "system" | "light" | "dark";

/** The theme chosen on this machine. public/theme.js applies it before the first paint. */
export function theme(): Theme {
  const t = document.documentElement.dataset.theme;
  return t === "light" || t === "dark" ? t : "system";
}

export function setTheme(to: Theme) {
  if (to === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = to;
  try {
    if (to === "system") localStorage.removeItem("crumpet-theme");
    else localStorage.setItem("crumpet-theme", to);
  } catch {
    // no storage: it lasts as long as the page
  }
}
