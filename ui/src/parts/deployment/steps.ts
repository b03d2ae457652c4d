// Where a deployment stands, in a sentence and in steps. Pure.
import type { Schemas } from "../../api/client";

type Deployment = Schemas["Deployment"];

export const ended = (d: Pick<Deployment, "status">) =>
  ["healthy", "failed", "reverted", "canceled"].includes(d.status);

/** What it is for: the words of the API, as a title. */
export function titleOf(d: Pick<Deployment, "cause" | "release" | "previous" | "slot" | "from">): string {
  if (d.release === d.previous && d.cause !== "push")
    return `${d.cause.charAt(0).toUpperCase()}${d.cause.slice(1)} of release ${d.release}`;
  return `Release ${d.release}`;
}

/** Where it is now: "step 2 of 5, 25 % of requests, held until promoted". */
export function whereText(d: Deployment): string {
  const parts: string[] = [];
  if (d.abort) parts.push("walking back");
  if (d.steps.length > 0 && d.status !== "pending")
    parts.push(`step ${Math.min(d.step + 1, d.steps.length)} of ${d.steps.length}`);
  const step = d.steps[d.step];
  if (step?.share !== undefined && d.status !== "pending")
    parts.push(`${step.share} % of requests to release ${d.release}`);
  const waits: Record<string, string> = {
    hold: step?.manual ? "held until it is promoted" : "held for a while, to be looked at",
    room: "waits for room",
    failure: "waits for somebody to look at what failed",
    vault: "waits for Vault",
    pause: "paused by a person",
  };
  if (d.waits) parts.push(waits[d.waits] ?? `waits for ${d.waits}`);
  return parts.join(", ");
}

/** What may be asked of it now, by its state: the table of server/deploy. */
export function actsOf(d: Deployment): { promote: boolean; pause: boolean; resume: boolean; abort: boolean } {
  const under = !ended(d);
  return {
    promote: under && !d.abort && Boolean(d.waits) && d.waits !== "vault",
    pause:
      under && !d.abort && d.waits !== "pause" && d.waits !== "failure" && d.status !== "pending" && d.slot !== d.from,
    resume: under && d.waits === "pause",
    abort: under && !d.abort,
  };
}
