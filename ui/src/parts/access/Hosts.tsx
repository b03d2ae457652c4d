import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { Badge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { command } from "../../kit/CliHint";
import { Mono } from "../../kit/Copy";
import { Field, TextInput } from "../../kit/Field";
import { globeIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import css from "./Access.module.css";
import { hostsQuery, teamChanged } from "./queries";

type Host = Schemas["Host"];
type Asked = { what: "share" | "release"; host: Host } | { what: "unshare"; host: Host; with: string };

/** The host names of a team, and whom it shares them with. */
export function Hosts({ team, refused }: { team: string; refused: string }) {
  const { data: hosts, error } = useQuery(hostsQuery(team));
  const [asked, setAsked] = useState<Asked>();
  const [other, setOther] = useState("");
  const queries = useQueryClient();
  const close = () => {
    setAsked(undefined);
    setOther("");
  };
  const done = () => teamChanged(queries, team);
  return (
    <Panel title="Hosts" icon={globeIcon} flush={Boolean(hosts?.length)}>
      {error && !hosts ? (
        <ErrorBanner error={error} />
      ) : !hosts ? (
        <Skeleton lines={2} />
      ) : hosts.length === 0 ? (
        <p className="faint">
          None. A host belongs to the first team that has a route on it, and is kept until it is given up.
        </p>
      ) : (
        <Table
          label={`Hosts of ${team}`}
          rows={hosts}
          rowKey={(h) => h.host}
          initial={{ id: "host", down: false }}
          columns={[
            { id: "host", head: "Host", sort: (h) => h.host, cell: (h) => <Mono>{h.host}</Mono> },
            { id: "team", head: "Belongs to", cell: (h) => (h.team === team ? "this team" : h.team) },
            {
              id: "shared",
              head: "Shared with",
              cell: (h) =>
                h.shared.length === 0 ? (
                  <span className="faint">nobody</span>
                ) : (
                  <span className="row">
                    {h.shared.map((t) =>
                      h.team === team && refused === "" ? (
                        <Button
                          key={t}
                          small
                          kind="tertiary"
                          title={`End sharing with ${t}`}
                          onClick={() => setAsked({ what: "unshare", host: h, with: t })}
                        >
                          {t}
                        </Button>
                      ) : (
                        <Badge key={t} plain>
                          {t}
                        </Badge>
                      ),
                    )}
                  </span>
                ),
            },
            { id: "since", head: "Since", sort: (h) => h.created_at, cell: (h) => <Time at={h.created_at} /> },
            {
              id: "acts",
              head: <span className="hidden">Actions</span>,
              right: true,
              cell: (h) =>
                h.team === team && (
                  <span className={css.acts}>
                    <ActButton
                      small
                      kind="tertiary"
                      refused={refused}
                      onClick={() => setAsked({ what: "share", host: h })}
                    >
                      Share<span className="hidden"> {h.host}</span>
                    </ActButton>
                    <ActButton
                      small
                      kind="tertiary"
                      refused={refused}
                      onClick={() => setAsked({ what: "release", host: h })}
                    >
                      Give up<span className="hidden"> {h.host}</span>
                    </ActButton>
                  </span>
                ),
            },
          ]}
        />
      )}
      {asked?.what === "share" && (
        <ActionDialog
          title={`Share ${asked.host.host}`}
          description="The other team may have routes of its own on it. The host stays with this team."
          confirm="Share"
          command={command("crumpet", "hosts", "share", asked.host.host, "--with", other || "TEAM", "--team", team)}
          said={`Host ${asked.host.host} is shared with team ${other}.`}
          onClose={close}
          onDone={done}
          run={() =>
            data(
              api.PUT("/v1/hosts/{host}", {
                params: { path: { host: asked.host.host }, query: { team } },
                body: { with: other, shared: true },
              }),
            )
          }
        >
          <Field label="With team">
            <TextInput
              mono
              value={other}
              onChange={(e) => setOther(e.target.value.trim())}
              autoComplete="off"
              spellCheck={false}
            />
          </Field>
        </ActionDialog>
      )}
      {asked?.what === "unshare" && (
        <ActionDialog
          title={`End sharing ${asked.host.host} with ${asked.with}`}
          description="It is refused while that team has a route on it."
          confirm="End it"
          command={command("crumpet", "hosts", "unshare", asked.host.host, "--with", asked.with, "--team", team)}
          said={`Host ${asked.host.host} is no longer shared with team ${asked.with}.`}
          onClose={close}
          onDone={done}
          run={() =>
            data(
              api.PUT("/v1/hosts/{host}", {
                params: { path: { host: asked.host.host }, query: { team } },
                body: { with: asked.with, shared: false },
              }),
            )
          }
        />
      )}
      {asked?.what === "release" && (
        <ActionDialog
          kind="critical"
          title={`Give up ${asked.host.host}`}
          description="Whichever team has a route on it next owns it. It is refused while a route stands."
          confirm="Give it up"
          name={asked.host.host}
          command={command("crumpet", "hosts", "release", asked.host.host, "--team", team)}
          said={`Host ${asked.host.host} belongs to nobody now.`}
          onClose={close}
          onDone={done}
          run={() =>
            data(api.DELETE("/v1/hosts/{host}", { params: { path: { host: asked.host.host }, query: { team } } }))
          }
        />
      )}
    </Panel>
  );
}
