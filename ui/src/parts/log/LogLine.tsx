import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { cx } from "../../kit/cx";
import { Icon } from "../../kit/Icon";
import { alertTriangleIcon, boxIcon, type IconShape, layersIcon } from "../../kit/icons";
import { type Look, marked, segments } from "./ansi";
import type { Matcher } from "./filter";
import css from "./Log.module.css";
import type { Line } from "./line";

const bytes = new Intl.NumberFormat();
const two = (n: number) => String(n).padStart(2, "0");

/** The time of day, to the millisecond, on this machine's clock. */
export function clock(at: string): string {
  const t = new Date(at);
  return `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}.${String(t.getMilliseconds()).padStart(3, "0")}`;
}

// Who wrote it: instances by name, builder and platform by an icon besides.
const sourceIcon: Record<string, IconShape> = { build: boxIcon, platform: layersIcon };
const tints = 6;

/** The same name has the same tint; which one says nothing. */
export function tintOf(name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash >>> 15) % tints;
}

export type LogLineProps = {
  line: Line;
  ranges: Matcher["ranges"];
  chosen: boolean;
  wrap: boolean;
  search: Record<string, string | undefined>;
  onChoose: (line: Line) => void;
};

/** One line. Its time is a link to the log around it; the line is chosen by a click or the arrow keys. */
export const LogLine = memo(function LogLine({ line, ranges, chosen, wrap, search, onChoose }: LogLineProps) {
  const icon = sourceIcon[line.source];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list around it has the keys
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div
      className={cx(
        css.line,
        wrap && css.wrap,
        chosen && css.chosen,
        line.lost ? css.lost : css[line.source],
        line.stream === "stderr" && css.stderr,
      )}
      onClick={() => onChoose(line)}
    >
      <Link
        to="."
        search={{ ...search, at: line.time } as never}
        className={css.time}
        tabIndex={-1}
        title="A link to this moment"
      >
        <time dateTime={line.time}>
          {line.time_from === "file" ? "~" : ""}
          {clock(line.time)}
        </time>
      </Link>
      <span className={css.who} data-tint={icon ? undefined : tintOf(line.process || line.name)} title={whoIs(line)}>
        {icon && <Icon of={icon} />}
        <span className="cut">{line.name}</span>
      </span>
      <span className={css.text}>{line.lost ? <Lost line={line} /> : <Text text={line.text} ranges={ranges} />}</span>
    </div>
  );
});

const whoIs = (l: Line) =>
  [l.name, l.release ? `release ${l.release}` : "", l.stream ?? "", l.instance ?? ""].filter(Boolean).join(" · ");

function Lost({ line }: { line: Line }) {
  return (
    <span className={css.lostText}>
      <Icon of={alertTriangleIcon} />
      {bytes.format(line.lost ?? 0)} bytes of {line.name} are lost
      {line.text ? `: ${line.text.replace(/^-+\s*|\s*-+$/g, "")}` : ""}
    </span>
  );
}

const classOf = (look: Look, control?: boolean, mark?: boolean) =>
  cx(
    look.color && css[look.color],
    look.bold && css.bold,
    look.faint && css.dim,
    look.italic && css.italic,
    look.underline && css.underline,
    control && css.control,
    mark && css.mark,
  );

/** A text with its colours and what was looked for marked. It is text only: nothing in it is interpreted. */
export function Text({ text, ranges }: { text: string; ranges: Matcher["ranges"] }) {
  const list = segments(text);
  const seen = list.map((s) => s.text).join("");
  return (
    <>
      {marked(list, ranges(seen)).map((s, i) => {
        const name = classOf(s.look, s.control, s.mark);
        if (!name) return s.text;
        return s.mark ? (
          <mark key={i} className={name}>
            {s.text}
          </mark>
        ) : (
          <span key={i} className={name}>
            {s.text}
          </span>
        );
      })}
    </>
  );
}
