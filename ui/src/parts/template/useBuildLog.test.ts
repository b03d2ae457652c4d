import { expect, it } from "vitest";
import { merged } from "./useBuildLog";

it("has each line of a build once, in order, though history and stream overlap", () => {
  const line = (id: number) => ({ id, message: `line ${id}` });
  expect(merged([line(1), line(2), line(3)], [line(3), line(5), line(4)]).map((l) => l.id)).toEqual([1, 2, 3, 4, 5]);
});
