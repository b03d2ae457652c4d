import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Dialog } from "../../kit/Dialog";
import { cli } from "../app/cli";

export const SHOWN_FOR = 60; // seconds

export type Revealed = { values: Map<string, string>; left: number; hide: () => void };

/** Values that were revealed, for a minute: then they are forgotten. */
export function useRevealed(): [Revealed, (answer: Schemas["RevealedConfig"]) => void] {
  const [values, setValues] = useState<Map<string, string>>(new Map());
  const [left, setLeft] = useState(0);
  const timer = useRef<ReturnType<typeof setInterval>>(undefined);
  const hide = () => {
    clearInterval(timer.current);
    setValues(new Map());
    setLeft(0);
  };
  useEffect(() => () => clearInterval(timer.current), []);
  const show = (answer: Schemas["RevealedConfig"]) => {
    clearInterval(timer.current);
    setValues(new Map(answer.items.map((v) => [v.name, v.value])));
    const until = Date.now() + SHOWN_FOR * 1000;
    setLeft(SHOWN_FOR);
    timer.current = setInterval(() => {
      const s = Math.ceil((until - Date.now()) / 1000);
      if (s <= 0) hide();
      else setLeft(s);
    }, 1000);
  };
  return [{ values, left, hide }, show];
}

export type RevealDialogProps = {
  team: string;
  app: string;
  names: string[]; // none for all
  version?: number;
  onClose: () => void;
  onShown: (answer: Schemas["RevealedConfig"]) => void;
};

/** Asks before values are shown: it is written down who saw which. */
export function RevealDialog({ team, app, names, version, onClose, onShown }: RevealDialogProps) {
  const reveal = useMutation({
    mutationFn: () =>
      data(
        api.POST("/v1/apps/{app}/config/reveal", {
          params: { path: { app }, query: { team } },
          body: { names: names.length > 0 ? names : undefined, version },
        }),
      ),
    onSuccess: (answer) => {
      onShown(answer);
      onClose();
    },
    gcTime: 0, // values are not kept
  });
  const what =
    names.length === 0 ? "all values" : names.length === 1 ? `the value of ${names[0]}` : `${names.length} values`;
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Show ${what}${version ? ` of version ${version}` : ""}?`}
      description={`The audit and the activity of ${app} say that you were shown ${names.length === 1 ? "this key" : "these keys"}, never what the values are. They are hidden again after ${SHOWN_FOR} seconds.`}
      onSubmit={() => !reveal.isPending && reveal.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={reveal.isPending}>
            Show and write it down
          </Button>
        </>
      }
    >
      {reveal.error && <ErrorBanner error={reveal.error} />}
      <CliHint command={cli(team, "config", "reveal", ...names, "--app", app, version && `--version=${version}`)} />
    </Dialog>
  );
}
