import type { Schemas } from "../../api/client";

type Service = Schemas["Service"];
type Binding = Schemas["Binding"];

/** What an instance is of, in one line. */
export const madeOf = (s: Service) =>
  s.kind === "user" ? "Credentials given by hand" : [s.offering, s.plan].filter(Boolean).join(" / ");

/** How programs find the credentials of a binding. */
export function foundAs(b: Binding): string {
  if (b.bind.as === "files") return b.bind.signal ? `files, ${b.bind.signal} when they change` : "files";
  return [b.bind.env || "variables", b.bind.vcap ? "VCAP_SERVICES" : ""].filter(Boolean).join(", ");
}

const ops: Record<string, string> = {
  provision: "is being made",
  update: "is being changed",
  deprovision: "is being deleted",
  bind: "is being bound",
  unbind: "is being unbound",
  rotate: "is being rotated",
};

/** What is being done with an instance or a binding of it, in words. */
export function operationText(o: Schemas["ServiceOperation"]): string {
  const about = o.app ? `The binding of ${o.app}` : o.binding ? `Binding ${o.binding}` : "It";
  return `${about} ${ops[o.op] ?? `is in ${o.op}`}${o.attempt > 1 ? `, try ${o.attempt}` : ""}`;
}

/** The apps that are bound, each once. */
export const appsOf = (s: Service) => [...new Set(s.bindings.map((b) => b.app))].sort();
