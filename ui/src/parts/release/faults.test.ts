import { describe, expect, it } from "vitest";
import { marksOf, placed } from "./faults";

const text = `app "shop" {
  # memory = "not this"
  process "web" {
    command = ["./shop", "memory = 1"]
    memory  = "64MiB"
    port "http" { port = 80 }
    env = {
      memory = "nor this"
    }
  }
  /* process "x" {
  } */
  task "seed" {
    memory = "1"
  }
  file "a" {
    text = <<EOT
process "web" { memory = 3 }
EOT
    mode = 3
  }
  env = { GREETING = "a # b" }
}
`;

const at = (location: string) => placed(text, [{ location, message: "m" }])[0];

describe("where a fault is", () => {
  it("is where the parser says, for what can't be read", () => {
    expect(at("crumpet.hcl:9:14")).toMatchObject({ line: 9, column: 14 });
  });
  it("is the line of its key, not of a comment or text that reads like it", () => {
    expect(at("process.web.memory")).toMatchObject({ line: 5, column: 5 });
    expect(at("task.seed.memory")).toMatchObject({ line: 14, column: 5 });
    expect(at("file.a.mode")).toMatchObject({ line: 20, column: 5 });
    expect(at("env")).toMatchObject({ line: 22, column: 3 });
  });
  it("is inside of a block on one line", () => {
    expect(at("process.web.port.http.port")).toMatchObject({ line: 6, column: 19 });
  });
  it("is the block of a key that is missing, the value of one inside", () => {
    expect(at("process.web.health.path")).toMatchObject({ line: 3 });
    expect(at("process.web.env.OTHER")).toMatchObject({ line: 7 });
    expect(at("process.web.command[0]")).toMatchObject({ line: 4 });
  });
  it("is the app's block where nothing else is known, and nowhere for a fault of the whole", () => {
    expect(at("process.api.memory")).toMatchObject({ line: 1 });
    expect(at("")?.line).toBeUndefined();
  });
  it("does not end at an unfinished text", () => {
    expect(marksOf('app "x" {\n process "w" {\n  memory = "1').at(-1)).toMatchObject({
      path: "process.w.memory",
      line: 3,
    });
    expect(marksOf("}}}}")).toEqual([]);
  });
});
