import { describe, expect, it } from "vitest";
import { add, commandsOf, edit, faultsOf, merge, requestOf } from "./draft";
import { parseEnv } from "./env";

const key = (name: string, secret = false) => ({ name, secret, version: 1, set_at: "", set_by: "" });

describe(".env", () => {
  it("reads values with comments, quotes, escapes and several lines", () => {
    const text = `# top
A=1
export B = 'it # stands'  # c
C="a\\n\\$x\\"\\\\"
D=http://x/#y # comment
E=
F='two
lines'
`;
    expect(parseEnv(text)).toEqual({
      faults: [],
      found: [
        { name: "A", value: "1" },
        { name: "B", value: "it # stands" },
        { name: "C", value: 'a\n$x"\\' },
        { name: "D", value: "http://x/#y" },
        { name: "E", value: "" },
        { name: "F", value: "two\nlines" },
      ],
    });
  });
  it("takes what Windows writes, and expands nothing", () => {
    expect(parseEnv("\uFEFFA=$HOME\r\nB=x\r\n").found).toEqual([
      { name: "A", value: "$HOME" },
      { name: "B", value: "x" },
    ]);
  });
  it("says every fault with its place, and gives nothing then", () => {
    const { found, faults } = parseEnv('OK=1\n1BAD=2\nhunter2\nOK=3\nX="a\\q" y\nZ="open');
    expect(found).toEqual([]);
    expect(faults.map((f) => [f.line, f.column])).toEqual([
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 5],
      [5, 9],
      [6, 3],
    ]);
    expect(JSON.stringify(faults)).not.toContain("hunter2");
  });
});

describe("draft", () => {
  it("keeps one change for each key", () => {
    const draft = edit(edit([], key("A"), false), key("A"), true);
    expect(draft.map((c) => [c.name, c.unset])).toEqual([["A", true]]);
    expect(requestOf(draft, 4)).toEqual({ base: 4, set: [], unset: ["A"] });
  });
  it("imports over what is drafted, and keeps secrets secret", () => {
    const keys = [key("TOKEN", true), key("A")];
    const draft = merge(add(edit([], keys[1] as never, true)), [{ name: "A", value: "2" }, { name: "TOKEN", value: "t" }], false, keys); // biome-ignore format: short
    expect(draft.map((c) => [c.name, c.kind, c.value, c.unset, c.there])).toEqual([
      ["A", "plain", "2", false, true],
      ["TOKEN", "secret", "t", false, true],
    ]);
  });
  it("says what is wrong before it is sent", () => {
    const draft = merge(add([]), [], false, []);
    expect(faultsOf(draft).size).toBe(0);
    const bad = [...add([]), ...merge([], [{ name: "1X", value: "" }, { name: "A", value: "" }], false, []), ...merge([], [{ name: "A", value: "" }], false, [])]; // biome-ignore format: short
    expect([...faultsOf(bad).values()]).toHaveLength(3);
  });
  it("puts no secret into a command", () => {
    const draft = merge([], [{ name: "A", value: "x y" }], false, []).concat(merge([], [{ name: "S", value: "hunter2" }], true, []), edit([], key("OLD"), true)); // biome-ignore format: short
    expect(commandsOf("default", "shop", draft, true)).toEqual([
      "crumpet secret set S --app shop --stage",
      "crumpet config set 'A=x y' --app shop --stage",
      "crumpet config unset OLD --app shop --stage",
    ]);
  });
});
