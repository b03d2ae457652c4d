import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { keys } from "../api/keys";
import { useSelf } from "../api/queries";
import { Badge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint, command } from "../kit/CliHint";
import { lockIcon, monitorIcon, plusIcon, tokenIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Table } from "../kit/Table";
import { Time } from "../kit/Time";
import { ChangePassword } from "../parts/access/ChangePassword";
import { sessionsQuery } from "../parts/access/queries";
import { MakeToken, TokenTable } from "../parts/access/Tokens";
import { agentText } from "../parts/access/words";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";

type Session = Schemas["Session"];

/** What acts for the caller: tokens, and browsers that are signed in. */
export default function Tokens() {
  const { data: self } = useSelf();
  const sessions = useQuery(sessionsQuery);
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const [changing, setChanging] = useState(false);
  const [ending, setEnding] = useState<Session>();
  const operator = self?.kind === "operator";
  const refused = operator
    ? "An operator's token belongs to no user. Sign in as one, or use the command line: crumpet tokens create --operator."
    : "";
  const local = self?.kind === "person" && !self.provider;
  return (
    <div className="stack-l">
      <PageHeader
        title="Tokens and sign-ins"
        lead={self && `What acts for ${self.full_name || self.user}.`}
        actions={
          <>
            {local && (
              <Button icon={lockIcon} onClick={() => setChanging(true)}>
                Change password
              </Button>
            )}
            <ActButton kind="primary" icon={plusIcon} refused={refused} onClick={() => setMaking(true)}>
              Make a token
            </ActButton>
          </>
        }
      />
      <Panel title="Tokens" icon={tokenIcon} flush>
        <TokenTable />
      </Panel>
      <Panel title="Browsers that are signed in" icon={monitorIcon} flush={Boolean(sessions.data?.length)}>
        {sessions.error && !sessions.data ? (
          <ErrorBanner error={sessions.error} />
        ) : !sessions.data ? (
          <Skeleton lines={2} />
        ) : sessions.data.length === 0 ? (
          <p className="faint">None.</p>
        ) : (
          <Table
            label="Sign-ins"
            rows={sessions.data}
            rowKey={(s) => s.id}
            columns={[
              {
                id: "agent",
                head: "Browser",
                cell: (s) => (
                  <span className="row" title={s.agent}>
                    <span className="strong">{agentText(s.agent)}</span>
                    {s.current && <Badge tone="info">This one</Badge>}
                  </span>
                ),
              },
              { id: "from", head: "From", cell: (s) => <code>{s.from}</code> },
              { id: "since", head: "Signed in", sort: (s) => s.created_at, cell: (s) => <Time at={s.created_at} /> },
              { id: "seen", head: "Last seen", sort: (s) => s.seen_at, cell: (s) => <Time at={s.seen_at} /> },
              { id: "expires", head: "Ends", sort: (s) => s.expires_at, cell: (s) => <Time at={s.expires_at} /> },
              {
                id: "acts",
                head: <span className="hidden">Actions</span>,
                right: true,
                cell: (s) => (
                  <Button small kind="tertiary" onClick={() => setEnding(s)}>
                    Sign out<span className="hidden"> {agentText(s.agent)}</span>
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Panel>
      <p className="small faint">
        A browser is signed out by itself when it was idle for long, and at the end of its time whatever happens.
      </p>
      <CliHint command={command("crumpet", "tokens", "list")} />
      {making && <MakeToken admin={self?.admin} onClose={() => setMaking(false)} />}
      {changing && <ChangePassword onClose={() => setChanging(false)} />}
      {ending && (
        <ActionDialog
          title={ending.current ? "Sign this browser out" : `Sign ${agentText(ending.agent)} out`}
          description="It is signed out at once, on every server. Its tokens go on."
          confirm="Sign out"
          kind="critical"
          command={command("crumpet", "logout")}
          said="The browser is signed out."
          onClose={() => setEnding(undefined)}
          onDone={() =>
            ending.current ? location.assign("/login") : void queries.invalidateQueries({ queryKey: keys.tokens })
          }
          run={() => data(api.DELETE("/v1/sessions/{id}", { params: { path: { id: ending.id } } }))}
        />
      )}
    </div>
  );
}
