import { useState } from "react";
import { api, type Schemas } from "../../api/client";
import { Field, TextInput } from "../../kit/Field";
import { fastForwardIcon, pauseIcon, playIcon, rotateCcwIcon } from "../../kit/icons";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import { useRefusal } from "../app/may";
import css from "./Deployment.module.css";
import { actsOf } from "./steps";

type Act = "promote" | "pause" | "resume" | "abort";

/** What a person can do about a deployment under way. Each asks once, and shows its command. */
export function Controls({ deployment: d }: { deployment: Schemas["Deployment"] }) {
  const [act, setAct] = useState<Act>();
  const [reason, setReason] = useState("");
  const refused = useRefusal(d.team);
  const may = actsOf(d);
  const params = { path: { app: d.app, id: d.id }, query: { team: d.team } };
  const close = () => setAct(undefined);
  const next = d.steps[d.step + 1];
  const name = `Release ${d.release}`;
  return (
    <div className={css.acts}>
      {may.promote && (
        <ActButton kind="primary" icon={fastForwardIcon} refused={refused} onClick={() => setAct("promote")}>
          Promote
        </ActButton>
      )}
      {may.resume && (
        <ActButton icon={playIcon} refused={refused} onClick={() => setAct("resume")}>
          Resume
        </ActButton>
      )}
      {may.pause && (
        <ActButton icon={pauseIcon} refused={refused} onClick={() => setAct("pause")}>
          Pause
        </ActButton>
      )}
      {may.abort && (
        <ActButton kind="critical" icon={rotateCcwIcon} refused={refused} onClick={() => setAct("abort")}>
          Abort
        </ActButton>
      )}
      {act === "promote" && (
        <ActionDialog
          onClose={close}
          title={`Promote ${name.toLowerCase()}`}
          description={
            next?.share !== undefined
              ? `The next step gives ${next.share} % of requests to release ${d.release}.`
              : d.waits === "room"
                ? "Old instances go first, to make room for new ones."
                : d.waits === "failure"
                  ? "What failed is tried again."
                  : "It goes on to the next step."
          }
          confirm="Promote"
          command={cli(d.team, "promote", d.app, d.id)}
          run={() => api.POST("/v1/apps/{app}/deployments/{id}/promote", { params })}
          said={`${name} goes on.`}
        />
      )}
      {act === "resume" && (
        <ActionDialog
          onClose={close}
          title={`Resume ${name.toLowerCase()}`}
          description="It goes on from where it was paused; what was left of a hold is held."
          confirm="Resume"
          command={cli(d.team, "resume", d.app, d.id)}
          run={() => api.POST("/v1/apps/{app}/deployments/{id}/resume", { params })}
          said={`${name} is resumed.`}
        />
      )}
      {act === "pause" && (
        <ActionDialog
          onClose={close}
          title={`Pause ${name.toLowerCase()}`}
          description="It stays where it is: instances and shares of requests stay as they are, until it is resumed or promoted."
          confirm="Pause"
          command={cli(d.team, "pause", d.app, d.id, reason && "--reason", reason)}
          run={() =>
            api.POST("/v1/apps/{app}/deployments/{id}/pause", { params, body: { reason: reason || undefined } })
          }
          said={`${name} is paused.`}
        >
          <Field label="Why" hint="Shown to whoever looks at it." optional>
            <TextInput value={reason} onChange={(e) => setReason(e.target.value)} maxLength={200} />
          </Field>
        </ActionDialog>
      )}
      {act === "abort" && (
        <ActionDialog
          onClose={close}
          title={`Abort ${name.toLowerCase()}`}
          description={
            d.previous > 0
              ? `It walks back: release ${d.previous} gets all requests again, without a gap.`
              : "There was no release before it: the app has none that serves then."
          }
          confirm="Walk back"
          kind="critical"
          command={cli(d.team, "abort", d.app, d.id)}
          run={() => api.POST("/v1/apps/{app}/deployments/{id}/abort", { params })}
          said={`${name} walks back.`}
        />
      )}
    </div>
  );
}
