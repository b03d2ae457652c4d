import { describe, expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { actsOf, ended, titleOf, whereText } from "./steps";

const walk = (over: Partial<Schemas["Deployment"]> = {}): Schemas["Deployment"] => ({
  id: "d1",
  team: "default",
  app: "shop",
  release: 4,
  previous: 3,
  slot: "green",
  from: "blue",
  cause: "push",
  status: "running",
  walk: true,
  wanted: { web: 2 },
  steps: [
    { new: { web: 1 }, old: { web: 2 }, share: 25, manual: true },
    { new: { web: 2 }, old: {}, share: 100 },
  ],
  step: 0,
  abort: false,
  cancel: false,
  created_at: "2026-11-23T10:00:00Z",
  step_at: "2026-11-23T10:00:00Z",
  ...over,
});

describe("where a deployment stands", () => {
  it("says the step, the share and what it waits for", () => {
    expect(whereText(walk({ waits: "hold" }))).toBe(
      "step 1 of 2, 25 % of requests to release 4, held until it is promoted",
    );
    expect(whereText(walk({ abort: true, step: 1 }))).toBe("walking back, step 2 of 2, 100 % of requests to release 4");
    expect(whereText(walk({ status: "pending" }))).toBe("");
  });
  it("names what it is for", () => {
    expect(titleOf(walk())).toBe("Release 4");
    expect(titleOf(walk({ cause: "restart", previous: 4 }))).toBe("Restart of release 4");
  });
});

describe("what may be asked of it", () => {
  it("is to promote it where it waits, but for Vault", () => {
    expect(actsOf(walk()).promote).toBe(false);
    expect(actsOf(walk({ waits: "hold" })).promote).toBe(true);
    expect(actsOf(walk({ waits: "vault" })).promote).toBe(false);
  });
  it("is to pause it while it walks between slots, and to resume it then", () => {
    expect(actsOf(walk())).toMatchObject({ pause: true, resume: false });
    expect(actsOf(walk({ waits: "pause", status: "paused" }))).toMatchObject({
      pause: false,
      resume: true,
      promote: true,
    });
    expect(actsOf(walk({ status: "pending" })).pause).toBe(false);
    expect(actsOf(walk({ from: "green" })).pause).toBe(false);
    expect(actsOf(walk({ waits: "failure" })).pause).toBe(false);
  });
  it("is nothing once it has ended or walks back", () => {
    const none = { promote: false, pause: false, resume: false, abort: false };
    expect(actsOf(walk({ abort: true }))).toEqual(none);
    for (const status of ["healthy", "failed", "reverted", "canceled"]) {
      expect(ended({ status })).toBe(true);
      expect(actsOf(walk({ status, waits: "hold" }))).toEqual(none);
    }
  });
});
