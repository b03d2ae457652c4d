// What a program wrote, made safe to look at: colours of ANSI escapes become classes, every other control character
// is shown as its picture, and characters that turn or hide text are shown by their code points.

export type Look = { color?: Color; bold?: boolean; faint?: boolean; italic?: boolean; underline?: boolean };
export type Color = "black" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "white";
export type Segment = { text: string; look: Look; control?: boolean };

const colors: readonly Color[] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

// Controls beside tab, what reverses the direction of text (Trojan source), and what has no width.
const special =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const sgr = /^\x1b\[([0-9;:]*)m/;

/** Cuts a line into pieces of one look each. Joined, the texts are what the reader sees. */
export function segments(text: string): Segment[] {
  if (!special.test(text)) return text === "" ? [] : [{ text, look: {} }];
  const out: Segment[] = [];
  let look: Look = {};
  let at = 0;
  const add = (piece: string, control?: boolean) => {
    const last = out.at(-1);
    if (last && last.look === look && last.control === control) last.text += piece;
    else if (piece !== "") out.push(control ? { text: piece, look, control } : { text: piece, look });
  };
  while (at < text.length) {
    const found = special.exec(text.slice(at));
    if (!found) break;
    add(text.slice(at, at + found.index));
    at += found.index;
    const color = sgr.exec(text.slice(at));
    if (color) {
      look = paint(look, color[1] ?? "");
      at += color[0].length;
      continue;
    }
    add(picture(found[0]), true);
    at += found[0].length;
  }
  add(text.slice(at));
  return out;
}

/** What the reader sees of a line, without its looks: filters look at this. */
export const visible = (text: string) =>
  special.test(text)
    ? segments(text)
        .map((s) => s.text)
        .join("")
    : text;

/** The Unicode picture of a control character, or its code point. */
export function picture(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

function paint(before: Look, parameters: string): Look {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map(Number);
  let look: Look = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) look = {};
    else if (code === 1) look.bold = true;
    else if (code === 2) look.faint = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 22) look = { ...look, bold: undefined, faint: undefined };
    else if (code === 23) look.italic = undefined;
    else if (code === 24) look.underline = undefined;
    else if (code >= 30 && code <= 37) look.color = colors[code - 30];
    else if (code >= 90 && code <= 97) look.color = colors[code - 90];
    else if (code === 39) look.color = undefined;
    else if (code === 38 || code === 48) {
      const indexed = codes[i + 1] === 5;
      const index = codes[i + 2] ?? 16;
      if (code === 38) look.color = indexed && index < 16 ? colors[index % 8] : undefined; // the rest: as the text around
      i += indexed ? 2 : 4;
    }
  }
  return look;
}

export type Range = readonly [from: number, to: number];

/** Cuts segments further where ranges of the visible text begin and end; those inside are marked. */
export function marked(list: Segment[], ranges: readonly Range[]): (Segment & { mark?: boolean })[] {
  if (ranges.length === 0) return list;
  const out: (Segment & { mark?: boolean })[] = [];
  let at = 0;
  for (const s of list) {
    const end = at + s.text.length;
    let from = at;
    for (const [a, b] of ranges) {
      const x = Math.max(a, from);
      const y = Math.min(b, end);
      if (x >= y) continue;
      if (x > from) out.push({ ...s, text: s.text.slice(from - at, x - at) });
      out.push({ ...s, text: s.text.slice(x - at, y - at), mark: true });
      from = y;
    }
    if (from < end) out.push({ ...s, text: s.text.slice(from - at) });
    at = end;
  }
  return out;
}
