import { useState } from "react";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Dialog } from "../../kit/Dialog";
import { Checkbox, Field, TextArea } from "../../kit/Field";
import { cli } from "../app/cli";
import css from "./Config.module.css";
import { type Assignment, parseEnv } from "./env";

export type ImportDialogProps = {
  team: string;
  app: string;
  onClose: () => void;
  onFound: (found: Assignment[], secret: boolean) => void;
};

/** Reads the text of a .env file into the changes. Nothing is sent by it. */
export function ImportDialog({ team, app, onClose, onFound }: ImportDialogProps) {
  const [text, setText] = useState("");
  const [secret, setSecret] = useState(true);
  const { found, faults } = parseEnv(text);
  const load = async (file: File | undefined) => {
    if (file) setText(await file.text());
  };
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Import a .env file"
      description="Its keys are put among the changes, to be looked at before they are sent. Keys that it lacks stay."
      onSubmit={() => found.length > 0 && onFound(found, secret)}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={found.length === 0}>
            {found.length > 0 ? `Take ${found.length} ${found.length === 1 ? "key" : "keys"}` : "Take the keys"}
          </Button>
        </>
      }
    >
      <Field
        label="Text of the file"
        hint="Lines of NAME=value. Nothing is expanded: $ stands for itself."
        error={
          faults.length > 0 && (
            <ul className={css.faults}>
              {faults.slice(0, 20).map((f) => (
                <li key={`${f.line}:${f.column}`}>
                  Line {f.line}, column {f.column}: {f.message}
                </li>
              ))}
              {faults.length > 20 && <li>and {faults.length - 20} more</li>}
            </ul>
          )
        }
      >
        <TextArea
          mono
          rows={10}
          value={text}
          onChange={(e) => setText(e.target.value)}
          spellCheck={false}
          autoComplete="off"
        />
      </Field>
      <label className={css.file}>
        <span>or choose the file</span>
        <input type="file" onChange={(e) => void load(e.target.files?.[0])} />
      </label>
      <Checkbox
        label="Set them as secrets"
        hint="Keys that are secrets now stay so either way."
        checked={secret}
        onChange={(e) => setSecret(e.target.checked)}
      />
      <CliHint command={cli(team, "config", "import", ".env", secret && "--secret", "--app", app)} />
    </Dialog>
  );
}
