// The words of the API, as a reader sees them: label, tone, icon, and what the word means. The only place that
// gives a state a colour; never a colour without its word. status.test.ts holds it to the words of server/paas.
import {
  activityIcon,
  alertCircleIcon,
  alertDiamondIcon,
  alertTriangleIcon,
  checkCircleFillIcon,
  checkCircleIcon,
  cloudOffIcon,
  delayIcon,
  helpIcon,
  historyIcon,
  hourglassIcon,
  type IconShape,
  loadingIcon,
  minusCircleIcon,
  pauseCircleIcon,
  playCircleIcon,
  rocketIcon,
  stopCircleIcon,
  syncIcon,
  trashIcon,
  xCircleIcon,
} from "../kit/icons";

export type Tone = "neutral" | "info" | "good" | "warn" | "bad" | "highlight";
export type Status = { label: string; tone: Tone; icon: IconShape; means: string };

const is = (label: string, tone: Tone, icon: IconShape, means: string): Status => ({ label, tone, icon, means });

export const words = {
  /** wire.AppState */
  app: {
    pending: is("Pending", "neutral", hourglassIcon, "Nothing serves yet, and nothing has failed yet."),
    deploying: is("Deploying", "info", rocketIcon, "A deployment is under way."),
    running: is("Running", "good", checkCircleIcon, "Every wanted instance is healthy."),
    degraded: is("Degraded", "warn", alertTriangleIcon, "Some of the wanted instances are healthy, not all."),
    failing: is("Failing", "bad", alertDiamondIcon, "Instances are wanted and none is healthy."),
    stopped: is("Stopped", "neutral", stopCircleIcon, "No instance is wanted."),
  },
  /** paas.AppHealth */
  appHealth: {
    healthy: is("Healthy", "good", checkCircleIcon, "Every wanted instance serves."),
    starting: is("Starting", "info", playCircleIcon, "What lacks is on its way, for the first time."),
    degraded: is("Degraded", "warn", alertTriangleIcon, "Fewer instances serve than are wanted."),
    crashing: is("Crashing", "bad", alertDiamondIcon, "An instance ends again and again."),
    down: is("Down", "bad", xCircleIcon, "Some process that takes requests has no instance that serves."),
    stopped: is("Stopped", "neutral", stopCircleIcon, "No instance is wanted."),
  },
  /** paas.InstanceState */
  instance: {
    pending: is("Pending", "neutral", hourglassIcon, "It has not started yet."),
    running: is("Running", "good", playCircleIcon, "Its program runs."),
    stopping: is("Stopping", "neutral", minusCircleIcon, "It was told to end."),
    complete: is("Complete", "neutral", checkCircleIcon, "It ended as it was told to."),
    failed: is("Failed", "bad", xCircleIcon, "It ended by itself."),
    lost: is("Lost", "bad", cloudOffIcon, "Its node does not answer."),
  },
  /** paas.Health, of an instance */
  health: {
    unknown: is("Unknown", "neutral", helpIcon, "No check has been seen yet."),
    passing: is("Passing", "info", activityIcon, "Every check passes, not yet for long enough."),
    healthy: is("Healthy", "good", checkCircleIcon, "It counts as serving."),
    critical: is("Critical", "bad", alertDiamondIcon, "Some check does not pass."),
  },
  /** paas.DeploymentState */
  deployment: {
    pending: is("Pending", "neutral", hourglassIcon, "It has not begun yet."),
    running: is("Running", "info", rocketIcon, "It walks to the new release."),
    paused: is("Paused", "warn", pauseCircleIcon, "It stays where it is until it is resumed."),
    healthy: is("Healthy", "good", checkCircleIcon, "The new release serves."),
    failed: is("Failed", "bad", xCircleIcon, "It came to nothing."),
    reverted: is("Reverted", "warn", historyIcon, "It walked back to the release before."),
    canceled: is("Canceled", "neutral", minusCircleIcon, "It was called off."),
  },
  /** paas.Outcome, of a release */
  outcome: {
    live: is("Live", "good", checkCircleFillIcon, "It serves."),
    deploying: is("Deploying", "info", rocketIcon, "It is on its way."),
    healthy: is("Served", "neutral", checkCircleIcon, "It served once; another one serves now."),
    reverted: is(
      "Walked back",
      "warn",
      historyIcon,
      "It never served all requests: the release before it was restored.",
    ),
    failed: is("Failed", "bad", xCircleIcon, "It came to nothing, and there was none before it."),
    canceled: is("Canceled", "neutral", minusCircleIcon, "A person called it off before it served."),
  },
  /** paas.RouteState */
  route: {
    pending: is("Pending", "neutral", hourglassIcon, "It is not in every router's table."),
    routed: is("Routed", "info", syncIcon, "It is in every router's table, and does not answer yet."),
    answering: is("Answering", "good", checkCircleIcon, "A request through the router was answered by the app."),
  },
  /** Backends of the platform */
  backend: {
    ok: is("Answers", "good", checkCircleIcon, "It answered the last time it was asked."),
    trouble: is("In trouble", "bad", cloudOffIcon, "It does not answer as it should."),
    down: is("Down", "bad", cloudOffIcon, "It does not answer."),
    unknown: is("Unknown", "neutral", helpIcon, "It was not asked yet."),
  },
  /** paas.Severity, of a finding about the platform */
  severity: {
    critical: is("Critical", "bad", alertDiamondIcon, "Something is broken, or the next fault breaks it."),
    warning: is("Warning", "warn", alertTriangleIcon, "It works, and will not at some time."),
    unknown: is("Not known", "neutral", helpIcon, "It could not be found out, so nothing can be promised."),
  },
  /** paas.BuildState */
  build: {
    pending: is("Pending", "neutral", hourglassIcon, "It waits for its turn."),
    running: is("Building", "info", loadingIcon, "It is under way."),
    done: is("Done", "good", checkCircleIcon, "It made an artifact."),
    failed: is("Failed", "bad", xCircleIcon, "It made none."),
  },
  /** paas.ServiceState */
  service: {
    creating: is("Creating", "info", loadingIcon, "Its provider makes it."),
    ready: is("Ready", "good", checkCircleIcon, "It can be bound."),
    updating: is("Updating", "info", syncIcon, "Its provider changes it."),
    failed: is("Failed", "bad", xCircleIcon, "Its provider could not do what was asked."),
    deleting: is("Deleting", "neutral", trashIcon, "Its provider takes it away."),
  },
  /** paas.BindingState */
  binding: {
    pending: is("Pending", "neutral", hourglassIcon, "It is wished for."),
    ready: is("Ready", "good", checkCircleIcon, "Its credentials can be read."),
    failed: is("Failed", "bad", xCircleIcon, "It could not be made."),
    unbinding: is("Unbinding", "neutral", minusCircleIcon, "It is to be ended."),
    ended: is("Ended", "neutral", stopCircleIcon, "It was ended by hand while the spec still declares it."),
  },
  /** paas.RunState, of a task or cron */
  run: {
    pending: is("Pending", "neutral", hourglassIcon, "It has not started yet."),
    running: is("Running", "info", playCircleIcon, "It is under way."),
    complete: is("Complete", "good", checkCircleIcon, "It ended well."),
    failed: is("Failed", "bad", xCircleIcon, "It ended badly."),
    killed: is("Killed", "warn", stopCircleIcon, "It was stopped."),
  },
  /** paas.VolumeState */
  volume: {
    pending: is("Pending", "neutral", hourglassIcon, "Its node has not said yet that it is there."),
    ready: is("Ready", "good", checkCircleIcon, "It can be mounted."),
    unavailable: is("Unavailable", "warn", alertTriangleIcon, "Its node does not offer it now."),
    lost: is("Lost", "bad", xCircleIcon, "Nomad knows no such volume: somebody deleted it there."),
  },
  /** paas.DrainState, of a node */
  drain: {
    leaving: is("Leaving", "info", delayIcon, "It takes no new instances; apps that would have none left walk first."),
    draining: is("Draining", "info", delayIcon, "Nomad moves what is left."),
    drained: is("Drained", "neutral", minusCircleIcon, "Nothing of ours is on it."),
  },
  /** Nodes, in Nomad's words */
  node: {
    initializing: is("Initializing", "neutral", hourglassIcon, "It has just begun."),
    ready: is("Ready", "good", checkCircleFillIcon, "It runs instances."),
    ineligible: is("Ineligible", "warn", minusCircleIcon, "It takes no new instances."),
    disconnected: is("Disconnected", "warn", cloudOffIcon, "It has not been heard of for a while."),
    down: is("Down", "bad", xCircleIcon, "It does not answer."),
  },
} satisfies Record<string, Record<string, Status>>;

export type Kind = keyof typeof words;

/** The entry of a word. One that is not known yet (a newer server) is shown as it is. */
export function statusOf(kind: Kind, word: string): Status {
  const of: Record<string, Status> = words[kind];
  return of[word] ?? is(word || "unknown", "neutral", alertCircleIcon, "");
}
