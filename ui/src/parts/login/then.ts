/** Where to go after signing in: a path of our own, nothing else. What a browser would take for another host is none. */
export function ownPath(then: string | undefined): string {
  if (!then || !/^\/(?![/\\])/.test(then) || /[\\\s]/.test(then) || [...then].some((c) => c < " " || c === "\u007f"))
    return "/apps";
  try {
    const url = new URL(then, "https://crumpet.invalid");
    if (url.origin !== "https://crumpet.invalid") return "/apps";
    const path = url.pathname + url.search + url.hash;
    return path.startsWith("//") || path === "/login" || path.startsWith("/login?") ? "/apps" : path;
  } catch {
    return "/apps";
  }
}

/** Where a CLI may listen: its own machine. Anything else is not offered. */
export function cliRedirect(redirect: string | undefined): string | undefined {
  return redirect && /^http:\/\/(127\.0\.0\.1|\[::1\]):[1-9]\d{0,4}\/done$/.test(redirect) ? redirect : undefined;
}
