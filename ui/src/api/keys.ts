// The first words of each query's key say what it is about: live.ts invalidates by them.
export const keys = {
  self: ["self"] as const,
  teams: ["teams"] as const,
  team: (team: string) => ["team", team] as const,
  apps: (team: string) => ["apps", team] as const,
  /** All there is about one app begins with this: keys.app(team, app, "status"), ... */
  app: (team: string, app: string, ...rest: unknown[]) => ["app", team, app, ...rest] as const,
  services: (team: string) => ["services", team] as const,
  service: (team: string, name: string, ...rest: unknown[]) => ["service", team, name, ...rest] as const,
  activity: (...rest: unknown[]) => ["activity", ...rest] as const,
  users: ["users"] as const,
  tokens: ["tokens"] as const,
  drift: ["drift"] as const,
  platform: (...rest: unknown[]) => ["platform", ...rest] as const,
};
