import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { Badge, StatusBadge } from "../../kit/Badge";
import { Button } from "../../kit/Button";
import { moreHorizontalIcon } from "../../kit/icons";
import { Menu } from "../../kit/Menu";
import { type Column, Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import css from "./Service.module.css";
import { foundAs } from "./words";

type Binding = Schemas["Binding"];
export type BindingsProps = { bindings: readonly Binding[]; of: "app" | "service"; refused: string };

/** Who has credentials of what, how they are found, and how old they are. */
export function Bindings({ bindings, of, refused }: BindingsProps) {
  const [asked, setAsked] = useState<{ what: "rotate" | "unbind"; binding: Binding }>();
  const columns: Column<Binding>[] = [
    of === "service"
      ? {
          id: "app",
          head: "App",
          sort: (b) => b.app,
          cell: (b) => (
            <Link to="/apps/$team/$app/services" params={{ team: b.team, app: b.app }} className="strong">
              {b.app}
            </Link>
          ),
        }
      : {
          id: "instance",
          head: "Instance",
          sort: (b) => b.instance,
          cell: (b) => (
            <Link to="/services/$team/$name" params={{ team: b.team, name: b.instance }} className="strong">
              {b.instance}
            </Link>
          ),
        },
    {
      id: "name",
      head: "Binding",
      sort: (b) => b.name,
      cell: (b) => (
        <span className="row">
          {b.name}
          {b.declared && (
            <Badge plain title="The app's crumpet.hcl names it: a release brings it back">
              in crumpet.hcl
            </Badge>
          )}
        </span>
      ),
    },
    {
      id: "state",
      head: "State",
      sort: (b) => b.state,
      cell: (b) => (
        <span className={css.lines}>
          <StatusBadge kind="binding" word={b.state} />
          {b.reason && <span className="small faint">{b.reason}</span>}
        </span>
      ),
    },
    { id: "as", head: "Found as", cell: (b) => <code>{foundAs(b)}</code> },
    { id: "generation", head: "Generation", right: true, sort: (b) => b.generation, cell: (b) => b.generation },
    {
      id: "rotated",
      head: "Issued",
      sort: (b) => b.rotated_at,
      cell: (b) => <Time at={b.rotated_at} none="not yet" />,
    },
    {
      id: "acts",
      head: <span className="hidden">Actions</span>,
      right: true,
      cell: (b) => (
        <Menu
          align="end"
          label={`Actions on ${b.name}`}
          trigger={
            <Button
              small
              kind="tertiary"
              icon={moreHorizontalIcon}
              aria-label={`Actions on ${b.name} of ${b.instance}`}
            >
              {""}
            </Button>
          }
          items={[
            ...(refused ? [{ heading: refused }] : []),
            {
              label: "Rotate credentials",
              disabled: refused !== "",
              onSelect: () => setAsked({ what: "rotate", binding: b }),
            },
            {
              label: "Unbind",
              bad: true,
              disabled: refused !== "",
              onSelect: () => setAsked({ what: "unbind", binding: b }),
            },
          ]}
        />
      ),
    },
  ];
  return (
    <>
      <Table label="Bindings" rows={bindings} rowKey={(b) => b.id} columns={columns} />
      {asked?.what === "rotate" && <RotateDialog binding={asked.binding} onClose={() => setAsked(undefined)} />}
      {asked?.what === "unbind" && <UnbindDialog binding={asked.binding} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function RotateDialog({ binding: b, onClose }: { binding: Binding; onClose: () => void }) {
  return (
    <ActionDialog
      title={`Rotate the credentials of ${b.app}`}
      description={
        b.bind.as === "files"
          ? "New credentials are made. The files change under the running programs; the old credentials end when every instance has the new ones."
          : "New credentials are made, and the app walks between its slots so that its programs have them. The old ones end when every instance has the new ones: there is no gap."
      }
      confirm="Rotate"
      command={cli(b.team, "services", "rotate", b.instance, "--app", b.app, `--binding=${b.name}`)}
      said={`New credentials of ${b.instance} are being made for ${b.app}.`}
      onClose={onClose}
      run={() =>
        data(
          api.POST("/v1/services/{service}/rotate", {
            params: { path: { service: b.instance }, query: { team: b.team } },
            body: { app: b.app, binding: b.name },
          }),
        )
      }
    />
  );
}

function UnbindDialog({ binding: b, onClose }: { binding: Binding; onClose: () => void }) {
  return (
    <ActionDialog
      kind="critical"
      title={`Unbind ${b.instance} from ${b.app}`}
      description={
        <>
          The credentials end at once, for programs that still run with them too; then {b.app} walks to do without. The
          instance and what is in it stay.
          {b.declared && " The app's crumpet.hcl names this binding: the next release brings it back."}
        </>
      }
      confirm="Unbind"
      name={b.instance}
      command={cli(b.team, "services", "unbind", b.instance, "--app", b.app, `--name=${b.name}`)}
      said={`${b.app} has no credentials of ${b.instance} any more.`}
      onClose={onClose}
      run={() =>
        data(
          api.DELETE("/v1/services/{service}/bindings/{app}", {
            params: { path: { service: b.instance, app: b.app }, query: { team: b.team, name: b.name } },
          }),
        )
      }
    />
  );
}
