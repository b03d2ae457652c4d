import { describe, expect, it } from "vitest";
import { faultOf, fieldsOf, parametersOf, readObject } from "./schema";

const schema = {
  type: "object",
  required: ["size"],
  additionalProperties: false,
  properties: {
    size: { type: "integer", minimum: 1, maximum: 8, description: "in GB" },
    name: { type: "string", pattern: "^[a-z]+$", maxLength: 4 },
    mode: { type: "string", enum: ["fast", "safe"], default: "safe" },
    backups: { type: "boolean" },
  },
};
const field = (name: string) => {
  const f = fieldsOf(schema)?.find((x) => x.name === name);
  if (!f) throw new Error(name);
  return f;
};

describe("JSON schema of a plan", () => {
  it("has fields for simple values, and none where nothing may be given", () => {
    expect(fieldsOf(schema)?.map((f) => [f.name, f.type, f.required, f.initial])).toEqual([
      ["size", "integer", true, ""],
      ["name", "string", false, ""],
      ["mode", "string", false, "safe"],
      ["backups", "boolean", false, ""],
    ]);
    expect(fieldsOf({ type: "object", additionalProperties: false })).toEqual([]);
    expect(fieldsOf(undefined)).toEqual([]);
  });
  it("leaves what it does not know to JSON", () => {
    expect(fieldsOf({ type: "object" })).toBeUndefined();
    expect(fieldsOf({ oneOf: [], properties: {} })).toBeUndefined();
    expect(fieldsOf({ properties: { a: { type: "array" } } })).toBeUndefined();
  });
  it("says what is wrong with a value", () => {
    expect([
      faultOf(field("size"), ""),
      faultOf(field("size"), "9"),
      faultOf(field("size"), "1.5"),
      faultOf(field("size"), "x"),
    ]).toEqual(["Give a value.", "Give at most 8.", "Give a whole number.", "Give a number."]);
    expect(faultOf(field("size"), "8")).toBe("");
    expect(faultOf(field("name"), "abcde")).toContain("at most 4");
    expect(faultOf(field("name"), "A1")).toContain("does not fit");
    expect(faultOf(field("mode"), "slow")).toContain("fast, safe");
  });
  it("sends numbers as numbers, and leaves out what is empty", () => {
    expect(parametersOf(fieldsOf(schema) ?? [], { size: "3", name: "", backups: "true" })).toEqual({
      size: 3,
      mode: "safe",
      backups: true,
    });
    expect(parametersOf([], {})).toBeUndefined();
  });
  it("reads an object that was typed", () => {
    expect(readObject(' {"a": 1}')).toEqual({ value: { a: 1 } });
    expect(readObject("")).toEqual({});
    expect(readObject("[1]").fault).toContain("JSON object");
    expect(readObject("{").fault).toContain("no JSON");
  });
});
