// The words of /login?refused=WORD (wire.Refused...), as a person reads them.
const texts: Record<string, { title: string; next: string }> = {
  expired: { title: "The sign-in took too long, or was begun elsewhere", next: "Begin again." },
  denied: {
    title: "PROVIDER did not let you in",
    next: "You or the provider said no. Try again, or ask whoever runs it.",
  },
  provider: {
    title: "PROVIDER answered what Crumpet can't believe",
    next: "An admin finds the reason in the server's log.",
  },
  unavailable: { title: "PROVIDER does not answer", next: "Try again in a while, or sign in with a password." },
  disabled: { title: "Your user is disabled", next: "An admin of the platform can enable it." },
  limited: { title: "Too many sign-ins from here", next: "Wait a minute, then try again." },
  failed: {
    title: "The sign-in failed through a fault of Crumpet's own",
    next: "Try again; an admin finds the reason in the server's log.",
  },
};

/** What a sign-in through a provider came to, or undefined where it was not refused. The provider is named only if it is a plain name. */
export function refusedText(word: string | undefined, provider: string | undefined) {
  if (!word) return undefined;
  const text = texts[word] ?? { title: "The sign-in came to nothing", next: "Try again." };
  const name = provider && /^[a-z][a-z0-9-]{0,31}$/.test(provider) ? provider : "The provider";
  return { title: text.title.replace("PROVIDER", name), next: text.next };
}
