// Where in a spec a fault is. The API names a place as FILE:LINE:COLUMN where the text can't be read, else as the path of
// a key (process.web.memory). Pure: a scanner that knows blocks, keys, strings and comments, and no more of HCL.

export type Placed = { message: string; location: string; line?: number; column?: number };

type Mark = { path: string; line: number; column: number };

/** The faults of an answer, each with its line and column in the text where they can be told. */
export function placed(text: string, faults: readonly { location?: string; message: string }[]): Placed[] {
  const marks = marksOf(text);
  return faults.map(({ location = "", message }) => {
    const at = /:(\d+):(\d+)$/.exec(location);
    if (at) return { message, location, line: Number(at[1]), column: Number(at[2]) };
    const mark = nearest(marks, location);
    return { message, location, ...(mark && { line: mark.line, column: mark.column }) };
  });
}

/** The mark of a path, else of the longest path above it: a key that is missing is shown at its block. */
function nearest(marks: readonly Mark[], location: string): Mark | undefined {
  for (
    let path = location.replace(/\[\d+\]/g, "");
    path;
    path = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : ""
  ) {
    const found = marks.find((m) => m.path === path);
    if (found) return found;
  }
  return location ? marks[0] : undefined;
}

/** Every block and key of a text by its path, as the API writes it: the app's own block is left out. */
export function marksOf(text: string): Mark[] {
  const marks: Mark[] = [];
  const stack: string[] = []; // names of the blocks around; "" for braces of a value
  const lines = text.split("\n");
  let heredoc = "";
  let comment = false;
  for (let n = 0; n < lines.length; n++) {
    const whole = lines[n] ?? "";
    if (heredoc) {
      if (whole.trim() === heredoc) heredoc = "";
      continue;
    }
    const { code, open } = bare(whole, comment);
    comment = open;
    const column = code.length - code.trimStart().length + 1;
    const inValue = stack.includes("");
    const block = inValue ? null : /^\s*([A-Za-z_][\w-]*)((?:\s+(?:"[^"]*"|[A-Za-z_][\w-]*))*)\s*\{/.exec(code);
    const key = block || inValue ? null : /^\s*"?([A-Za-z_][\w.-]*)"?\s*=(?!=)/.exec(code);
    const around = stack.filter(Boolean).join(".");
    if (block) {
      const labels = [...(block[2] ?? "").matchAll(/"([^"]*)"|([A-Za-z_][\w-]*)/g)].map((m) => m[1] ?? m[2] ?? "");
      const name = block[1] === "app" && stack.length === 0 ? "" : [block[1], ...labels].join(".");
      const path = [around, name].filter(Boolean).join(".");
      marks.push({ path: path || "app", line: n + 1, column });
      // Keys of a block on one line: port "http" { port = 80 }
      const inside = code.slice(block[0].length);
      for (const k of inside.matchAll(/([A-Za-z_][\w-]*)\s*=(?!=)/g)) {
        marks.push({
          path: [path, k[1]].filter(Boolean).join("."),
          line: n + 1,
          column: block[0].length + (k.index ?? 0) + 1,
        });
      }
      stack.push(name || "\u0000");
      braces(inside, stack);
      continue;
    }
    if (key) {
      marks.push({
        path: [around, key[1]].filter(Boolean).join(".").replaceAll("\u0000.", "").replaceAll("\u0000", ""),
        line: n + 1,
        column,
      });
      const doc = /<<[-~]?([A-Za-z_]\w*)\s*$/.exec(whole);
      if (doc) heredoc = doc[1] ?? "";
    }
    braces(key ? code.slice(key[0].length) : code, stack);
  }
  return marks.map((m) => ({ ...m, path: m.path.replaceAll("\u0000.", "").replaceAll("\u0000", "") }));
}

// Follows the braces of a value, or of blocks that end.
function braces(code: string, stack: string[]) {
  for (const c of code.replace(/"(?:[^"\\]|\\.)*"/g, '""')) {
    if (c === "{" || c === "[") stack.push("");
    else if (c === "}" || c === "]") stack.pop();
  }
}

// The line without its comments, of the same length before them.
function bare(line: string, comment: boolean): { code: string; open: boolean } {
  let out = "";
  let open = comment;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const two = line.slice(i, i + 2);
    if (open) {
      if (two === "*/") {
        open = false;
        i++;
        out += "  ";
      } else out += " ";
    } else if (quoted) {
      if (line[i] === "\\") out += line[i++] ?? "";
      else if (line[i] === '"') quoted = false;
      out += line[i] ?? "";
    } else if (line[i] === "#" || two === "//") break;
    else if (two === "/*") {
      open = true;
      i++;
      out += "  ";
    } else {
      if (line[i] === '"') quoted = true;
      out += line[i];
    }
  }
  return { code: out, open };
}
