// Lines of an app's log, as the stream of GET /v1/apps/{app}/logs sends them.
import type { Schemas } from "../../api/client";

export type Line = Schemas["LogLine"] & { n: number }; // n grows by one with each line that came
type Wire = Schemas["LogLine"];

/**
 * Decodes the data of one event: a line of JSON each, where a later one leaves out what is as before, and is only
 * "=" and its text when nothing else differs (wire.AppendTerse).
 */
export function decodeLines(data: string, n: number): Line[] {
  const lines: Line[] = [];
  let before: Wire | undefined;
  for (const row of data.split("\n")) {
    const line = decode(row, before);
    if (!line) continue;
    before = line;
    lines.push({ ...line, n: n + lines.length });
  }
  return lines;
}

function decode(row: string, before: Wire | undefined): Wire | undefined {
  if (row === "") return undefined;
  if (row.startsWith("=")) return before && { ...before, lost: undefined, text: row.slice(1) };
  try {
    const part = JSON.parse(row) as Partial<Wire>;
    if (part.source !== undefined) return part as Wire;
    return before && { ...before, lost: undefined, ...part };
  } catch {
    return undefined; // a server newer than this page: the lines that can be read are shown
  }
}

/** The line as a file holds it: what `crumpet logs` prints, but for the colours. */
export const plainLine = (l: Line) =>
  l.lost
    ? `${l.time} ${l.name} --- ${l.lost} bytes lost: ${l.text}`
    : `${l.time} ${l.name}${l.stream ? ` ${l.stream}` : ""} ${l.text}`;

/** The line as JSON, as `crumpet logs --json` prints it. */
export function jsonLine({ n: _, ...line }: Line): string {
  return JSON.stringify(line);
}
