import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { keys } from "../../api/keys";
import { Badge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import { checkCircleIcon, reloadIcon, wandIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { Table } from "../../kit/Table";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import css from "./Platform.module.css";

type Finding = Schemas["Finding"];

/** What somebody else changed on the cluster, and its repair. It is looked for when the page is opened, and when asked. */
export function DriftPanel({ refused }: { refused: string }) {
  const queries = useQueryClient();
  const drift = useQuery({
    queryKey: keys.drift,
    staleTime: 0, // looking takes the cluster a while: not with each change of the platform
    queryFn: ({ signal }) => data(api.GET("/v1/drift", { params: { query: {} }, signal })),
  });
  const [asked, setAsked] = useState(false);
  const [healed, setHealed] = useState<Finding[]>();
  const found = drift.data?.items ?? [];
  const shown = healed ?? found;
  return (
    <Panel
      title="Drift"
      icon={wandIcon}
      flush={shown.length > 0}
      actions={
        <span className="row">
          <Button
            small
            icon={reloadIcon}
            busy={drift.isFetching}
            onClick={() => {
              setHealed(undefined);
              void drift.refetch();
            }}
          >
            Look again
          </Button>
          {found.length > 0 && !healed && (
            <ActButton small kind="primary" refused={refused} onClick={() => setAsked(true)}>
              Repair
            </ActButton>
          )}
        </span>
      }
    >
      {drift.error && !drift.data ? (
        <ErrorBanner error={drift.error} />
      ) : !drift.data ? (
        <Skeleton lines={2} />
      ) : shown.length === 0 ? (
        <p className={css.well}>
          <Icon of={checkCircleIcon} /> What stands in Nomad, in Consul and in the routers is what Crumpet wishes.
        </p>
      ) : (
        <Table
          label="What is not as it is wished"
          rows={shown}
          rowKey={(f) => `${f.kind} ${f.team}/${f.app} ${f.thing}`}
          columns={[
            {
              id: "thing",
              head: "What",
              cell: (f) => (
                <span className={css.lines}>
                  <code className="strong">{f.thing}</code>
                  <span className="small faint">{f.kind}</span>
                </span>
              ),
            },
            {
              id: "app",
              head: "App",
              sort: (f) => `${f.team}/${f.app}`,
              cell: (f) =>
                f.app && f.team ? (
                  <Link to="/apps/$team/$app" params={{ team: f.team, app: f.app }}>
                    {f.app}
                  </Link>
                ) : (
                  <span className="faint">none</span>
                ),
            },
            { id: "wished", head: "Wished", cell: (f) => f.wished },
            { id: "found", head: "Found", cell: (f) => f.found },
            {
              id: "repair",
              head: "Repair",
              cell: (f) => (
                <span className={css.lines}>
                  {f.status === "healed" ? (
                    <Badge tone="good">Healed</Badge>
                  ) : f.status === "left" ? (
                    <Badge tone="warn">Left</Badge>
                  ) : null}
                  <span>{f.repair}</span>
                  {f.reason && <span className="small faint">{f.reason}</span>}
                </span>
              ),
            },
          ]}
        />
      )}
      {asked && (
        <ActionDialog
          title={found.length === 1 ? "Repair what was found" : `Repair ${found.length} things`}
          description="Jobs are put back, in place where that costs no instance and else by a walk; what nothing names is taken away; keys that are no rules are moved to crumpet/quarantine/."
          confirm="Repair"
          command={cli("default", "repair", "--yes")}
          said="What was found is being repaired."
          onClose={() => setAsked(false)}
          onDone={(answer: Schemas["Drift"]) => {
            setHealed(answer.items);
            void queries.invalidateQueries({ queryKey: keys.platform() });
          }}
          run={() =>
            data(
              api.POST("/v1/repair", {
                params: { query: {} },
                body: { items: found.map(({ kind, team, app, thing }) => ({ kind, team, app, thing })) },
              }),
            )
          }
        />
      )}
    </Panel>
  );
}
