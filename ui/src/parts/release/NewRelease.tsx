import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { Banner, ErrorBanner } from "../../kit/Banner";
import { Button, IconButton } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Field, Select, TextInput } from "../../kit/Field";
import { editIcon, rocketIcon, xIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { useToast } from "../../kit/Toast";
import { ActButton } from "../action/ActButton";
import { cli } from "../app/cli";
import { useRefusal } from "../app/may";
import { specQuery } from "../app/queries";
import { PlanView } from "../plan/PlanView";
import { placed } from "./faults";
import css from "./Release.module.css";
import { SpecEditor } from "./SpecEditor";

type Props = { team: string; app: string; base: Schemas["KeptRelease"]; busy: boolean; onClose: () => void };
type Queue = "refuse" | "wait" | "supersede";

/** A new release of the same artifact with another spec: edit, plan, deploy exactly what was planned. */
export function NewRelease({ team, app, base, busy, onClose }: Props) {
  const navigate = useNavigate();
  const toast = useToast();
  const refused = useRefusal(team);
  const spec = useQuery(specQuery(team, app, base.release));
  const [text, setText] = useState<string>();
  const [note, setNote] = useState("");
  const [queue, setQueue] = useState<Queue>("refuse");
  const [planned, setPlanned] = useState<{ text: string; plan: Schemas["Plan"] }>();

  useEffect(() => {
    if (spec.data && text === undefined) setText(spec.data.text);
  }, [spec.data, text]);

  const request = (): Schemas["CreateRelease"] => ({
    spec: text ?? "",
    filename: spec.data?.filename,
    environment: spec.data?.environment,
    artifact: base.artifact,
    runtime: base.runtime,
    commit: base.commit,
    dirty: base.dirty,
    note: note.trim() || undefined,
    wait: queue === "wait" || undefined,
    supersede: queue === "supersede" || undefined,
  });
  const of = { params: { path: { app }, query: { team } } };
  const plan = useMutation({
    mutationFn: () => data(api.POST("/v1/apps/{app}/plan", { ...of, body: request() })),
    onSuccess: (p) => setPlanned({ text: text ?? "", plan: p }),
    onError: () => setPlanned(undefined),
  });
  const deploy = useMutation({
    mutationFn: () =>
      data(
        api.POST("/v1/apps/{app}/releases", {
          ...of,
          body: { ...request(), base: planned?.plan.waits ? undefined : planned?.plan.base },
        }),
      ),
    onSuccess: (d) => {
      toast(
        d.changed
          ? `Release ${d.release.release} of ${app} is on its way.`
          : "Nothing changed: there was nothing to do.",
      );
      onClose();
      if (d.deployment)
        void navigate({ to: "/apps/$team/$app/deploys/$id", params: { team, app, id: d.deployment.id } });
    },
  });

  const failed = plan.error ?? deploy.error;
  const faults = useMemo(
    () => (failed instanceof ApiError && failed.errors.length > 0 ? placed(text ?? "", failed.errors) : []),
    [failed, text],
  );
  const fresh = planned && planned.text === text ? planned.plan : undefined;
  const edit = (next: string) => {
    setText(next);
    plan.reset();
    deploy.reset();
  };

  return (
    <Panel
      title="New release"
      icon={editIcon}
      actions={<IconButton icon={xIcon} label="Close the editor" small onClick={onClose} />}
    >
      <div className="stack-l">
        <p className="faint">
          The spec of release {base.release}, to change. It runs the same artifact,{" "}
          <code>{base.artifact.slice(0, 12)}</code>: to release other code, push it.
        </p>
        {spec.error && <ErrorBanner error={spec.error} onRetry={() => void spec.refetch()} />}
        {spec.data && !spec.data.stored && (
          <Banner tone="warn" title={spec.data.reason || "The text of this spec was not kept."} />
        )}
        {text === undefined ? (
          <Skeleton lines={8} />
        ) : (
          <SpecEditor value={text} onChange={edit} faults={faults} label={`App spec of ${app}`} />
        )}
        <div className={css.two}>
          <Field label="Note" hint="What is to be remembered of this release." optional>
            <TextInput value={note} onChange={(e) => setNote(e.target.value)} maxLength={1000} />
          </Field>
          {busy && (
            <Field label="A deployment is under way" hint="What is to become of it.">
              <Select
                value={queue}
                onChange={(e) => setQueue(e.target.value as Queue)}
                options={[
                  { value: "refuse", label: "Deploy only if it has ended" },
                  { value: "wait", label: "Wait until it has ended" },
                  { value: "supersede", label: "Abort it" },
                ]}
              />
            </Field>
          )}
        </div>
        <div className={css.acts}>
          <Button
            kind={fresh ? "secondary" : "primary"}
            busy={plan.isPending}
            disabled={!text}
            onClick={() => plan.mutate()}
          >
            {fresh ? "Plan again" : "Plan"}
          </Button>
          {fresh && !fresh.nothing && (
            <ActButton
              kind="primary"
              icon={rocketIcon}
              refused={refused}
              busy={deploy.isPending}
              onClick={() => deploy.mutate()}
            >
              Deploy release {fresh.release}
            </ActButton>
          )}
          <span className="faint small" role="status">
            {plan.isPending ? "Planning…" : planned && !fresh ? "The spec was changed since it was planned." : ""}
          </span>
        </div>
        {failed && faults.length === 0 && <ErrorBanner error={failed} />}
        {faults.length > 0 && (
          <Banner
            tone="bad"
            alert
            title={faults.length === 1 ? "The spec has a fault" : `The spec has ${faults.length} faults`}
          >
            <p>Each is shown at its line.</p>
          </Banner>
        )}
        {fresh && <PlanView plan={fresh} />}
        <CliHint
          command={cli(
            team,
            fresh ? "deploy" : "plan",
            "--from",
            `${app}@${base.release}`,
            fresh && note.trim() && "--note",
            fresh && note.trim(),
          )}
          title="The same as a command, beside a crumpet.hcl with this text"
        />
      </div>
    </Panel>
  );
}
