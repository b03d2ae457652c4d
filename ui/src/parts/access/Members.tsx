import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { Badge } from "../../kit/Badge";
import { ErrorBanner } from "../../kit/Banner";
import { command } from "../../kit/CliHint";
import { EmptyState } from "../../kit/EmptyState";
import { Field, Select, TextInput } from "../../kit/Field";
import { tokenIcon, userPlusIcon, usersIcon, wandIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { Skeleton } from "../../kit/Skeleton";
import { Table } from "../../kit/Table";
import { Time } from "../../kit/Time";
import { ActButton } from "../action/ActButton";
import { ActionDialog } from "../action/ActionDialog";
import css from "./Access.module.css";
import { membersQuery, teamChanged } from "./queries";
import { MakeToken, TokenTable } from "./Tokens";
import { type Role, roles } from "./words";

type Member = Schemas["Member"];
type Asked = { what: "add" | "bot" } | { what: "role" | "remove" | "token"; member: Member };

/** Who is in a team, as what, and how they came to be it. */
export function Members({ team, refused }: { team: string; refused: string }) {
  const { data: all, error } = useQuery(membersQuery(team));
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  if (error && !all) return <ErrorBanner error={error} />;
  const people = all?.filter((m) => m.kind !== "bot") ?? [];
  const bots = all?.filter((m) => m.kind === "bot") ?? [];
  const acts = (m: Member) => (
    <span className={css.acts}>
      {m.kind === "bot" && (
        <ActButton small kind="tertiary" refused={refused} onClick={() => setAsked({ what: "token", member: m })}>
          Make a token<span className="hidden"> of {m.user}</span>
        </ActButton>
      )}
      <ActButton
        small
        kind="tertiary"
        refused={refused || fromGroup(m)}
        onClick={() => setAsked({ what: "role", member: m })}
      >
        Change role<span className="hidden"> of {m.user}</span>
      </ActButton>
      <ActButton
        small
        kind="tertiary"
        refused={refused || fromGroup(m)}
        onClick={() => setAsked({ what: "remove", member: m })}
      >
        {m.kind === "bot" ? "Delete" : "Remove"}
        <span className="hidden"> {m.user}</span>
      </ActButton>
    </span>
  );
  return (
    <>
      <Panel
        title="Members"
        icon={usersIcon}
        flush
        actions={
          <ActButton
            small
            kind="primary"
            icon={userPlusIcon}
            refused={refused}
            onClick={() => setAsked({ what: "add" })}
          >
            Invite
          </ActButton>
        }
      >
        {!all ? (
          <Skeleton lines={3} />
        ) : (
          <Table
            label={`Members of ${team}`}
            rows={people}
            rowKey={(m) => m.user}
            initial={{ id: "user", down: false }}
            empty={
              <EmptyState icon={usersIcon} title="No members">
                Admins of the platform may do everything here without being members.
              </EmptyState>
            }
            columns={[
              {
                id: "user",
                head: "Who",
                sort: (m) => m.user,
                cell: (m) => (
                  <span className={css.lines}>
                    <span className="row">
                      <span className="strong">{m.user}</span>
                      {m.admin && <Badge tone="highlight">Admin</Badge>}
                      {m.disabled && <Badge tone="warn">Disabled</Badge>}
                    </span>
                    {m.full_name && <span className="small faint">{m.full_name}</span>}
                  </span>
                ),
              },
              { id: "role", head: "Role", sort: (m) => m.role, cell: (m) => <RoleBadge role={m.role} /> },
              {
                id: "source",
                head: "By",
                cell: (m) =>
                  m.source === "given" ? m.created_by : <code title="A group of the provider">{m.source}</code>,
              },
              { id: "since", head: "Since", sort: (m) => m.created_at, cell: (m) => <Time at={m.created_at} /> },
              { id: "seen", head: "Last sign-in", sort: (m) => m.seen_at ?? "", cell: (m) => <Time at={m.seen_at} /> },
              { id: "acts", head: <span className="hidden">Actions</span>, right: true, cell: acts },
            ]}
          />
        )}
      </Panel>
      <Panel
        title="Bots"
        icon={wandIcon}
        flush={bots.length > 0}
        actions={
          <ActButton small refused={refused} onClick={() => setAsked({ what: "bot" })}>
            Make a bot
          </ActButton>
        }
      >
        {bots.length === 0 ? (
          <p className="faint">
            None. A bot acts for the team, such as its CI: its tokens go on when the person who made them leaves.
          </p>
        ) : (
          <Table
            label={`Bots of ${team}`}
            rows={bots}
            rowKey={(m) => m.user}
            columns={[
              { id: "user", head: "Bot", sort: (m) => m.user, cell: (m) => <span className="strong">{m.user}</span> },
              { id: "role", head: "Role", cell: (m) => <RoleBadge role={m.role} /> },
              { id: "by", head: "Made by", cell: (m) => m.created_by },
              { id: "since", head: "Since", cell: (m) => <Time at={m.created_at} /> },
              { id: "acts", head: <span className="hidden">Actions</span>, right: true, cell: acts },
            ]}
          />
        )}
      </Panel>
      {refused === "" &&
        bots.map((b) => (
          <Panel key={b.user} title={`Tokens of ${b.user}`} icon={tokenIcon} flush>
            <TokenTable owner={b.user} />
          </Panel>
        ))}
      {asked?.what === "add" && <Invite team={team} members={all ?? []} onClose={close} />}
      {asked?.what === "bot" && <MakeBot team={team} onClose={close} />}
      {asked?.what === "role" && <ChangeRole team={team} member={asked.member} onClose={close} />}
      {asked?.what === "remove" && <Remove team={team} member={asked.member} onClose={close} />}
      {asked?.what === "token" && <MakeToken owner={asked.member.user} team={team} onClose={close} />}
    </>
  );
}

const fromGroup = (m: Member) =>
  m.source === "given" ? "" : `${m.user} is a member by the group ${m.source} of the provider: the role changes there.`;

function RoleBadge({ role }: { role: Role }) {
  const of = roles.find((r) => r.value === role);
  return (
    <Badge plain title={of?.may}>
      {of?.label ?? role}
    </Badge>
  );
}

function RoleField({ role, onRole, error }: { role: Role; onRole: (r: Role) => void; error?: string }) {
  return (
    <Field label="Role" hint={`A ${role} ${roles.find((r) => r.value === role)?.may}.`} error={error}>
      <Select value={role} options={roles} onChange={(e) => onRole(e.target.value as Role)} />
    </Field>
  );
}

/** Runs a call, and keeps its refusal for the fields. */
function useFaults() {
  const [error, setError] = useState<ApiError>();
  const held =
    <T,>(f: () => Promise<T>) =>
    async () => {
      try {
        return await f();
      } catch (e) {
        if (e instanceof ApiError) setError(e);
        throw e;
      }
    };
  return { error, held };
}

const put = (team: string, user: string, role: Role) =>
  data(api.PUT("/v1/teams/{team}/members/{user}", { params: { path: { team, user } }, body: { role } }));

function Invite({ team, members, onClose }: { team: string; members: readonly Member[]; onClose: () => void }) {
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const queries = useQueryClient();
  const { error, held } = useFaults();
  const there = members.find((m) => m.user === user);
  return (
    <ActionDialog
      title={`Invite somebody into ${team}`}
      description="Whoever can sign in to Crumpet can be given a role. It counts at once, on every server."
      confirm="Give the role"
      command={command("crumpet", "members", "add", user || "USER", "--role", role, "--team", team)}
      said={`${user} is a ${role} of ${team}.`}
      onClose={onClose}
      onDone={() => teamChanged(queries, team)}
      run={held(() => put(team, user, role))}
    >
      <Field
        label="User"
        hint="The name they sign in with. Somebody new is made by an admin first, or signs in once through the provider."
        error={there ? `${user} is a ${there.role} already: this changes the role.` : error?.about("path.user")}
      >
        <TextInput
          mono
          value={user}
          onChange={(e) => setUser(e.target.value.trim())}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <RoleField role={role} onRole={setRole} error={error?.about("body.role")} />
    </ActionDialog>
  );
}

function ChangeRole({ team, member, onClose }: { team: string; member: Member; onClose: () => void }) {
  const [role, setRole] = useState<Role>(member.role);
  const queries = useQueryClient();
  return (
    <ActionDialog
      title={`Change the role of ${member.user}`}
      description="It counts at once, on every server, for tokens and open streams too."
      confirm="Change it"
      command={command("crumpet", "members", "set", member.user, "--role", role, "--team", team)}
      said={`${member.user} is a ${role} of ${team}.`}
      onClose={onClose}
      onDone={() => teamChanged(queries, team)}
      run={() => put(team, member.user, role)}
    >
      <RoleField role={role} onRole={setRole} />
    </ActionDialog>
  );
}

function Remove({ team, member, onClose }: { team: string; member: Member; onClose: () => void }) {
  const queries = useQueryClient();
  const bot = member.kind === "bot";
  return (
    <ActionDialog
      kind="critical"
      title={bot ? `Delete the bot ${member.user}` : `Remove ${member.user} from ${team}`}
      description={
        bot
          ? "Its tokens are refused at once, on every server."
          : "What they have open ends at once, on every server. They stay a user."
      }
      confirm={bot ? "Delete it" : "Remove"}
      name={member.user}
      command={command("crumpet", bot ? "bots" : "members", bot ? "delete" : "remove", member.user, "--team", team)}
      said={bot ? `Bot ${member.user} is deleted.` : `${member.user} is no longer in ${team}.`}
      onClose={onClose}
      onDone={() => teamChanged(queries, team)}
      run={() =>
        bot
          ? data(api.DELETE("/v1/teams/{team}/bots/{bot}", { params: { path: { team, bot: member.user } } }))
          : data(api.DELETE("/v1/teams/{team}/members/{user}", { params: { path: { team, user: member.user } } }))
      }
    />
  );
}

function MakeBot({ team, onClose }: { team: string; onClose: () => void }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const queries = useQueryClient();
  const { error, held } = useFaults();
  return (
    <ActionDialog
      title={`Make a bot of ${team}`}
      description="It has tokens only, which you make afterwards."
      confirm="Make it"
      command={command(
        "crumpet",
        "bots",
        "create",
        name || "NAME",
        "--role",
        role,
        about && "--description",
        about,
        "--team",
        team,
      )}
      said={`Bot ${name} is made. Make a token of it.`}
      onClose={onClose}
      onDone={() => teamChanged(queries, team)}
      run={held(() =>
        data(
          api.POST("/v1/teams/{team}/bots", {
            params: { path: { team } },
            body: { name, role, description: about || undefined },
          }),
        ),
      )}
    >
      <Field label="Name" hint="Unique among all users, such as shop-ci." error={error?.about("body.name")}>
        <TextInput
          mono
          value={name}
          onChange={(e) => setName(e.target.value.trim())}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field label="About" optional>
        <TextInput value={about} onChange={(e) => setAbout(e.target.value)} placeholder="Releases the shop" />
      </Field>
      <RoleField role={role} onRole={setRole} error={error?.about("body.role")} />
    </ActionDialog>
  );
}
