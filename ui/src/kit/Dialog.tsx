import { Dialog as Radix } from "radix-ui";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button, IconButton } from "./Button";
import { CliHint } from "./CliHint";
import { cx } from "./cx";
import css from "./Dialog.module.css";
import { Field, TextInput } from "./Field";
import { xIcon } from "./icons";

export type DialogProps = {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  wide?: boolean;
  footer?: ReactNode;
  onSubmit?: () => void; // makes the dialog a form: Enter in a field submits it
  children?: ReactNode;
};

/** A modal dialog: it traps the focus, gives it back, and Escape closes it. */
export function Dialog({ open, onClose, title, description, wide, footer, onSubmit, children }: DialogProps) {
  const inside = (
    <>
      <div className={css.body}>
        {description ? (
          <Radix.Description asChild>
            <div>{description}</div>
          </Radix.Description>
        ) : (
          <Radix.Description className="hidden">{title}</Radix.Description>
        )}
        {children}
      </div>
      {footer && <div className={css.foot}>{footer}</div>}
    </>
  );
  const submit = (e: FormEvent) => {
    e.preventDefault();
    onSubmit?.();
  };
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={css.scrim} />
        <Radix.Content className={cx(css.dialog, wide && css.wide)}>
          <div className={css.head}>
            <Radix.Title className={css.title}>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon={xIcon} label="Close" small />
            </Radix.Close>
          </div>
          {onSubmit ? (
            <form onSubmit={submit} className={css.form} noValidate>
              {inside}
            </form>
          ) : (
            inside
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export type ConfirmDialogProps = {
  open: boolean;
  onClose: () => void;
  title: string;
  description: ReactNode;
  confirm: string; // what the button says, a verb: "Destroy shop"
  onConfirm: () => void;
  name?: string; // must be typed before the button works: for what can't be undone
  busy?: boolean;
  error?: ReactNode;
  command?: string; // the CLI's command that does the same
};

/** Asks before something that hurts; with `name` it has to be typed. */
export function ConfirmDialog({
  open,
  onClose,
  title,
  description,
  confirm,
  onConfirm,
  name,
  busy,
  error,
  command,
}: ConfirmDialogProps) {
  const [typed, setTyped] = useState("");
  const close = () => {
    setTyped("");
    onClose();
  };
  const ready = name === undefined || typed === name;
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      description={description}
      onSubmit={() => ready && !busy && onConfirm()}
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button kind="critical" type="submit" disabled={!ready} busy={busy}>
            {confirm}
          </Button>
        </>
      }
    >
      {name !== undefined && (
        <Field label={`Type ${name} to confirm`} error={error}>
          <TextInput
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            autoComplete="off"
            spellCheck={false}
            mono
          />
        </Field>
      )}
      {name === undefined && error && <p role="alert">{error}</p>}
      {command && <CliHint command={command} />}
    </Dialog>
  );
}
