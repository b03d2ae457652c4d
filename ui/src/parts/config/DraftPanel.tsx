import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { Banner, ErrorBanner } from "../../kit/Banner";
import { Button, IconButton } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Field, Select, TextInput } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { editIcon, eyeIcon, eyeOffIcon, plusIcon, trashIcon, xIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { ActButton } from "../action/ActButton";
import css from "./Config.module.css";
import { add, type Change, commandsOf, faultsOf, type Kind, requestOf } from "./draft";

export type DraftPanelProps = {
  team: string;
  app: string;
  version: number;
  draft: Change[];
  onDraft: (draft: Change[]) => void;
  refused: string;
};

type Other = "refuse" | "wait" | "supersede";

/** Changes that are not sent yet: they become one version, all of them or none. */
export function DraftPanel({ team, app, version, draft, onDraft, refused }: DraftPanelProps) {
  const [note, setNote] = useState("");
  const [other, setOther] = useState<Other>("refuse");
  const [tried, setTried] = useState(false);
  const faults = faultsOf(draft);
  const send = useMutation({
    mutationFn: (stage: boolean) =>
      data(
        api.PATCH("/v1/apps/{app}/config", {
          params: { path: { app }, query: { team } },
          body: {
            ...requestOf(draft, version),
            note: note || undefined,
            stage: stage || undefined,
            wait: (!stage && other === "wait") || undefined,
            supersede: (!stage && other === "supersede") || undefined,
          },
        }),
      ),
    onSuccess: () => {
      onDraft([]);
      setNote("");
      setTried(false);
    },
  });
  const submit = (stage: boolean) => {
    setTried(true);
    if (faults.size === 0) send.mutate(stage);
  };
  const told = (c: Change) =>
    (tried ? faults.get(c.id) : undefined) ?? (send.error instanceof ApiError ? send.error.about(c.name) : undefined);
  // What stands at the fields is not said again below them.
  const allAtFields =
    send.error instanceof ApiError &&
    send.error.errors.length > 0 &&
    send.error.errors.every((e) => draft.some((c) => c.name === e.location && !c.unset));
  const change = (id: number, to: Partial<Change>) => onDraft(draft.map((c) => (c.id === id ? { ...c, ...to } : c)));

  if (draft.length === 0) return send.data ? <Sent app={app} team={team} answer={send.data} /> : null;
  const several = draft.length > 1;
  return (
    <Panel title={`${draft.length} ${several ? "changes" : "change"} not sent yet`} icon={editIcon}>
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          submit(false);
        }}
        noValidate
      >
        <ul className={css.draft}>
          {draft.map((c) => (
            <li key={c.id}>
              <Row
                change={c}
                fault={told(c)}
                onChange={(to) => change(c.id, to)}
                onRemove={() => onDraft(draft.filter((d) => d !== c))}
              />
            </li>
          ))}
        </ul>
        <div>
          <Button small kind="tertiary" icon={plusIcon} onClick={() => onDraft(add(draft))}>
            Add another key
          </Button>
        </div>
        <div className={css.send}>
          <Field label="Note" optional>
            <TextInput value={note} onChange={(e) => setNote(e.target.value)} placeholder="Why, for the release" />
          </Field>
          <Field label="If a deployment is under way">
            <Select
              value={other}
              onChange={(e) => setOther(e.target.value as Other)}
              options={[
                { value: "refuse", label: "Refuse this" },
                { value: "wait", label: "Wait for it to end" },
                { value: "supersede", label: "End it" },
              ]}
            />
          </Field>
        </div>
        {send.error && !allAtFields && <ErrorBanner error={send.error} />}
        <div className="between">
          <Button kind="tertiary" onClick={() => onDraft([])}>
            Discard
          </Button>
          <span className="row">
            <ActButton
              refused={refused}
              busy={send.isPending && send.variables === true}
              onClick={() => submit(true)}
              title="Makes the version only: the next release has it"
            >
              Stage as version {version + 1}
            </ActButton>
            <ActButton
              kind="primary"
              type="submit"
              refused={refused}
              busy={send.isPending && send.variables === false}
              onClick={(e) => {
                e.preventDefault();
                submit(false);
              }}
            >
              Set and deploy
            </ActButton>
          </span>
        </div>
        {commandsOf(team, app, draft, false).map((c, i) => (
          <CliHint key={c} command={c} title={i === 0 ? "The same as a command" : "and"} />
        ))}
      </form>
    </Panel>
  );
}

type RowProps = { change: Change; fault?: string; onChange: (to: Partial<Change>) => void; onRemove: () => void };

function Row({ change, fault, onChange, onRemove }: RowProps) {
  const [shown, setShown] = useState(false);
  const { name, kind, value, unset, there } = change;
  const first = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  // What was just added is typed next; what came from a file is only looked at.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    if (value === "") (there ? area.current : first.current)?.focus();
  }, []);
  const remove = <IconButton icon={xIcon} label={`Leave ${name || "this key"} as it is`} onClick={onRemove} />;
  if (unset)
    return (
      <div className={css.unset}>
        <Icon of={trashIcon} />
        <span className="grow">
          <code>{name}</code> is taken away
        </span>
        {remove}
      </div>
    );
  const long = value.includes("\n");
  return (
    <div className={css.change}>
      <Field label="Key" error={fault}>
        <TextInput
          ref={first}
          mono
          value={name}
          readOnly={there}
          placeholder="NAME"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          onChange={(e) => onChange({ name: e.target.value.trim() })}
        />
      </Field>
      <Field label="Kind">
        <Select
          value={kind}
          onChange={(e) => onChange({ kind: e.target.value as Kind })}
          options={[
            { value: "plain", label: "Plain" },
            { value: "secret", label: "Secret" },
          ]}
        />
      </Field>
      <Field label={there ? "New value" : "Value"}>
        <div className={css.value}>
          <textarea
            ref={area}
            className={css.area}
            data-hidden={kind === "secret" && !shown}
            aria-label={`Value of ${name || "the key"}`}
            value={value}
            rows={long ? Math.min(8, value.split("\n").length) : 1}
            autoComplete="off"
            spellCheck={false}
            onChange={(e) => onChange({ value: e.target.value })}
          />
          {kind === "secret" && (
            <IconButton
              icon={shown ? eyeOffIcon : eyeIcon}
              label={shown ? "Hide what is typed" : "Show what is typed"}
              onClick={() => setShown(!shown)}
            />
          )}
        </div>
      </Field>
      {remove}
    </div>
  );
}

const became: Record<Schemas["ChangedConfig"]["use"], string> = {
  deployed: "The app walks to a release that has it.",
  staged: "The next release has it.",
  first_push: "The first push has it.",
  stopped: "The app is stopped: it has it when it is started.",
};

/** What became of the changes, with the way to watch it. */
export function Sent({ team, app, answer }: { team: string; app: string; answer: Schemas["ChangedConfig"] }) {
  const deployment = answer.deployed?.deployment;
  return (
    <div role="status">
      <Banner
        tone="good"
        title={
          answer.made ? `Version ${answer.version}: ${answer.change}` : `Version ${answer.version} holds this already`
        }
        actions={
          deployment && (
            <Link to="/apps/$team/$app/deploys/$id" params={{ team, app, id: deployment.id }}>
              Watch it
            </Link>
          )
        }
      >
        {became[answer.use]}
      </Banner>
    </div>
  );
}
