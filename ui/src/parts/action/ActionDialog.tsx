import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ErrorBanner } from "../../kit/Banner";
import { Button, type ButtonProps } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Dialog } from "../../kit/Dialog";
import { Field, TextInput } from "../../kit/Field";
import { useToast } from "../../kit/Toast";

export type ActionDialogProps<T> = {
  onClose: () => void;
  title: string;
  description: ReactNode;
  confirm: string; // what the button says: a verb
  kind?: ButtonProps["kind"];
  command: string;
  run: () => Promise<T>;
  said: string; // what is told when the server has taken it
  onDone?: (answer: T) => void;
  name?: string; // has to be typed first: for what takes something away from its users
  children?: ReactNode; // fields
};

/** Asks before an action, shows the command that does the same, and the server's refusal where it is one. */
export function ActionDialog<T>({
  onClose,
  title,
  description,
  confirm,
  kind = "primary",
  command,
  run,
  said,
  onDone,
  name,
  children,
}: ActionDialogProps<T>) {
  const toast = useToast();
  const [typed, setTyped] = useState("");
  const act = useMutation({
    mutationFn: run,
    onSuccess: (answer) => {
      toast(said);
      onClose();
      onDone?.(answer);
    },
  });
  const ready = name === undefined || typed === name;
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      onSubmit={() => ready && !act.isPending && act.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={kind} type="submit" disabled={!ready} busy={act.isPending}>
            {confirm}
          </Button>
        </>
      }
    >
      {children}
      {name !== undefined && (
        <Field label={`Type ${name} to confirm`}>
          <TextInput
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            autoComplete="off"
            spellCheck={false}
            mono
          />
        </Field>
      )}
      {act.error && <ErrorBanner error={act.error} />}
      <CliHint command={command} />
    </Dialog>
  );
}
