import type { ApiError } from "../../api/error";
import { Checkbox, Field, Select, TextArea, TextInput } from "../../kit/Field";
import { type FieldOf, faultOf, fieldsOf, parametersOf, readObject } from "./schema";

export type Typed = { values: Record<string, string>; json: string };
export const nothingTyped: Typed = { values: {}, json: "" };

export type SchemaFormProps = {
  schema: unknown;
  typed: Typed;
  onTyped: (typed: Typed) => void;
  tried: boolean; // faults are shown from the first try on
  error?: ApiError;
};

/** The fields of a JSON schema, with the API's faults at them. */
export function SchemaForm({ schema, typed, onTyped, tried, error }: SchemaFormProps) {
  const fields = fieldsOf(schema);
  const about = (name: string) =>
    error?.errors.find((e) => [`parameters.${name}`, `body.parameters.${name}`].includes(e.location ?? ""))?.message;
  const whole = error?.errors.find((e) => ["parameters", "body.parameters"].includes(e.location ?? ""))?.message;
  if (!fields)
    return (
      <Field
        label="Parameters"
        hint="A JSON object that fits the plan. Nothing secret: others see parameters."
        error={(tried && readObject(typed.json).fault) || whole}
        optional
      >
        <TextArea
          mono
          rows={6}
          value={typed.json}
          placeholder="{}"
          spellCheck={false}
          onChange={(e) => onTyped({ ...typed, json: e.target.value })}
        />
      </Field>
    );
  return (
    <>
      {fields.map((f) => (
        <One
          key={f.name}
          field={f}
          value={typed.values[f.name] ?? f.initial}
          error={(tried && faultOf(f, typed.values[f.name] ?? f.initial)) || about(f.name)}
          onChange={(v) => onTyped({ ...typed, values: { ...typed.values, [f.name]: v } })}
        />
      ))}
    </>
  );
}

function One({
  field,
  value,
  error,
  onChange,
}: {
  field: FieldOf;
  value: string;
  error?: string;
  onChange: (v: string) => void;
}) {
  if (field.type === "boolean")
    return (
      <Checkbox
        label={field.title}
        hint={field.description}
        checked={value === "true"}
        onChange={(e) => onChange(String(e.target.checked))}
      />
    );
  return (
    <Field label={field.title} hint={field.description} error={error} optional={!field.required}>
      {field.options ? (
        <Select value={value} onChange={(e) => onChange(e.target.value)} options={["", ...field.options]} />
      ) : (
        <TextInput
          value={value}
          inputMode={field.type === "string" ? undefined : "decimal"}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
    </Field>
  );
}

/** The parameters as the API takes them, or that they are not right. */
export function read(schema: unknown, typed: Typed): { value?: Record<string, unknown>; wrong: boolean } {
  const fields = fieldsOf(schema);
  if (!fields) {
    const { value, fault } = readObject(typed.json);
    return { value, wrong: fault !== undefined };
  }
  return {
    value: parametersOf(fields, typed.values),
    wrong: fields.some((f) => faultOf(f, typed.values[f.name] ?? f.initial) !== ""),
  };
}
