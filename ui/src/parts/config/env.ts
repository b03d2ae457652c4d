// The text of a .env file, read as `crumpet config import` reads it:
//
//	# a comment
//	NAME=value to the end of the line    # a comment, as a space stands before it
//	export NAME = 'as it stands, over several lines too'
//	NAME="with \n \r \t \" \\ \$, over several lines too"
//
// Nothing is expanded. Faults quote nothing of the file: what is no name may be a part of a secret.

export type Assignment = { name: string; value: string };
export type EnvFault = { line: number; column: number; message: string };

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/** The assignments in order, or every fault with its place; never both. */
export function parseEnv(text: string): { found: Assignment[]; faults: EnvFault[] } {
  const file = new EnvFile(text.replace(/^\uFEFF/, ""));
  while (file.more()) file.assignment();
  return file.faults.length > 0 ? { found: [], faults: file.faults } : { found: file.found, faults: [] };
}

class EnvFile {
  readonly found: Assignment[] = [];
  readonly faults: EnvFault[] = [];
  private at = 0;
  private readonly first = new Map<string, number>();

  constructor(private readonly text: string) {}

  more = () => this.at < this.text.length;

  assignment() {
    this.blank();
    if (this.over()) return this.nextLine();
    const exported = /^export[ \t]+/.exec(this.rest());
    if (exported) this.at += exported[0].length;
    const start = this.at;
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.rest())?.[0] ?? "";
    this.at += name.length;
    this.blank();
    if (name === "" || this.here() !== "=") {
      this.fault(
        start,
        "This is not NAME=VALUE, or the name holds what the name of an environment variable can't: letters, digits and _ are allowed, and no digit to begin with.",
      );
      return this.nextLine();
    }
    const before = this.first.get(name);
    if (before) this.fault(start, `${name} is set a second time; the first time is in line ${before}.`);
    else this.first.set(name, this.lineOf(start));
    this.at++;
    this.blank();
    const value = this.value();
    if (value !== undefined) this.found.push({ name, value });
    this.nextLine();
  }

  private value(): string | undefined {
    const c = this.here();
    if (c === "'" || c === '"') return this.quoted(c);
    const line = /^[^\n]*/.exec(this.rest())?.[0] ?? "";
    const comment = /(^|[ \t])#/.exec(line);
    const value = (comment ? line.slice(0, comment.index) : line).replace(/[ \t\r]+$/, "");
    const nul = value.indexOf("\0");
    if (nul < 0) return value;
    this.fault(this.at + nul, "A NUL byte stands here, which no environment variable can hold.");
    return undefined;
  }

  private quoted(quote: string): string | undefined {
    const open = this.at++;
    let value = "";
    let ok = true;
    for (;;) {
      const c = this.here();
      if (c === "") {
        this.fault(open, "This quote is not closed.");
        return undefined;
      }
      if (c === quote) break;
      if (c === "\0") {
        this.fault(this.at, "A NUL byte stands here, which no environment variable can hold.");
        ok = false;
      }
      if (c === "\\" && quote === '"') {
        const escaped = escapes[this.text[this.at + 1] ?? ""];
        if (escaped === undefined) {
          this.fault(
            this.at,
            'A backslash in double quotes must be followed by n, r, t, ", $ or another backslash. In single quotes it stands for itself.',
          );
          ok = false;
          this.at++;
        } else {
          value += escaped;
          this.at += 2;
        }
        continue;
      }
      value += c;
      this.at++;
    }
    this.at++;
    this.blank();
    if (!this.over()) {
      this.fault(this.at, "Nothing but a comment may follow the closing quote.");
      ok = false;
    }
    return ok ? value : undefined;
  }

  private rest = () => this.text.slice(this.at);
  private here = () => this.text[this.at] ?? "";
  private over = () => ["", "\n", "#"].includes(this.here());
  private blank() {
    while (/[ \t\r]/.test(this.here())) this.at++;
  }
  private nextLine() {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end + 1;
  }
  private lineOf = (at: number) => this.text.slice(0, at).split("\n").length;
  private fault(at: number, message: string) {
    const column = [...this.text.slice(this.text.lastIndexOf("\n", at - 1) + 1, at)].length + 1;
    this.faults.push({ line: this.lineOf(at), column, message });
  }
}
