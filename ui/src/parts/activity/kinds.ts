// Kinds of event by what they are about: the first word of a kind stands for all that begin with it.
export const kinds = [
  { value: "", label: "Everything" },
  { value: "deployment,release", label: "Releases and deployments" },
  { value: "build.started,build.ended", label: "Builds" },
  { value: "instance,node", label: "Instances and nodes" },
  { value: "instance.crash", label: "Crashes" },
  { value: "route,rule", label: "Routes" },
  { value: "config", label: "Configuration" },
  { value: "service,binding,volume", label: "Services and volumes" },
  { value: "run,exec", label: "Tasks, crons and exec" },
  { value: "team,user", label: "Teams, people and hosts" },
  { value: "app", label: "Scaled, stopped, changed by others" },
] as const;

/** Of those, what happens to an app. */
export const appKinds = kinds.filter((k) => k.value !== "team,user");

// The lines of builds are no events to look back at: whoever wants them reads the log.
export const QUIET =
  "release,deployment,build.started,build.ended,instance,node,backend,route,rule,run,exec,app,config,service,binding,volume,team,user";
