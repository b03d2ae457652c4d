import { useLive } from "../api/live";
import { Icon } from "../kit/Icon";
import { alertTriangleIcon, cloudOffIcon, dotIcon } from "../kit/icons";
import css from "./Shell.module.css";

const clock = (at: string | Date) =>
  new Date(at).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });

const names: Record<string, string> = {
  nomad: "Nomad",
  consul: "Consul",
  vault: "Vault",
  fabio: "Fabio",
  store: "the database",
};

/** Says since when what is shown may be old, and why. It is there only then. */
export function LiveBanner() {
  const { state, since, backends } = useLive();
  const lost = state === "lost" && since;
  return (
    <div role="status">
      {lost && (
        <div className={css.live}>
          <Icon of={cloudOffIcon} />
          What is shown may be old since {clock(since)}: the connection to the server is lost.
        </div>
      )}
      {!lost &&
        backends.map((b) => (
          <div key={b.name} className={css.live}>
            <Icon of={alertTriangleIcon} />
            What is shown may be old since {clock(b.since)}: {names[b.name] ?? b.name} does not answer.
          </div>
        ))}
    </div>
  );
}

/** One word in the bar: live, or not. */
export function LiveMark() {
  const { state, backends } = useLive();
  const word =
    state === "live" ? (backends.length > 0 ? "Partly old" : "Live") : state === "lost" ? "Not live" : "Connecting";
  return (
    <span
      className={css.status}
      data-state={state === "live" && backends.length > 0 ? "lost" : state}
      title={`${word}: what happens is shown as it happens while this says Live`}
    >
      <Icon of={dotIcon} />
      <span>{word}</span>
    </span>
  );
}
