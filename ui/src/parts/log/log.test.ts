import { describe, expect, it } from "vitest";
import { marked, segments, visible } from "./ansi";
import { LogBuffer } from "./buffer";
import { escaped, grepOf, type Matcher, matcher } from "./filter";
import { decodeLines, jsonLine, type Line, plainLine } from "./line";
import { tailURL } from "./tail";

const line = (n: number, text: string, more: Partial<Line> = {}): Line => ({
  n,
  source: "app",
  name: "web[0]",
  time: "2026-11-23T10:00:00Z",
  time_from: "arrival",
  text,
  ...more,
});
const made = (f: Parameters<typeof matcher>[0]): Matcher => {
  const m = matcher(f);
  if ("error" in m) throw new Error(m.error);
  return m;
};

describe("lines of a stream", () => {
  it("fills in what a terse line leaves out, and keeps a text that looks like JSON", () => {
    const whole =
      '{"source":"app","name":"web[1]","instance":"a1","release":2,"stream":"stdout","time":"T1","time_from":"line","text":"one"}';
    const lines = decodeLines(`${whole}\n={"not":"json"}\n{"time":"T2","lost":7,"text":"gap"}\n=after`, 10);
    expect(lines.map((l) => [l.n, l.time, l.text, l.lost])).toEqual([
      [10, "T1", "one", undefined],
      [11, "T1", '{"not":"json"}', undefined],
      [12, "T2", "gap", 7],
      [13, "T2", "after", undefined],
    ]);
    expect(lines.every((l) => l.name === "web[1]" && l.release === 2)).toBe(true);
  });
  it("leaves out what can't be read, and nothing else", () => {
    expect(
      decodeLines('{"broken\n{"source":"app","name":"web","time":"T","time_from":"line","text":"x"}', 0).map(
        (l) => l.text,
      ),
    ).toEqual(["x"]);
    expect(decodeLines("=nothing before it", 0)).toEqual([]);
  });
  it("writes a line for a file with its loss, and JSON without its number", () => {
    expect(plainLine(line(3, "gone", { lost: 12 }))).toContain("12 bytes lost");
    expect(JSON.parse(jsonLine(line(3, "x")))).not.toHaveProperty("n");
  });
});

describe("text of programs", () => {
  it("turns colours into looks and joins what is alike", () => {
    expect(segments("a\x1b[31;1mred\x1b[0mb")).toEqual([
      { text: "a", look: {} },
      { text: "red", look: { color: "red", bold: true } },
      { text: "b", look: {} },
    ]);
    expect(segments("\x1b[38;5;2mg\x1b[38;2;1;2;3mx\x1b[39my").map((s) => s.look.color)).toEqual([
      "green",
      undefined,
      undefined,
    ]);
  });
  it("shows every other escape instead of obeying it", () => {
    expect(visible("\x1b]0;title\x07\x1b[2J\rx")).toBe("␛]0;title␇␛[2J␍x");
    expect(visible("\x9b31m\x7f")).toBe("<U+009B>31m␡");
    expect(segments("a\x00b")[1]).toEqual({ text: "␀", look: {}, control: true });
  });
  it("shows what turns or hides text", () => {
    expect(visible("admin\u202etxt.exe\u200b\u2066")).toBe("admin<U+202E>txt.exe<U+200B><U+2066>");
    expect(visible("tab\tand <b>markup</b> ümlaut 🧇")).toBe("tab\tand <b>markup</b> ümlaut 🧇");
  });
  it("marks ranges across looks without losing a letter", () => {
    const list = marked(segments("ab\x1b[32mcd\x1b[0mef"), [[1, 3], [5, 6]]); // biome-ignore format: short
    expect(list.map((s) => [s.text, Boolean(s.mark)])).toEqual([
      ["a", false],
      ["b", true],
      ["c", true],
      ["d", false],
      ["e", false],
      ["f", true],
    ]);
  });
});

