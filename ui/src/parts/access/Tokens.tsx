import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { keys } from "../../api/keys";
import { Badge } from "../../kit/Badge";
import { Banner, ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint, command } from "../../kit/CliHint";
import { Copy, Mono } from "../../kit/Copy";
import { Dialog } from "../../kit/Dialog";
import { EmptyState } from "../../kit/EmptyState";
import { Checkbox, Field, Select, TextInput } from "../../kit/Field";
import { tokenIcon } from "../../kit/icons";
import { Skeleton } from "../../kit/Skeleton";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import css from "./Access.module.css";
import { tokensQuery } from "./queries";
import { scopeText, verbs } from "./words";

type Token = Schemas["Token"];
const tones = { active: "good", expired: "neutral", revoked: "bad" } as const;

/** The tokens of the caller, or of a bot: what each may, until when, and when it was last used. */
export function TokenTable({ owner, refused = "" }: { owner?: string; refused?: string }) {
  const { data: tokens, error } = useQuery(tokensQuery(owner));
  const [gone, setGone] = useState<Token>();
  const [ended, setEnded] = useState(false);
  const queries = useQueryClient();
  if (error && !tokens) return <ErrorBanner error={error} />;
  if (!tokens) return <Skeleton lines={3} />;
  const shown = tokens.filter((t) => ended || t.status === "active");
  return (
    <>
      <Table
        label="Tokens"
        rows={shown}
        rowKey={(t) => t.id}
        empty={
          <EmptyState icon={tokenIcon} title="No token">
            A token lets a program act for {owner ? owner : "you"}, and no more than you say: such as releasing one app.
          </EmptyState>
        }
        columns={[
          {
            id: "name",
            head: "Name",
            sort: (t) => t.name,
            cell: (t) => (
              <span className={css.lines}>
                <span className="row">
                  <span className="strong">{t.name}</span>
                  {t.current && <Badge tone="info">This one</Badge>}
                  {t.status !== "active" && (
                    <Badge tone={tones[t.status]}>{t.status === "expired" ? "Expired" : "Revoked"}</Badge>
                  )}
                </span>
                <Mono>{t.id}</Mono>
              </span>
            ),
          },
          { id: "scope", head: "May", cell: (t) => <span className={css.scope}>{scopeText(t)}</span> },
          {
            id: "expires",
            head: "Expires",
            sort: (t) => t.expires_at ?? "~",
            cell: (t) => <Time at={t.expires_at} none="never" />,
          },
          {
            id: "used",
            head: "Last used",
            sort: (t) => t.last_used_at ?? "",
            cell: (t) => (
              <span className={css.lines}>
                <Time at={t.last_used_at} none="never" />
                {t.last_used_by && <span className="small faint">from {t.last_used_by}</span>}
              </span>
            ),
          },
          { id: "made", head: "Made", sort: (t) => t.created_at, cell: (t) => <Time at={t.created_at} /> },
          {
            id: "acts",
            head: <span className="hidden">Actions</span>,
            right: true,
            cell: (t) =>
              t.status === "active" && (
                <ActButton small kind="tertiary" refused={refused} onClick={() => setGone(t)}>
                  Revoke<span className="hidden"> {t.name}</span>
                </ActButton>
              ),
          },
        ]}
      />
      {tokens.length > shown.length || ended ? (
        <div className="row">
          <Button small kind="tertiary" onClick={() => setEnded(!ended)}>
            {ended ? "Leave out those that have ended" : `Show ${tokens.length - shown.length} that have ended`}
          </Button>
        </div>
      ) : null}
      {gone && (
        <ActionDialog
          kind="critical"
          title={`Revoke ${gone.name}`}
          description={`It is refused at once, on every server; streams that it has open end.${gone.current ? " It is the token that this page uses." : ""}`}
          confirm="Revoke it"
          name={gone.name}
          command={command("crumpet", "tokens", "revoke", gone.id)}
          said={`Token ${gone.name} is revoked.`}
          onClose={() => setGone(undefined)}
          onDone={() => void queries.invalidateQueries({ queryKey: keys.tokens })}
          run={() => data(api.DELETE("/v1/tokens/{id}", { params: { path: { id: gone.id } } }))}
        />
      )}
    </>
  );
}

