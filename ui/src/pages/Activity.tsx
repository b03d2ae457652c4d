import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { keys } from "../api/keys";
import { useSelf } from "../api/queries";
import { roleIn } from "../api/self";
import { ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { SearchInput, Select } from "../kit/Field";
import { activityIcon, lockIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Tabs } from "../kit/Tabs";
import { AuditView } from "../parts/activity/AuditView";
import { EventDays } from "../parts/activity/EventDays";
import { kinds, QUIET } from "../parts/activity/kinds";
import { cli } from "../parts/app/cli";
import { useTeam } from "../shell/team";

const STEPS = [200, 500, 1000] as const;

const eventsQuery = (team: string, kind: string, last: number, platform: boolean) =>
  queryOptions({
    queryKey: keys.activity("events", team, kind, last, platform),
    queryFn: ({ signal }) =>
      data(api.GET("/v1/history", { params: { query: { team, kind, last, platform } }, signal })),
  });

/** What happens in a team, and for who may see it, who did what. */
export default function Activity() {
  const team = useTeam();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const { data: self } = useSelf();
  const mayAudit =
    team === "*"
      ? Boolean(self?.admin) || Object.values(self?.roles ?? {}).includes("maintainer")
      : roleIn(self, team) === "maintainer";
  const view = search.view === "audit" ? "audit" : "events";
  const set = (change: Record<string, string | undefined>) =>
    void navigate({ to: "/activity", search: { ...search, ...change } as never, replace: true });
  return (
    <div className="stack-l">
      <PageHeader title="Activity" lead={team === "*" ? "Of all teams that you are in." : `Of team ${team}.`} />
      <Tabs
        label="Activity"
        value={view}
        onChange={(id) => set({ view: id === "audit" ? "audit" : undefined })}
        tabs={[
          {
            id: "events",
            label: "What happened",
            content: (
              <Events team={team} kind={search.kind ?? ""} q={search.q ?? ""} set={set} admin={Boolean(self?.admin)} />
            ),
          },
          {
            id: "audit",
            label: "Who did what",
            content:
              mayAudit || !self ? (
                <div className="stack">
                  <AuditView team={team} />
                </div>
              ) : (
                <EmptyState icon={lockIcon} title="The audit is for maintainers">
                  {`Reading who did what takes the role maintainer${team === "*" ? " in a team" : ` in team ${team}`}. A maintainer can give it to you.`}
                </EmptyState>
              ),
          },
        ]}
      />
    </div>
  );
}

type EventsProps = {
  team: string;
  kind: string;
  q: string;
  admin: boolean;
  set: (change: Record<string, string | undefined>) => void;
};

function Events({ team, kind, q, admin, set }: EventsProps) {
  const [step, setStep] = useState(0);
  const last = STEPS[step] ?? 1000;
  const { data: page, error } = useQuery({
    ...eventsQuery(team, kind || QUIET, last, admin),
    placeholderData: (before) => before,
  });
  const items = page?.items ?? [];
  const word = q.toLowerCase();
  const shown =
    word === ""
      ? items
      : items.filter((e) => `${e.team}/${e.app} ${e.message} ${e.by ?? ""} ${e.kind}`.toLowerCase().includes(word));
  return (
    <div className="stack">
      {error && <ErrorBanner error={error} />}
      <Panel
        title="Events"
        icon={activityIcon}
        flush
        actions={
          <span className="row">
            <SearchInput
              small
              label="App, person or word"
              value={q}
              onChange={(e) => set({ q: e.target.value || undefined })}
            />
            <span>
              <Select
                small
                aria-label="What is shown"
                value={kind}
                options={kinds}
                onChange={(e) => set({ kind: e.target.value || undefined })}
              />
            </span>
          </span>
        }
      >
        {page ? (
          <EventDays
            events={shown}
            withApp
            withTeam={team === "*"}
            more={
              items.length >= last && step < STEPS.length - 1 ? (
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
      <CliHint
        command={cli(
          team === "*" ? "default" : team,
          "events",
          team === "*" && "--all-teams",
          "-f",
          kind && `--kind=${kind}`,
        )}
      />
    </div>
  );
}
