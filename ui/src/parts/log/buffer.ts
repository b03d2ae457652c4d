import type { Matcher } from "./filter";
import type { Line } from "./line";

export const CAP = 20_000; // lines that are kept; older ones are let go
const SLACK = 2_000; // let go this many at once, so that it is seldom done

const everything: Matcher = { all: true, test: () => true, ranges: () => [] };

/** What is known of a log at a moment. The same object as long as nothing has changed. */
export type Shown = {
  lines: readonly Line[]; // those that match
  total: number; // that were looked at
  waiting: number; // that came while it was paused
  missed: number; // that were let go, while paused too
};

/** The last lines of a stream and those of them that match. While paused, new ones wait aside. */
export class LogBuffer {
  private lines: Line[] = [];
  private matching: Line[] = [];
  private aside: Line[] = [];
  private matcher = everything;
  private paused = false;
  private missed = 0;
  private shown: Shown = { lines: [], total: 0, waiting: 0, missed: 0 };
  private drawing = false;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly cap = CAP,
    private readonly draw: (f: () => void) => void = (f) => void requestAnimationFrame(f),
  ) {}

  append(lines: readonly Line[]) {
    if (lines.length === 0) return;
    if (this.paused) {
      this.aside = this.aside.concat(lines);
      const over = this.aside.length - this.cap;
      if (over > 0) {
        this.aside = this.aside.slice(over);
        this.missed += over;
      }
    } else this.take(lines);
    this.changed();
  }

  /** Shows other lines of those that are there. */
  filter(by: Matcher) {
    this.matcher = by;
    this.matching = by.all ? this.lines : this.lines.filter(by.test);
    this.changed(true);
  }

  pause() {
    this.paused = true;
    this.changed(true);
  }

  resume() {
    this.paused = false;
    this.take(this.aside);
    this.aside = [];
    this.changed(true);
  }

  clear() {
    this.lines = [];
    this.matching = [];
    this.aside = [];
    this.missed = 0;
    this.changed(true);
  }

  get = () => this.shown;

  subscribe = (f: () => void) => {
    this.listeners.add(f);
    return () => void this.listeners.delete(f);
  };

  // New arrays are made once a frame at most, in tell(); here they only grow.
  private take(lines: readonly Line[]) {
    const same = this.matching === this.lines;
    for (const l of lines) {
      this.lines.push(l);
      if (!same && this.matcher.test(l)) this.matching.push(l);
    }
    if (this.lines.length <= this.cap + SLACK) return;
    const over = this.lines.length - this.cap;
    this.missed += over;
    this.lines = this.lines.slice(over);
    const first = this.lines[0]?.n ?? 0;
    this.matching = same ? this.lines : this.matching.filter((l) => l.n >= first);
  }

  private changed(now = false) {
    if (now) return this.tell();
    if (this.drawing) return;
    this.drawing = true;
    this.draw(() => {
      this.drawing = false;
      this.tell();
    });
  }

  private tell() {
    this.shown = {
      lines: this.matching.slice(),
      total: this.lines.length,
      waiting: this.aside.length,
      missed: this.missed,
    };
    for (const l of this.listeners) l();
  }
}