describe("filter", () => {
  it("finds a text whatever its case, and through colours", () => {
    const m = made({ text: "GET /[x]", regex: false, stream: "" });
    expect(m.test(line(1, "\x1b[32mget\x1b[0m /[X] 200"))).toBe(true);
    expect(m.test(line(2, "get /x"))).toBe(false);
    expect(m.ranges("a GET /[x]b")).toEqual([[2, 10]]);
  });
  it("reads an expression, minds its case, and says what is wrong with one", () => {
    const m = made({ text: "5\\d\\d$", regex: true, stream: "" });
    expect([m.test(line(1, "status 503")), m.test(line(1, "status 503")), m.test(line(2, "status 200"))]).toEqual([
      true,
      true,
      false,
    ]);
    const bad = matcher({ text: "(", regex: true, stream: "" });
    expect("error" in bad && bad.error).toMatch(/no regular expression: .*group/);
  });
  it("narrows by stream", () => {
    const m = made({ text: "", regex: false, stream: "stderr" });
    expect([line(1, "x", { stream: "stderr" }), line(2, "x", { stream: "stdout" })].map(m.test)).toEqual([true, false]);
  });
  it("ends with expressions that match nothing, and bounds the marks of a line", () => {
    expect(made({ text: "x*", regex: true, stream: "" }).ranges("axxb")).toEqual([[1, 3]]);
    expect(made({ text: "a", regex: false, stream: "" }).ranges("a".repeat(500))).toHaveLength(50);
  });
  it("marks from the beginning of a line, whatever was looked at before", () => {
    const m = made({ text: "work", regex: false, stream: "" });
    expect(m.test(line(1, "it worked"))).toBe(true);
    expect(m.ranges("worked")).toEqual([[0, 4]]);
  });
  it("asks the server for the same", () => {
    expect(grepOf({ text: "a.b", regex: false, stream: "" })).toBe("(?i)a\\.b");
    expect(grepOf({ text: "a.b", regex: true, stream: "" })).toBe("a.b");
    expect(new RegExp(`^${escaped("-/[a]{1}|$")}$`, "u").test("-/[a]{1}|$")).toBe(true);
  });
});

describe("buffer", () => {
  const now = (f: () => void) => f();
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => line(from + i, `line ${from + i}`));

  it("keeps the last lines only, and says how many it let go", () => {
    const b = new LogBuffer(100, now);
    for (let i = 0; i < 50; i++) b.append(many(i * 100, 100));
    const shown = b.get();
    expect(shown.total + shown.missed).toBe(5000);
    expect(shown.total).toBeLessThanOrEqual(2100);
    expect(shown.lines.at(-1)?.n).toBe(4999);
  });
  it("shows what matches of what is there and of what comes", () => {
    const b = new LogBuffer(1000, now);
    b.append(many(0, 20));
    b.filter(made({ text: "line 1", regex: false, stream: "" }));
    expect(b.get().lines.map((l) => l.n)).toEqual([1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    b.append(many(20, 100));
    expect(b.get().lines.at(-1)?.n).toBe(119);
    b.filter(made({ text: "", regex: false, stream: "" }));
    expect(b.get().lines).toHaveLength(120);
  });
  it("puts lines aside while paused, bounded, and shows them in order afterwards", () => {
    const b = new LogBuffer(50, now);
    b.append(many(0, 10));
    b.pause();
    b.append(many(10, 80));
    expect(b.get()).toMatchObject({ total: 10, waiting: 50, missed: 30 });
    b.resume();
    expect(
      b
        .get()
        .lines.map((l) => l.n)
        .slice(8, 12),
    ).toEqual([8, 9, 40, 41]);
  });
  it("tells once a frame, however much comes", () => {
    const frames: (() => void)[] = [];
    const b = new LogBuffer(1000, (f) => frames.push(f));
    let told = 0;
    b.subscribe(() => told++);
    for (let i = 0; i < 10; i++) b.append(many(i, 1));
    expect([frames.length, told]).toEqual([1, 0]);
    frames[0]?.();
    expect([told, b.get().total]).toEqual([1, 10]);
  });
});

it("names in the address what narrows the stream, and nothing else", () => {
  expect(tailURL({ team: "a", app: "shop", process: "", follow: true, lines: 10 })).toBe(
    "/v1/apps/shop/logs?follow=true&terse=true&team=a&lines=10",
  );
});
