import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { Select } from "../kit/Field";
import { activityIcon } from "../kit/icons";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { EventDays } from "../parts/activity/EventDays";
import { appKinds, QUIET } from "../parts/activity/kinds";
import { cli } from "../parts/app/cli";
import { historyQuery } from "../parts/app/queries";

const STEPS = [100, 300, 1000] as const;

/** The story of an app: who did what, and what came of it. */
export default function AppActivity() {
  const { team = "", app = "" } = useParams({ strict: false });
  const { kind = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const last = STEPS[step] ?? 1000;
  const { data, error } = useQuery({
    ...historyQuery(team, app, last, kind || QUIET),
    placeholderData: (before) => before,
  });
  const events = data?.items ?? [];
  return (
    <div className="stack-l">
      {error && <ErrorBanner error={error} />}
      <Panel
        title="Activity"
        icon={activityIcon}
        flush
        actions={
          <div>
            <Select
              small
              aria-label="What is shown"
              value={kind}
              options={appKinds}
              onChange={(e) =>
                void navigate({ to: ".", search: { kind: e.target.value || undefined } as never, replace: true })
              }
            />
          </div>
        }
      >
        {data ? (
          <EventDays
            events={events}
            more={
              events.length >= last && step < STEPS.length - 1 ? (
                <Button small kind="tertiary" onClick={() => setStep(step + 1)}>
                  Show older
                </Button>
              ) : undefined
            }
          />
        ) : (
          !error && <Skeleton lines={8} />
        )}
      </Panel>
      <CliHint command={cli(team, "events", app, "-f", kind && `--kind=${kind}`)} />
    </div>
  );
}
