// Changes of a configuration that are not sent yet.
import type { Schemas } from "../../api/client";
import { cli } from "../app/cli";
import type { Assignment } from "./env";

export type Kind = "plain" | "secret";
export type Change = { id: number; name: string; kind: Kind; value: string; unset: boolean; there: boolean };

let next = 1;
const made = (c: Omit<Change, "id">): Change => ({ id: next++, ...c });

/** A key that is there gets another value, or goes. */
export function edit(draft: readonly Change[], key: Schemas["ConfigKey"], unset: boolean): Change[] {
  const kind: Kind = key.secret ? "secret" : "plain";
  const change = made({ name: key.name, kind, value: "", unset, there: true });
  return [...draft.filter((c) => c.name !== key.name), change];
}

export const add = (draft: readonly Change[]): Change[] => [
  ...draft,
  made({ name: "", kind: "plain", value: "", unset: false, there: false }),
];

/** Assignments of a file take the place of changes of the same names. A key that is a secret stays one. */
export function merge(
  draft: readonly Change[],
  found: readonly Assignment[],
  secret: boolean,
  keys: readonly Schemas["ConfigKey"][],
): Change[] {
  const names = new Set(found.map((a) => a.name));
  const old = new Map(keys.map((k) => [k.name, k]));
  return [
    ...draft.filter((c) => c.name !== "" && !names.has(c.name)),
    ...found.map(({ name, value }) =>
      made({
        name,
        value,
        kind: secret || old.get(name)?.secret ? "secret" : "plain",
        unset: false,
        there: old.has(name),
      }),
    ),
  ];
}

/** What is wrong with the draft before it is sent, by the id of a change. The server checks everything again. */
export function faultsOf(draft: readonly Change[]): Map<number, string> {
  const out = new Map<number, string>();
  const seen = new Set<string>();
  for (const c of draft) {
    if (c.name === "") out.set(c.id, "Give the key a name.");
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(c.name))
      out.set(c.id, "A name has letters, digits and _ only, and does not begin with a digit.");
    else if (seen.has(c.name)) out.set(c.id, `${c.name} stands here twice.`);
    seen.add(c.name);
  }
  return out;
}

/** The draft as the API takes it. Secrets of no value would be empty ones, which is allowed for plain keys too. */
export function requestOf(draft: readonly Change[], base: number): Schemas["ChangeConfig"] {
  return {
    base,
    set: draft.filter((c) => !c.unset).map(({ name, value, kind }) => ({ name, value, kind })),
    unset: draft.filter((c) => c.unset).map((c) => c.name),
  };
}

/** The commands that do the same. No secret stands in one: the command line asks for it. */
export function commandsOf(team: string, app: string, draft: readonly Change[], stage: boolean): string[] {
  const flags = ["--app", app, stage && "--stage"];
  const plain = draft.filter((c) => !c.unset && c.kind === "plain").map((c) => `${c.name || "NAME"}=${c.value}`);
  const unset = draft.filter((c) => c.unset).map((c) => c.name);
  const out = draft
    .filter((c) => !c.unset && c.kind === "secret")
    .map((c) => cli(team, "secret", "set", c.name || "NAME", ...flags));
  if (plain.length > 0) out.push(cli(team, "config", "set", ...plain, ...flags));
  if (unset.length > 0) out.push(cli(team, "config", "unset", ...unset, ...flags));
  return out;
}
