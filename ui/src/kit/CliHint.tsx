import css from "./Code.module.css";
import { Copy } from "./Copy";

/** The command that does the same, to copy. */
export function CliHint({ command, title = "The same as a command" }: { command: string; title?: string }) {
  return (
    <div>
      <p className={css.same}>{title}</p>
      <div className={css.hint}>
        <code tabIndex={0}>{command}</code>
        <Copy text={command} label="Copy the command" />
      </div>
    </div>
  );
}

/** Joins words into a shell command: what is no plain word is quoted. */
export function command(...words: (string | number | false | null | undefined)[]): string {
  return words
    .filter((w) => w !== false && w != null && w !== "")
    .map((w) => (/^[\w@%+=:,./*-]+$/.test(String(w)) ? String(w) : `'${String(w).replaceAll("'", "'\\''")}'`))
    .join(" ");
}
