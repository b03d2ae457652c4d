import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { capital, Prose } from "./Prose";

const html = (text: string) => renderToStaticMarkup(<Prose>{text}</Prose>);

describe("a sentence of the server", () => {
  it("has its commands set as such", () => {
    expect(html("held: `crumpet promote shop` goes on")).toBe("held: <code>crumpet promote shop</code> goes on");
    expect(html("`a` and `b`")).toBe("<code>a</code> and <code>b</code>");
  });
  it("stays text, whatever is in it", () => {
    expect(html("<b>x</b> `<i>`")).toBe("&lt;b&gt;x&lt;/b&gt; <code>&lt;i&gt;</code>");
    expect(html("one ` alone")).toBe("one ` alone");
    expect(html("`a` and ` open")).toBe("<code>a</code> and ` open");
  });
});

it("begins with a capital letter, but for keys and commands", () => {
  expect(["step 2 of 3", "env.FAIL changed", "process.web.memory", "`x`", "web. Then", ""].map(capital)).toEqual([
    "Step 2 of 3",
    "env.FAIL changed",
    "process.web.memory",
    "`x`",
    "Web. Then",
    "",
  ]);
});
