import { Button } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import { cloudOffIcon, dotIcon, downloadIcon, pauseIcon, playIcon } from "../../kit/icons";
import { Menu } from "../../kit/Menu";
import { Time } from "../../kit/Time";
import { saveFile } from "../save";
import type { Shown } from "./buffer";
import css from "./Log.module.css";
import { jsonLine, type Line, plainLine } from "./line";
import type { TailState } from "./tail";

const counted = new Intl.NumberFormat();

export type LogFootProps = {
  app: string;
  tail: TailState;
  shown: Shown;
  filtered: boolean;
  deep: boolean;
  onDeep: () => void;
  onMore?: () => void;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  wrap: boolean;
  onWrap: (wrap: boolean) => void;
};

/** What the log stands at, and what can be done with it. */
export function LogFoot({
  app,
  tail,
  shown,
  filtered,
  deep,
  onDeep,
  onMore,
  follow,
  onFollow,
  wrap,
  onWrap,
}: LogFootProps) {
  return (
    <div className={css.foot}>
      <span className="row">
        <State tail={tail} follow={follow} />
        <span className="num">
          {filtered
            ? `${counted.format(shown.lines.length)} of ${counted.format(shown.total)} lines`
            : `${counted.format(shown.total)} lines`}
          {shown.missed > 0 && `, ${counted.format(shown.missed)} older let go`}
        </span>
        {filtered && (
          <Button small kind="tertiary" onClick={onDeep}>
            {deep ? "Search what is here" : "Search all that is kept"}
          </Button>
        )}
        {!filtered && onMore && shown.total >= 1000 && (
          <Button small kind="tertiary" onClick={onMore}>
            Show older lines
          </Button>
        )}
      </span>
      <span className={css.tools}>
        <Button small kind="tertiary" aria-pressed={wrap} onClick={() => onWrap(!wrap)}>
          {wrap ? "Don't break lines" : "Break lines"}
        </Button>
        <Menu
          align="end"
          trigger={
            <Button small icon={downloadIcon} disabled={shown.lines.length === 0}>
              Download
            </Button>
          }
          items={[
            { heading: `${counted.format(shown.lines.length)} lines that are shown` },
            { label: "As text", key: "text", onSelect: () => download(app, shown.lines, "log") },
            { label: "As JSON lines", key: "json", onSelect: () => download(app, shown.lines, "jsonl") },
          ]}
        />
        <Button small icon={follow ? pauseIcon : playIcon} onClick={() => onFollow(!follow)}>
          {follow ? "Pause" : "Follow"}
        </Button>
      </span>
    </div>
  );
}

function State({ tail, follow }: { tail: TailState; follow: boolean }) {
  const [icon, text] =
    tail.state === "lost"
      ? [cloudOffIcon, "Connection lost"]
      : tail.state === "failed"
        ? [cloudOffIcon, "Not read"]
        : tail.state === "ended"
          ? [dotIcon, "All that is there"]
          : tail.state === "connecting"
            ? [dotIcon, "Reading"]
            : follow
              ? [dotIcon, "Live"]
              : [pauseIcon, "Paused"];
  return (
    <span className={css.state} data-state={tail.state === "live" && !follow ? "paused" : tail.state} role="status">
      <Icon of={icon} />
      {text}
      {tail.state === "lost" && <Time at={tail.since} />}
    </span>
  );
}

function download(app: string, lines: readonly Line[], kind: "log" | "jsonl") {
  const text = lines.map(kind === "log" ? plainLine : jsonLine).join("\n");
  saveFile(
    `${app}-${new Date().toISOString().replace(/[:.]/g, "-")}.${kind}`,
    `${text}\n`,
    kind === "log" ? "text/plain" : "application/x-ndjson",
  );
}
