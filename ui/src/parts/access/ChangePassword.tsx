import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import { ApiError } from "../../api/error";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { Dialog } from "../../kit/Dialog";
import { Field, TextInput } from "../../kit/Field";
import { useToast } from "../../kit/Toast";

export const SHORTEST = 12; // characters of a password

/** Changes the caller's own password. */
export function ChangePassword({ onClose }: { onClose: () => void }) {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [tried, setTried] = useState(false);
  const toast = useToast();
  const change = useMutation({
    mutationFn: () => data(api.PUT("/v1/self/password", { body: { old, new: next } })),
    gcTime: 0,
    onSuccess: () => {
      toast("Your password is another now. Other browsers are signed out.");
      onClose();
    },
  });
  const error = change.error instanceof ApiError ? change.error : undefined;
  const short = next.length < SHORTEST ? `Give at least ${SHORTEST} characters.` : "";
  return (
    <Dialog
      open
      onClose={onClose}
      title="Change your password"
      description="Your other browsers are signed out; your tokens go on."
      onSubmit={() => {
        setTried(true);
        if (!short && old !== "" && !change.isPending) change.mutate();
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={change.isPending}>
            Change it
          </Button>
        </>
      }
    >
      <Field
        label="Password now"
        error={(tried && old === "" && "Give the password that you have now.") || error?.about("body.old")}
      >
        <TextInput
          type="password"
          autoComplete="current-password"
          value={old}
          onChange={(e) => setOld(e.target.value)}
        />
      </Field>
      <Field
        label="New password"
        hint={`At least ${SHORTEST} characters.`}
        error={(tried && short) || error?.about("body.new")}
      >
        <TextInput type="password" autoComplete="new-password" value={next} onChange={(e) => setNext(e.target.value)} />
      </Field>
      {change.error && <ErrorBanner error={change.error} />}
    </Dialog>
  );
}
