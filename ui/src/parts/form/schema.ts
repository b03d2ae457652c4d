// The parameters of a plan, as its JSON schema describes them: fields where it is an object of simple values, else the
// JSON itself. Only the simple rules are checked here; the server checks all of them.

type Schema = Record<string, unknown>;
export type FieldOf = {
  name: string;
  type: "string" | "number" | "integer" | "boolean";
  title: string;
  description: string;
  required: boolean;
  options?: string[];
  initial: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
};

const isObject = (v: unknown): v is Schema => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v: unknown) => (typeof v === "string" ? v : "");
const number = (v: unknown) => (typeof v === "number" ? v : undefined);
const simple = ["string", "number", "integer", "boolean"] as const;

/** The fields of a schema; [] for one without parameters; undefined where only JSON will do. */
export function fieldsOf(schema: unknown): FieldOf[] | undefined {
  if (!isObject(schema)) return schema == null ? [] : undefined;
  for (const key of ["oneOf", "anyOf", "allOf", "$ref", "if", "patternProperties"]) if (key in schema) return undefined;
  const properties = schema.properties;
  if (properties === undefined) return schema.additionalProperties === false ? [] : undefined;
  if (!isObject(properties)) return undefined;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const out: FieldOf[] = [];
  for (const [name, p] of Object.entries(properties)) {
    if (!isObject(p)) return undefined;
    const type =
      simple.find((t) => t === p.type) ?? (Array.isArray(p.enum) && p.type === undefined ? "string" : undefined);
    if (!type || (Array.isArray(p.enum) && !p.enum.every((v) => typeof v === "string" || typeof v === "number")))
      return undefined;
    out.push({
      name,
      type,
      title: text(p.title) || name,
      description: text(p.description),
      required: required.includes(name),
      options: Array.isArray(p.enum) ? p.enum.map(String) : undefined,
      initial: p.default === undefined || p.default === null ? "" : String(p.default),
      minimum: number(p.minimum),
      maximum: number(p.maximum),
      minLength: number(p.minLength),
      maxLength: number(p.maxLength),
      pattern: text(p.pattern) || undefined,
    });
  }
  return out;
}

/** What is wrong with a value, "" for nothing. Empty is fine where it is not required. */
export function faultOf(f: FieldOf, value: string): string {
  if (value === "") return f.required && f.type !== "boolean" ? "Give a value." : "";
  if (f.options && !f.options.includes(value)) return `Choose one of ${f.options.join(", ")}.`;
  if (f.type === "number" || f.type === "integer") {
    const n = Number(value);
    if (!Number.isFinite(n) || value.trim() === "") return "Give a number.";
    if (f.type === "integer" && !Number.isInteger(n)) return "Give a whole number.";
    if (f.minimum !== undefined && n < f.minimum) return `Give at least ${f.minimum}.`;
    if (f.maximum !== undefined && n > f.maximum) return `Give at most ${f.maximum}.`;
  }
  if (f.type === "string" && !f.options) {
    if (f.minLength !== undefined && value.length < f.minLength) return `Give at least ${f.minLength} characters.`;
    if (f.maxLength !== undefined && value.length > f.maxLength) return `Give at most ${f.maxLength} characters.`;
    if (f.pattern && !matches(f.pattern, value)) return `This does not fit ${f.pattern}.`;
  }
  return "";
}

// An expression that a browser does not know is left to the server.
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

/** The parameters that the values stand for: what was left empty is left out. */
export function parametersOf(
  fields: readonly FieldOf[],
  values: Readonly<Record<string, string>>,
): Record<string, unknown> | undefined {
  const out: Record<string, unknown> = {};
  for (const f of fields) {
    const value = values[f.name] ?? f.initial;
    if (value === "") continue;
    out[f.name] = f.type === "boolean" ? value === "true" : f.type === "string" ? value : Number(value);
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

/** Reads a JSON object that was typed; "" is none. */
export function readObject(json: string): { value?: Record<string, unknown>; fault?: string } {
  if (json.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? { value } : { fault: 'Give a JSON object, such as {"size": 3}.' };
  } catch (e) {
    return { fault: `This is no JSON: ${e instanceof Error ? e.message : String(e)}` };
  }
}
