import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { keys as queryKeys } from "../../api/keys";
import { StatusBadge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Copy } from "../../kit/Copy";
import { Dialog } from "../../kit/Dialog";
import { Field, TextInput } from "../../kit/Field";
import { keychainIcon, plusIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import css from "./Service.module.css";

type Service = Schemas["Service"];
type Asked = { what: "make" } | { what: "show" | "end"; name: string };

/** Credentials for a person, or for a program that runs elsewhere. */
export function Keys({ service, refused }: { service: Service; refused: string }) {
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const { team } = service;
  return (
    <Panel
      title="Keys"
      icon={keychainIcon}
      flush={service.keys.length > 0}
      actions={
        <ActButton small icon={plusIcon} refused={refused} onClick={() => setAsked({ what: "make" })}>
          Make a key
        </ActButton>
      }
    >
      {service.keys.length === 0 ? (
        <p className="faint">
          None. A key is credentials that no app has: for a person with a database shell, or a program that does not run
          here.
        </p>
      ) : (
        <Table
          label={`Keys of ${service.name}`}
          rows={service.keys}
          rowKey={(k) => k.id}
          columns={[
            { id: "name", head: "Key", sort: (k) => k.name, cell: (k) => <code className="strong">{k.name}</code> },
            { id: "state", head: "State", cell: (k) => <StatusBadge kind="binding" word={k.state} title={k.reason} /> },
            { id: "by", head: "Made by", cell: (k) => k.created_by },
            { id: "at", head: "When", cell: (k) => <Time at={k.created_at} /> },
            {
              id: "acts",
              head: <span className="hidden">Actions</span>,
              right: true,
              cell: (k) => (
                <span className="row">
                  <ActButton
                    small
                    kind="tertiary"
                    refused={refused}
                    onClick={() => setAsked({ what: "show", name: k.name })}
                  >
                    Reveal<span className="hidden"> {k.name}</span>
                  </ActButton>
                  <ActButton
                    small
                    kind="tertiary"
                    refused={refused}
                    onClick={() => setAsked({ what: "end", name: k.name })}
                  >
                    End<span className="hidden"> {k.name}</span>
                  </ActButton>
                </span>
              ),
            },
          ]}
        />
      )}
      {asked?.what === "make" && <MakeKey service={service} onClose={close} />}
      {asked?.what === "show" && <ShowKey team={team} service={service.name} name={asked.name} onClose={close} />}
      {asked?.what === "end" && (
        <ActionDialog
          kind="critical"
          title={`End the key ${asked.name}`}
          description="Within seconds nobody is let in with it."
          confirm="End it"
          name={asked.name}
          command={cli(team, "services", "keys", "delete", service.name, asked.name)}
          said={`Key ${asked.name} ends now.`}
          onClose={close}
          run={() =>
            data(
              api.DELETE("/v1/services/{service}/keys/{key}", {
                params: { path: { service: service.name, key: asked.name }, query: { team } },
              }),
            )
          }
        />
      )}
    </Panel>
  );
}

function MakeKey({ service, onClose }: { service: Service; onClose: () => void }) {
  const [name, setName] = useState("");
  const [error, setError] = useState<ApiError>();
  const queries = useQueryClient();
  return (
    <ActionDialog
      title={`Make a key of ${service.name}`}
      description="It is made within seconds; reveal it in the list when it is ready. Who made one, and who had it shown, is in the audit."
      confirm="Make it"
      command={cli(service.team, "services", "keys", "create", service.name, name || "KEY")}
      said={`Key ${name} is being made.`}
      onClose={onClose}
      onDone={() => void queries.invalidateQueries({ queryKey: queryKeys.service(service.team, service.name) })}
      run={async () => {
        try {
          return await data(
            api.POST("/v1/services/{service}/keys", {
              params: { path: { service: service.name }, query: { team: service.team } },
              body: { name },
            }),
          );
        } catch (e) {
          if (e instanceof ApiError) setError(e);
          throw e;
        }
      }}
    >
      <Field label="Name" hint="Whose it is, such as anna." error={error?.about("body.name")}>
        <TextInput
          mono
          value={name}
          onChange={(e) => setName(e.target.value.trim())}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
    </ActionDialog>
  );
}

const SHOWN_FOR = 60_000;

function ShowKey({
  team,
  service,
  name,
  onClose,
}: {
  team: string;
  service: string;
  name: string;
  onClose: () => void;
}) {
  const show = useMutation({
    mutationFn: () =>
      data(api.GET("/v1/services/{service}/keys/{key}", { params: { path: { service, key: name }, query: { team } } })),
    gcTime: 0,
  });
  const shown = show.data;
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(onClose, SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [shown, onClose]);
  return (
    <Dialog
      open
      onClose={onClose}
      title={shown ? `Key ${name} of ${service}` : `Show the key ${name}?`}
      description={
        shown
          ? "It is hidden again after a minute."
          : "The audit says that you were shown it, never what it is. It is hidden again after a minute."
      }
      onSubmit={() => (shown ? onClose() : !show.isPending && show.mutate())}
      footer={
        <>
          {!shown && <Button onClick={onClose}>Cancel</Button>}
          <Button kind="primary" type="submit" busy={show.isPending}>
            {shown ? "Hide it" : "Show and write it down"}
          </Button>
        </>
      }
    >
      {show.error && <ErrorBanner error={show.error} />}
      {shown && (
        <dl className={css.credentials}>
          {Object.entries(shown.credentials ?? {}).map(([k, v]) => (
            <Credential key={k} name={k} value={v} />
          ))}
        </dl>
      )}
      <CliHint command={cli(team, "services", "keys", "show", service, name)} />
    </Dialog>
  );
}

function Credential({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <code className="grow">{value}</code>
        <Copy text={value} label={`Copy ${name}`} />
      </dd>
    </>
  );
}
