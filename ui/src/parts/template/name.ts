/** What is wrong with a name of an app, "" if nothing is. The server's rule is paas.CheckName; it decides. */
export function nameFault(name: string): string {
  if (name === "") return "An app needs a name.";
  if (name.length > 24) return "A name has at most 24 characters.";
  if (!/^[a-z]/.test(name)) return "A name begins with a lower-case letter.";
  if (!/^[a-z]([a-z0-9]|-[a-z0-9])*$/.test(name))
    return "A name has lower-case letters, digits and single dashes, and does not end with one.";
  return "";
}

/** The commands of a template for an app of this name, in this team. */
export function commandsOf(commands: readonly string[], name: string, team: string): string[] {
  return commands.map((c) => {
    const named = c.replaceAll("NAME", name);
    return team !== "default" && /^crumpet push\b/.test(named) ? `${named} --team ${team}` : named;
  });
}
