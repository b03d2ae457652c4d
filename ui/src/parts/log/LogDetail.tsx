import { IconButton } from "../../kit/Button";
import { Copy, Mono } from "../../kit/Copy";
import { xIcon } from "../../kit/icons";
import { absoluteTime } from "../../kit/Time";
import { visible } from "./ansi";
import css from "./Log.module.css";
import type { Line } from "./line";

const from: Record<string, string> = {
  line: "as the line itself says",
  arrival: "when it arrived",
  file: "guessed from its place in the file",
};

/** All that is known of the chosen line. */
export function LogDetail({ line, link, onClose }: { line: Line; link: string; onClose: () => void }) {
  return (
    <div className={css.detail}>
      <dl>
        <Item name="Time">
          <span>
            {absoluteTime(line.time)} <span className="faint">{from[line.time_from] ?? line.time_from}</span>
          </span>
          <Copy text={link} label="Copy a link to this moment" />
        </Item>
        <Item name="Written by">
          {line.name}
          {line.stream ? ` (${line.stream})` : ""}
          {line.release ? `, release ${line.release}` : ""}
        </Item>
        {line.instance && (
          <Item name="Instance">
            <Mono show={line.instance.slice(0, 8)}>{line.instance}</Mono>
          </Item>
        )}
        <Item name="Text">
          <span className="faint">{visible(line.text).length} characters</span>
          <Copy text={line.text} label="Copy the text as it was written" />
        </Item>
      </dl>
      <IconButton icon={xIcon} label="Close the details" small onClick={onClose} />
    </div>
  );
}

function Item({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
