import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { ApiError } from "../api/error";
import { keys } from "../api/keys";
import { useSelf, useTeams } from "../api/queries";
import { Badge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { ButtonLink } from "../kit/Button";
import { CliHint, command } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { Field, TextInput } from "../kit/Field";
import { plusIcon, userIcon, usersIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Table } from "../kit/Table";
import { Time } from "../kit/Time";
import { quotaAmount, quotaNames } from "../parts/access/words";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";

/** The teams that the caller is in; of an admin, all. */
export default function Teams() {
  const { data: self } = useSelf();
  const { data: teams, error } = useTeams();
  const [making, setMaking] = useState(false);
  const refused = self && !self.admin ? "Making teams is for admins of the platform." : "";
  return (
    <div className="stack-l">
      <PageHeader
        title="Teams"
        lead="A team owns apps, services and hosts. Other teams see nothing of them."
        actions={
          <>
            {self?.admin && (
              <ButtonLink icon={userIcon} to="/users">
                Users
              </ButtonLink>
            )}
            <ActButton kind="primary" icon={plusIcon} refused={refused} onClick={() => setMaking(true)}>
              Make a team
            </ActButton>
          </>
        }
      />
      {error && <ErrorBanner error={error} />}
      <Panel flush>
        {!teams ? (
          !error && <Skeleton lines={4} />
        ) : (
          <Table
            label="Teams"
            rows={teams as readonly Schemas["Team"][]}
            rowKey={(t) => t.name}
            initial={{ id: "name", down: false }}
            empty={
              <EmptyState icon={usersIcon} title="You are in no team yet">
                A maintainer of a team, or an admin of the platform, can give you a role in one.
              </EmptyState>
            }
            columns={[
              {
                id: "name",
                head: "Team",
                sort: (t) => t.name,
                cell: (t) => (
                  <Link to="/teams/$team" params={{ team: t.name }} className="strong">
                    {t.name}
                  </Link>
                ),
              },
              { id: "about", head: "About", cell: (t) => t.description || <span className="faint">nothing said</span> },
              {
                id: "role",
                head: "Your role",
                sort: (t) => t.role ?? "",
                cell: (t) => (t.role ? <Badge plain>{t.role}</Badge> : <span className="faint">none</span>),
              },
              { id: "quota", head: "Quota", cell: (t) => <Quota of={t.quota} /> },
              { id: "made", head: "Made", sort: (t) => t.created_at, cell: (t) => <Time at={t.created_at} /> },
              {
                id: "apps",
                head: <span className="hidden">Apps</span>,
                right: true,
                cell: (t) => (
                  <Link to="/apps" search={{ team: t.name }}>
                    Apps<span className="hidden"> of {t.name}</span>
                  </Link>
                ),
              },
            ]}
          />
        )}
      </Panel>
      <CliHint command={command("crumpet", "teams", "list")} />
      {making && <MakeTeam onClose={() => setMaking(false)} />}
    </div>
  );
}

function Quota({ of }: { of: Schemas["TeamQuota"] }) {
  const bounds = (Object.keys(quotaNames) as (keyof typeof quotaNames)[]).filter((w) => (of[w] ?? 0) > 0);
  if (bounds.length === 0) return <span className="faint">no bound</span>;
  return (
    <span className="small">{bounds.map((w) => `${quotaNames[w]} ${quotaAmount(w, of[w] ?? 0)}`).join(", ")}</span>
  );
}

function MakeTeam({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [error, setError] = useState<ApiError>();
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    <ActionDialog
      title="Make a team"
      description="It gets a namespace in Nomad, a path in Vault and names of its own. Its quota is set on its page."
      confirm="Make it"
      command={command("crumpet", "teams", "create", name || "NAME", about && "--description", about)}
      said={`Team ${name} is made.`}
      onClose={onClose}
      onDone={() => {
        void queries.invalidateQueries({ queryKey: keys.teams });
        void navigate({ to: "/teams/$team", params: { team: name } });
      }}
      run={async () => {
        try {
          return await data(api.POST("/v1/teams", { body: { name, description: about || undefined } }));
        } catch (e) {
          if (e instanceof ApiError) setError(e);
          throw e;
        }
      }}
    >
      <Field
        label="Name"
        hint="Up to 16 lower-case letters, digits and single dashes."
        error={error?.about("body.name")}
      >
        <TextInput
          mono
          value={name}
          onChange={(e) => setName(e.target.value.trim())}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field label="About" optional>
        <TextInput value={about} onChange={(e) => setAbout(e.target.value)} placeholder="The web shop" />
      </Field>
    </ActionDialog>
  );
}
