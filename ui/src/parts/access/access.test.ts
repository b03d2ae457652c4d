import { expect, it } from "vitest";
import { agentText, quotaAmount, quotaChange, scopeText } from "./words";

it("says what a token may", () => {
  expect(scopeText({ teams: [], apps: [], verbs: [] })).toBe("all that its owner may");
  expect(scopeText({ teams: ["a"], apps: ["a/shop"], verbs: ["deploy", "read"] })).toBe("deploy, read; only in a/shop");
  expect(scopeText({ teams: ["a", "b"], apps: [], verbs: ["read"] })).toBe("read; only in team a, team b");
});

it("sends of a quota what differs only, and 0 for what was emptied", () => {
  expect(quotaChange({ memory: 512, apps: 3 }, { memory: "512", apps: "", cpu: "2000", routes: "" })).toEqual({
    change: { apps: 0, cpu: 2000 },
    faults: {},
  });
  expect(quotaChange({}, { apps: "many", cpu: "-1", memory: "1.5" })).toEqual({
    change: undefined,
    faults: Object.fromEntries(
      ["memory", "cpu", "apps"].map((w) => [w, "Give a whole number, or nothing for no bound."]),
    ),
  });
});

it("says amounts in their unit", () => {
  expect([quotaAmount("memory", 512), quotaAmount("cpu", 500), quotaAmount("apps", 7)]).toEqual([
    "512 MB",
    "500 MHz",
    "7",
  ]);
});

it("knows browsers by their names", () => {
  expect(
    agentText("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"),
  ).toBe("Chrome 140 on Linux");
  expect(agentText("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:142.0) Gecko/20100101 Firefox/142.0")).toBe(
    "Firefox 142 on macOS",
  );
  expect(agentText("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0")).toBe(
    "Edge 140 on Windows",
  );
  expect(agentText("")).toBe("unknown");
});
