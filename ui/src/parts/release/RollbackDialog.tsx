import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../../api/client";
import { keys } from "../../api/keys";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Dialog } from "../../kit/Dialog";
import { Field, TextInput } from "../../kit/Field";
import { rotateCcwIcon } from "../../kit/icons";
import { Skeleton } from "../../kit/Skeleton";
import { Tabs } from "../../kit/Tabs";
import { useToast } from "../../kit/Toast";
import { cli } from "../app/cli";
import { PlanView } from "../plan/PlanView";
import { Compared } from "./Compared";

type Props = { team: string; app: string; to: number; live: number; onClose: () => void };

/** Restores a release: first the plan and what differs, then exactly that. */
export function RollbackDialog({ team, app, to, live, onClose }: Props) {
  const navigate = useNavigate();
  const toast = useToast();
  const [note, setNote] = useState("");
  const of = { params: { path: { app }, query: { team } } };
  const plan = useQuery({
    queryKey: keys.app(team, app, "rollback", to),
    queryFn: ({ signal }) => data(api.POST("/v1/apps/{app}/rollback/plan", { ...of, body: { release: to }, signal })),
  });
  const act = useMutation({
    mutationFn: () =>
      data(
        api.POST("/v1/apps/{app}/rollback", {
          ...of,
          body: { release: to, note: note.trim() || undefined, base: plan.data?.base },
        }),
      ),
    onSuccess: (d) => {
      toast(d.changed ? `Release ${d.release.release} restores release ${to}.` : "Nothing changed: it serves already.");
      onClose();
      if (d.deployment)
        void navigate({ to: "/apps/$team/$app/deploys/$id", params: { team, app, id: d.deployment.id } });
    },
  });
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={to < live ? `Roll back to release ${to}` : `Restore release ${to}`}
      description={`Its spec, its artifact and its configuration are restored as a new release. ${live > 0 ? `Release ${live} serves until the new one does.` : ""}`}
      onSubmit={() => plan.data && !plan.data.nothing && !act.isPending && act.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            type="submit"
            icon={rotateCcwIcon}
            disabled={!plan.data || plan.data.nothing}
            busy={act.isPending}
          >
            {to < live ? "Roll back" : "Restore"}
          </Button>
        </>
      }
    >
      {act.error && <ErrorBanner error={act.error} />}
      <Tabs
        label="Before it is done"
        tabs={[
          {
            id: "plan",
            label: "Plan",
            content: plan.data ? (
              <PlanView plan={plan.data} />
            ) : plan.error ? (
              <ErrorBanner error={plan.error} onRetry={() => void plan.refetch()} />
            ) : (
              <Skeleton lines={6} />
            ),
          },
          {
            id: "diff",
            label: "What differs",
            content:
              live > 0 ? (
                <Compared team={team} app={app} from={live} to={to} />
              ) : (
                <p className="faint">No release serves that it could be compared with.</p>
              ),
          },
        ]}
      />
      <Field label="Note" optional>
        <TextInput value={note} onChange={(e) => setNote(e.target.value)} maxLength={1000} />
      </Field>
      <CliHint command={cli(team, "rollback", app, to, note.trim() && "--note", note.trim())} />
    </Dialog>
  );
}
