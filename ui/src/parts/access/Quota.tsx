import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { command } from "../../kit/CliHint";
import { Field, TextInput } from "../../kit/Field";
import { barChartIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import { Bar } from "../platform/Bar";
import css from "./Access.module.css";
import { teamChanged } from "./queries";
import { quotaAmount, quotaChange, quotaNames } from "./words";

type What = Schemas["QuotaLine"]["what"];

/** What a team wants of what it may want. */
export function Quota({ team, refused }: { team: Schemas["Team"]; refused: string }) {
  const [asked, setAsked] = useState(false);
  const lines = team.lines ?? [];
  return (
    <Panel
      title="Quota"
      icon={barChartIcon}
      actions={
        <ActButton small refused={refused} onClick={() => setAsked(true)}>
          Change
        </ActButton>
      }
    >
      <div className={css.quota}>
        {lines.map((l) =>
          l.limit > 0 ? (
            <Bar
              key={l.what}
              label={quotaNames[l.what]}
              of={{ total: l.limit, reserved: l.after }}
              say={(n) => quotaAmount(l.what, n)}
              word="wanted"
            />
          ) : (
            <div key={l.what} className={css.unbound}>
              <span className="strong small">{quotaNames[l.what]}</span>
              <span className="small faint">
                <b className="num">{quotaAmount(l.what, l.after)}</b> wanted, no bound
              </span>
            </div>
          ),
        )}
      </div>
      {asked && <ChangeQuota team={team} onClose={() => setAsked(false)} />}
    </Panel>
  );
}

const units: Partial<Record<What, string>> = { memory: "MB", cpu: "MHz", storage: "MB" };

function ChangeQuota({ team, onClose }: { team: Schemas["Team"]; onClose: () => void }) {
  const [typed, setTyped] = useState<Record<string, string>>({});
  const queries = useQueryClient();
  const { change, faults } = quotaChange(team.quota, typed);
  const whats = Object.keys(quotaNames) as What[];
  return (
    <ActionDialog
      title={`Change the quota of ${team.name}`}
      description="It is checked when something is deployed, scaled or started. What a team has above a quota it keeps, and may lessen."
      confirm="Change it"
      command={command(
        "crumpet",
        "quota",
        "set",
        team.name,
        ...Object.entries(change ?? {}).flatMap(([w, n]) => [`--${w}`, n]),
      )}
      said={`The quota of ${team.name} is another now.`}
      onClose={onClose}
      onDone={() => teamChanged(queries, team.name)}
      run={() => {
        const fault = Object.entries(faults)[0];
        if (fault) throw new Error(`${quotaNames[fault[0] as What]}: ${fault[1]}`);
        if (!change) throw new Error("This changes nothing. Give another number.");
        return data(api.PATCH("/v1/teams/{team}", { params: { path: { team: team.name } }, body: { quota: change } }));
      }}
    >
      <div className={css.two}>
        {whats.map((w) => (
          <Field key={w} label={units[w] ? `${quotaNames[w]} (${units[w]})` : quotaNames[w]} error={faults[w]}>
            <TextInput
              inputMode="numeric"
              value={typed[w] ?? (team.quota[w] ? String(team.quota[w]) : "")}
              placeholder="no bound"
              onChange={(e) => setTyped({ ...typed, [w]: e.target.value })}
            />
          </Field>
        ))}
      </div>
    </ActionDialog>
  );
}
