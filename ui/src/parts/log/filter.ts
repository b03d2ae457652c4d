// Which lines are shown. What narrows by process, instance, release and source is asked of the server, so that the
// lines it has still fill the page; text, expression and stream are looked for in what has come.
import { type Range, visible } from "./ansi";
import type { Line } from "./line";

export type Filter = { text: string; regex: boolean; stream: string };
export type Matcher = { all: boolean; test: (line: Line) => boolean; ranges: (text: string) => Range[] };

const MARKS = 50; // in one line

/** Makes a matcher, or says what is wrong with the expression. */
export function matcher(f: Filter): Matcher | { error: string } {
  const streams = (l: Line) => f.stream === "" || l.stream === f.stream;
  if (f.text === "") return { all: f.stream === "", test: streams, ranges: () => [] };
  let pattern: RegExp;
  try {
    // As the command line and the server do: an expression minds upper and lower case, a text does not.
    pattern = new RegExp(f.regex ? f.text : escaped(f.text), f.regex ? "gu" : "giu");
  } catch (e) {
    return { error: `This is no regular expression: ${reason(e)}.` };
  }
  return {
    all: false,
    test: (l) => {
      pattern.lastIndex = 0;
      return streams(l) && pattern.test(visible(l.text));
    },
    ranges: (text) => {
      const out: Range[] = [];
      pattern.lastIndex = 0; // test() leaves its place behind, and matchAll() begins there
      for (const m of text.matchAll(pattern)) {
        if (m[0] !== "") out.push([m.index, m.index + m[0].length]);
        if (out.length === MARKS) break;
      }
      return out;
    },
  };
}

/** The text as an expression that matches nothing else. */
export const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

const reason = (e: unknown) =>
  (e instanceof Error ? e.message : String(e))
    .replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, "")
    .toLowerCase();

/** The filter as the server takes it: RE2, which is what `crumpet logs --grep` takes. */
export const grepOf = (f: Filter) =>
  f.text === "" ? "" : f.regex ? f.text : `(?i)${f.text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}`;
