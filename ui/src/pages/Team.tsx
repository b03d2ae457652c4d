import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { keys } from "../api/keys";
import { useSelf } from "../api/queries";
import { Badge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { ButtonLink } from "../kit/Button";
import { CliHint, command } from "../kit/CliHint";
import { Field, TextInput } from "../kit/Field";
import { editIcon, trashIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Hosts } from "../parts/access/Hosts";
import { Members } from "../parts/access/Members";
import { Quota } from "../parts/access/Quota";
import { teamChanged, teamQuery } from "../parts/access/queries";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";
import { useRefusal } from "../parts/app/may";

/** A team: what it wants of its quota, who is in it, and its hosts. */
export default function Team() {
  const { team = "" } = useParams({ strict: false });
  const { data: self } = useSelf();
  const { data: of, error, refetch } = useQuery(teamQuery(team));
  const refused = useRefusal(team, "maintainer");
  const adminOnly = self && !self.admin ? "This is for admins of the platform." : "";
  const [asked, setAsked] = useState<"about" | "delete">();
  const [about, setAbout] = useState("");
  const queries = useQueryClient();
  const navigate = useNavigate();
  return (
    <div className="stack-l">
      <PageHeader
        title={team}
        after={of?.role && <Badge>{of.role === "admin" ? "You: admin" : `You: ${of.role}`}</Badge>}
        crumbs={[
          <Link key="teams" to="/teams">
            Teams
          </Link>,
        ]}
        lead={of?.description}
        actions={
          <>
            <ActButton
              icon={editIcon}
              refused={adminOnly}
              onClick={() => {
                setAbout(of?.description ?? "");
                setAsked("about");
              }}
            >
              Describe
            </ActButton>
            <ButtonLink to="/apps" search={{ team }}>
              Apps
            </ButtonLink>
          </>
        }
      />
      {error && <ErrorBanner error={error} onRetry={() => void refetch()} />}
      {!of && !error && <Skeleton lines={6} />}
      {of && (
        <>
          <Quota team={of} refused={adminOnly ?? ""} />
          <Members team={team} refused={refused} />
          <Hosts team={team} refused={refused} />
          <Panel title="Delete" icon={trashIcon}>
            <div className="between">
              <p className="faint">
                A team is deleted when it has no app, no service and no volume. Its members stay users.
              </p>
              <ActButton kind="critical" refused={adminOnly} onClick={() => setAsked("delete")}>
                Delete {team}
              </ActButton>
            </div>
          </Panel>
          <CliHint command={command("crumpet", "teams", "show", team)} />
        </>
      )}
      {asked === "about" && (
        <ActionDialog
          title={`Describe ${team}`}
          description="What it is for, in a sentence."
          confirm="Keep it"
          command={command("crumpet", "teams", "update", team, "--description", about || '""')}
          said={`Team ${team} is described.`}
          onClose={() => setAsked(undefined)}
          onDone={() => teamChanged(queries, team)}
          run={() => data(api.PATCH("/v1/teams/{team}", { params: { path: { team } }, body: { description: about } }))}
        >
          <Field label="About">
            <TextInput value={about} onChange={(e) => setAbout(e.target.value)} />
          </Field>
        </ActionDialog>
      )}
      {asked === "delete" && (
        <ActionDialog
          kind="critical"
          title={`Delete team ${team}`}
          description="Its namespace in Nomad, its path in Vault and its hosts go with it."
          confirm={`Delete ${team}`}
          name={team}
          command={command("crumpet", "teams", "delete", team, "--confirm", team)}
          said={`Team ${team} is deleted.`}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            void queries.invalidateQueries({ queryKey: keys.teams });
            void navigate({ to: "/teams" });
          }}
          run={() => data(api.DELETE("/v1/teams/{team}", { params: { path: { team } } }))}
        />
      )}
    </div>
  );
}
