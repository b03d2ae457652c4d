// Causes that are no trouble: what the pages say of them elsewhere is enough.
const expected = new Set(["serving", "deploying", "canary-held", "paused", "starting"]);

/** Whether a cause is how things should be, so that no chain has to explain it. */
export const isExpected = (cause: string) => expected.has(cause);
