import { describe, expect, it } from "vitest";
import { commandsOf, nameFault } from "./name";

describe("a name", () => {
  it.each(["a", "shop", "shop-2", "a1-b2-c3", "a".repeat(24)])("may be %s", (n) => expect(nameFault(n)).toBe(""));
  it.each(["", "Shop", "2shop", "-shop", "shop-", "a--b", "a.b", "a_b", "é", "a".repeat(25), "a b"])(
    "may not be %s",
    (n) => expect(nameFault(n)).not.toBe(""),
  );
});

it("names the app and the team in the commands", () => {
  const list = ["crumpet init --template go-web NAME", "cd NAME", "crumpet push"];
  expect(commandsOf(list, "shop", "default")).toEqual([
    "crumpet init --template go-web shop",
    "cd shop",
    "crumpet push",
  ]);
  expect(commandsOf(list, "shop", "blue").at(-1)).toBe("crumpet push --team blue");
});
