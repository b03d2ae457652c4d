import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { StatusBadge } from "../../kit/Badge";
import { Mono } from "../../kit/Copy";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";

type Volume = Schemas["HostVolume"];

export const volumesQuery = (team: string, app: string) =>
  queryOptions({
    queryKey: keys.app(team, app, "volumes"),
    queryFn: ({ signal }) => data(api.GET("/v1/volumes", { params: { query: { team, app } }, signal })),
  });

const size = (mib: number) =>
  mib >= 1024 ? `${(mib / 1024).toLocaleString(undefined, { maximumFractionDigits: 1 })} GiB` : `${mib} MiB`;

/** The folders that are kept for instances: one for each number, the same in every release. */
export function Volumes({ items, refused }: { items: readonly Volume[]; refused: string }) {
  const [gone, setGone] = useState<Volume>();
  const queries = useQueryClient();
  if (items.length === 0)
    return (
      <p className="faint">
        None. A volume block of its crumpet.hcl gives each instance a folder that stays when the instance ends.
      </p>
    );
  return (
    <>
      <Table
        label="Volumes"
        rows={items}
        rowKey={(v) => v.id}
        columns={[
          { id: "name", head: "Volume", sort: (v) => v.name, cell: (v) => <Mono>{v.name}</Mono> },
          { id: "of", head: "Of", sort: (v) => v.process, cell: (v) => `${v.process}[${v.index}], ${v.volume}` },
          {
            id: "state",
            head: "State",
            sort: (v) => v.status,
            cell: (v) => <StatusBadge kind="volume" word={v.status} />,
          },
          { id: "size", head: "Size", right: true, sort: (v) => v.size_mib, cell: (v) => size(v.size_mib) },
          { id: "node", head: "Node", sort: (v) => v.node, cell: (v) => v.node },
          {
            id: "used",
            head: "Used by",
            cell: (v) => (v.used_by.length > 0 ? v.used_by.join(", ") : <span className="faint">nothing</span>),
          },
          { id: "at", head: "Made", sort: (v) => v.created_at, cell: (v) => <Time at={v.created_at} /> },
          {
            id: "acts",
            head: <span className="hidden">Actions</span>,
            right: true,
            cell: (v) => (
              <ActButton
                small
                kind="tertiary"
                refused={
                  refused ||
                  (v.used_by.length > 0
                    ? `An instance uses ${v.name}. Stop the app or take the volume out of its crumpet.hcl first.`
                    : "")
                }
                onClick={() => setGone(v)}
              >
                Delete<span className="hidden"> {v.name}</span>
              </ActButton>
            ),
          },
        ]}
      />
      {gone && (
        <ActionDialog
          kind="critical"
          title={`Delete the volume ${gone.name}`}
          description="It is deleted with all that is in it. Nothing of it can be had back."
          confirm="Delete it"
          name={gone.app}
          command={cli(gone.team, "volumes", "delete", gone.name)}
          said={`Volume ${gone.name} is deleted.`}
          onClose={() => setGone(undefined)}
          onDone={() => void queries.invalidateQueries({ queryKey: keys.app(gone.team, gone.app, "volumes") })}
          run={() =>
            data(
              api.DELETE("/v1/apps/{app}/volumes/{volume}", {
                params: { path: { app: gone.app, volume: gone.name }, query: { team: gone.team } },
              }),
            )
          }
        />
      )}
    </>
  );
}