const lasts = [
  { value: "7d", label: "7 days" },
  { value: "30d", label: "30 days" },
  { value: "90d", label: "90 days" },
  { value: "180d", label: "180 days" },
  { value: "365d", label: "A year, the longest" },
];

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

export type MakeTokenProps = { owner?: string; team?: string; admin?: boolean; onClose: () => void };

/** Makes a token, and shows it this once. */
export function MakeToken({ owner, team, admin, onClose }: MakeTokenProps) {
  const [name, setName] = useState("");
  const [expires, setExpires] = useState("90d");
  const [teams, setTeams] = useState(team ?? "");
  const [apps, setApps] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  const queries = useQueryClient();
  const body = {
    name,
    owner,
    expires_in: expires,
    teams: words(teams).length > 0 ? words(teams) : undefined,
    apps: words(apps).length > 0 ? words(apps) : undefined,
    verbs: chosen.length > 0 ? chosen : undefined,
  };
  const make = useMutation({
    mutationFn: () => data(api.POST("/v1/tokens", { body: body as Schemas["CreateToken"] })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: keys.tokens }),
    gcTime: 0, // the token is not kept
  });
  const error = make.error instanceof ApiError ? make.error : undefined;
  const hint = command(
    "crumpet",
    "tokens",
    "create",
    name || "NAME",
    owner && `--bot=${owner}`,
    ...words(teams).flatMap((t) => ["--team", t]),
    ...words(apps).flatMap((a) => ["--app", a]),
    ...chosen.flatMap((v) => ["--verb", v]),
    "--expires",
    expires,
  );
  if (make.data) return <Shown made={make.data} onClose={onClose} />;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={owner ? `Make a token of ${owner}` : "Make a token"}
      description="It is shown once, when it is made. It never may more than its owner may at that moment."
      onSubmit={() => {
        setTried(true);
        if (name !== "" && !make.isPending) make.mutate();
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={make.isPending}>
            Make it
          </Button>
        </>
      }
    >
      <div className={css.two}>
        <Field
          label="Name"
          hint="What it is for, such as ci."
          error={(tried && name === "" && "Give it a name.") || error?.about("body.name")}
        >
          <TextInput value={name} onChange={(e) => setName(e.target.value)} autoComplete="off" />
        </Field>
        <Field label="Expires" hint="It ends then, whatever happens." error={error?.about("body.expires_in")}>
          <Select value={expires} options={lasts} onChange={(e) => setExpires(e.target.value)} />
        </Field>
      </div>
      <div className={css.two}>
        <Field label="Only for teams" hint="Names, with spaces between." error={error?.about("body.teams")} optional>
          <TextInput
            mono
            value={teams}
            onChange={(e) => setTeams(e.target.value)}
            placeholder="all"
            autoComplete="off"
          />
        </Field>
        <Field label="Only for apps" hint="As TEAM/APP." error={error?.about("body.apps")} optional>
          <TextInput mono value={apps} onChange={(e) => setApps(e.target.value)} placeholder="all" autoComplete="off" />
        </Field>
      </div>
      <fieldset className={css.verbs}>
        <legend>
          May only {chosen.length === 0 && <span className="faint">(nothing chosen: all that its owner may)</span>}
        </legend>
        {verbs
          .filter((v) => admin || v.value !== "platform")
          .map((v) => (
            <Checkbox
              key={v.value}
              label={v.value}
              hint={v.may}
              checked={chosen.includes(v.value)}
              onChange={(e) => setChosen(e.target.checked ? [...chosen, v.value] : chosen.filter((c) => c !== v.value))}
            />
          ))}
      </fieldset>
      {make.error && <ErrorBanner error={make.error} />}
      <CliHint command={hint} />
    </Dialog>
  );
}

function Shown({ made, onClose }: { made: Schemas["CreatedToken"]; onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Token ${made.token.name} is made`}
      description={
        <>
          It has the id <code>{made.token.id}</code> and ends <Time at={made.token.expires_at} none="never" seconds />.
        </>
      }
      onSubmit={onClose}
      footer={
        <Button kind="primary" type="submit">
          I have kept it
        </Button>
      }
    >
      <Banner tone="warn" title="It is shown this once" alert>
        Put it where it is needed now: nobody can have it again.
      </Banner>
      <div className={css.secret}>
        <code>{made.secret}</code>
        <Copy text={made.secret} label="Copy the token" />
      </div>
    </Dialog>
  );
}
