import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { Badge } from "../kit/Badge";
import { Banner, ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { Copy } from "../kit/Copy";
import { EmptyState } from "../kit/EmptyState";
import {
  editIcon,
  eyeIcon,
  historyIcon,
  keyIcon,
  lockIcon,
  plusIcon,
  slidersIcon,
  trashIcon,
  uploadIcon,
} from "../kit/icons";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { type Column, Table } from "../kit/Table";
import { Time } from "../kit/Time";
import { ActButton, ActIcon } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";
import { cli } from "../parts/app/cli";
import { useRefusal } from "../parts/app/may";
import css from "../parts/config/Config.module.css";
import { DraftPanel } from "../parts/config/DraftPanel";
import { add, type Change, edit, merge } from "../parts/config/draft";
import { ImportDialog } from "../parts/config/ImportDialog";
import { configQuery, configVersionsQuery } from "../parts/config/queries";
import { RevealDialog, useRevealed } from "../parts/config/Reveal";

type Asked = { names: string[]; version?: number };

/** What an app's programs find in their environment: names, never values unless somebody asks. */
export default function AppConfig() {
  const { team = "", app = "" } = useParams({ strict: false });
  const config = useQuery(configQuery(team, app));
  const versions = useQuery(configVersionsQuery(team, app));
  const refused = useRefusal(team);
  const [draft, setDraft] = useState<Change[]>([]);
  const [importing, setImporting] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const [deploying, setDeploying] = useState(false);
  const [revealed, show] = useRevealed();
  const keys = config.data?.items ?? [];
  const staged = config.data && config.data.version > config.data.serving ? config.data : undefined;

  return (
    <div className="stack-l">
      {config.error && <ErrorBanner error={config.error} onRetry={() => void config.refetch()} />}
      {staged && (
        <Banner
          tone="info"
          title={`Version ${staged.version} is staged`}
          actions={
            <ActButton small refused={refused} onClick={() => setDeploying(true)}>
              Deploy version {staged.version}
            </ActButton>
          }
        >
          {staged.serving > 0
            ? `The app serves with version ${staged.serving}. The next release has what was staged, whatever makes it.`
            : "No release has a version of this configuration yet. The next one does."}
        </Banner>
      )}
      <DraftPanel
        team={team}
        app={app}
        version={config.data?.version ?? 0}
        draft={draft}
        onDraft={setDraft}
        refused={refused}
      />
      <Panel
        title="Configuration"
        icon={slidersIcon}
        flush={keys.length > 0}
        actions={
          <span className="row">
            {revealed.values.size > 0 ? (
              <Button small onClick={revealed.hide}>
                Hide values ({revealed.left} s)
              </Button>
            ) : (
              keys.length > 0 && (
                <ActButton small icon={eyeIcon} refused={refused} onClick={() => setAsked({ names: [] })}>
                  Reveal
                </ActButton>
              )
            )}
            <ActButton small icon={uploadIcon} refused={refused} onClick={() => setImporting(true)}>
              Import
            </ActButton>
            <ActButton small kind="primary" icon={plusIcon} refused={refused} onClick={() => setDraft(add(draft))}>
              Add a key
            </ActButton>
          </span>
        }
      >
        {!config.data ? (
          !config.error && <Skeleton lines={4} />
        ) : keys.length === 0 ? (
          <EmptyState icon={keyIcon} title="No keys are set">
            Each key is an environment variable of all the app's programs, or a file where its crumpet.hcl says so.
            Values are kept in Vault.
          </EmptyState>
        ) : (
          <Table
            label={`Configuration of ${app}`}
            rows={keys}
            rowKey={(k) => k.name}
            initial={{ id: "name", down: false }}
            columns={columns(revealed.values, draft, refused, {
              set: (k) => setDraft(edit(draft, k, false)),
              unset: (k) => setDraft(edit(draft, k, true)),
              reveal: (k) => setAsked({ names: [k.name] }),
            })}
          />
        )}
      </Panel>
      {versions.error && <ErrorBanner error={versions.error} />}
      {versions.data && versions.data.items.length > 0 && (
        <Panel title="Versions" icon={historyIcon} flush>
          <Table
            label={`Versions of the configuration of ${app}`}
            rows={versions.data.items}
            rowKey={(v) => String(v.version)}
            columns={[
              {
                id: "version",
                head: "Version",
                cell: (v) => (
                  <span className={css.name}>
                    <span className="num strong">{v.version}</span>
                    {v.version === versions.data.serving && <Badge tone="good">Serving</Badge>}
                    {staged?.version === v.version && <Badge tone="info">Staged</Badge>}
                  </span>
                ),
              },
              { id: "change", head: "Change", cell: (v) => v.change },
              { id: "keys", head: "Keys", right: true, cell: (v) => v.keys },
              { id: "by", head: "By", cell: (v) => v.created_by },
              { id: "at", head: "When", cell: (v) => <Time at={v.created_at} /> },
              {
                id: "acts",
                head: <span className="hidden">Actions</span>,
                right: true,
                cell: (v) => (
                  <ActButton
                    small
                    kind="tertiary"
                    refused={refused}
                    onClick={() => setAsked({ names: [], version: v.version })}
                  >
                    Reveal<span className="hidden"> version {v.version}</span>
                  </ActButton>
                ),
              },
            ]}
          />
        </Panel>
      )}
      <CliHint command={cli(team, "config", "list", app)} />
      {importing && (
        <ImportDialog
          team={team}
          app={app}
          onClose={() => setImporting(false)}
          onFound={(found, secret) => {
            setDraft(merge(draft, found, secret, keys));
            setImporting(false);
          }}
        />
      )}
      {asked && (
        <RevealDialog
          team={team}
          app={app}
          names={asked.names}
          version={asked.version}
          onClose={() => setAsked(undefined)}
          onShown={show}
        />
      )}
      {deploying && staged && (
        <ActionDialog
          title={`Deploy version ${staged.version}`}
          description={`The app walks to a release that has what was staged, as a push does: new instances see it, and serve before old ones go.`}
          confirm="Deploy"
          command={cli(team, "config", "deploy", "--app", app)}
          said={`${app} walks to version ${staged.version} of its configuration.`}
          onClose={() => setDeploying(false)}
          run={() =>
            data(
              api.PATCH("/v1/apps/{app}/config", {
                params: { path: { app }, query: { team } },
                body: { base: staged.version },
              }),
            )
          }
        />
      )}
    </div>
  );
}

type Key = Schemas["ConfigKey"];
type Acts = Record<"set" | "unset" | "reveal", (k: Key) => void>;

function columns(values: Map<string, string>, draft: Change[], refused: string, acts: Acts): Column<Key>[] {
  const drafted = new Set(draft.map((c) => c.name));
  return [
    {
      id: "name",
      head: "Key",
      sort: (k) => k.name,
      cell: (k) => (
        <span className={css.name}>
          <code className="strong">{k.name}</code>
          {drafted.has(k.name) && <Badge tone="info">Changing</Badge>}
        </span>
      ),
    },
    {
      id: "kind",
      head: "Kind",
      sort: (k) => (k.secret ? 1 : 0),
      cell: (k) => (
        <Badge plain icon={k.secret ? lockIcon : undefined}>
          {k.secret ? "Secret" : "Plain"}
        </Badge>
      ),
    },
    { id: "value", head: "Value", cell: (k) => <Value name={k.name} value={values.get(k.name)} /> },
    { id: "version", head: "Version", right: true, sort: (k) => k.version, cell: (k) => k.version },
    { id: "by", head: "Set by", sort: (k) => k.set_by, cell: (k) => k.set_by },
    { id: "at", head: "When", sort: (k) => k.set_at, cell: (k) => <Time at={k.set_at} /> },
    {
      id: "acts",
      head: <span className="hidden">Actions</span>,
      right: true,
      cell: (k) => (
        <span className={css.rowActs}>
          <ActIcon small icon={eyeIcon} label={`Reveal ${k.name}`} refused={refused} onClick={() => acts.reveal(k)} />
          <ActIcon small icon={editIcon} label={`Set ${k.name}`} refused={refused} onClick={() => acts.set(k)} />
          <ActIcon
            small
            icon={trashIcon}
            label={`Take ${k.name} away`}
            refused={refused}
            onClick={() => acts.unset(k)}
          />
        </span>
      ),
    },
  ];
}

function Value({ name, value }: { name: string; value: string | undefined }) {
  if (value === undefined)
    return (
      <span className={css.dots}>
        <span aria-hidden="true">••••••••</span>
        <span className="hidden">hidden</span>
      </span>
    );
  return (
    <span className={css.shown}>
      <code>{value === "" ? " " : value}</code>
      <Copy text={value} label={`Copy the value of ${name}`} />
    </span>
  );
}
