// Before the first paint: the theme the reader chose on this machine, else that of the system.
try {
  const theme = localStorage.getItem("crumpet-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // no storage: the system's theme
}
