import { describe, expect, it } from "vitest";
import { cliRedirect, ownPath } from "./then";

describe("where to go after signing in", () => {
  it.each(["/apps", "/apps/shop/web/deploys?from=1#x", "/login/cli?challenge=abc&state=s"])(
    "takes a path of our own: %s",
    (path) => {
      expect(ownPath(path)).toBe(path);
    },
  );
  it.each([
    undefined,
    "",
    "https://evil.example/",
    "//evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "apps",
    "/x/..//evil.example",
    "/login?then=/login",
    "/a\u0000b",
  ])("takes nothing else: %s", (path) => {
    expect(ownPath(path)).toBe("/apps");
  });
});

describe("where a CLI listens", () => {
  it.each(["http://127.0.0.1:4321/done", "http://[::1]:1/done"])("is this machine: %s", (r) =>
    expect(cliRedirect(r)).toBe(r),
  );
  it.each([
    "http://127.0.0.1/done",
    "https://127.0.0.1:4321/done",
    "http://127.0.0.1:4321@evil.example/done",
    "http://localhost:1/done",
    "http://127.0.0.1:4321/done?x=1",
    "javascript:alert(1)",
    undefined,
  ])("is nowhere else: %s", (r) => expect(cliRedirect(r)).toBeUndefined());
});
