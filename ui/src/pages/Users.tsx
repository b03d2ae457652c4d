import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { ApiError } from "../api/error";
import { keys } from "../api/keys";
import { useSelf } from "../api/queries";
import { Badge } from "../kit/Badge";
import { ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint, command } from "../kit/CliHint";
import { EmptyState } from "../kit/EmptyState";
import { Checkbox, Field, SearchInput, TextInput } from "../kit/Field";
import { lockIcon, moreHorizontalIcon, userPlusIcon, usersIcon } from "../kit/icons";
import { Menu } from "../kit/Menu";
import { PageHeader } from "../kit/PageHeader";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Table } from "../kit/Table";
import { Time } from "../kit/Time";
import css from "../parts/access/Access.module.css";
import { SHORTEST } from "../parts/access/ChangePassword";
import { usersQuery } from "../parts/access/queries";
import { ActionDialog } from "../parts/action/ActionDialog";

type User = Schemas["User"];
type Change = "disable" | "enable" | "unlock" | "admin" | "noAdmin" | "delete" | "password";

const locked = (u: User) => u.locked_until !== undefined && new Date(u.locked_until) > new Date();

/** Everybody who can sign in, and every bot: for admins. */
export default function Users() {
  const { data: self } = useSelf();
  const may = self?.admin ?? false;
  const { data: users, error, refetch } = useQuery({ ...usersQuery, enabled: may });
  const [q, setQ] = useState("");
  const [making, setMaking] = useState(false);
  const [asked, setAsked] = useState<{ what: Change; user: User }>();
  if (self && !may)
    return (
      <div className="stack-l">
        <PageHeader title="Users" />
        <EmptyState icon={lockIcon} title="For admins of the platform">
          Who is in a team is on the page of the team.
        </EmptyState>
      </div>
    );
  const word = q.toLowerCase();
  const shown =
    users?.filter((u) => [u.name, u.full_name ?? "", u.email ?? ""].some((t) => t.toLowerCase().includes(word))) ?? [];
  return (
    <div className="stack-l">
      <PageHeader
        title="Users"
        lead="People who can sign in, and bots that act for teams."
        crumbs={[
          <Link key="teams" to="/teams">
            Teams
          </Link>,
        ]}
        actions={
          <Button kind="primary" icon={userPlusIcon} onClick={() => setMaking(true)}>
            Make a local user
          </Button>
        }
      />
      {error && <ErrorBanner error={error} onRetry={() => void refetch()} />}
      <Panel
        title="Users"
        icon={usersIcon}
        flush
        actions={<SearchInput small label="Find somebody" value={q} onChange={(e) => setQ(e.target.value)} />}
      >
        {!users ? (
          !error && <Skeleton lines={4} />
        ) : (
          <Table
            label="Users"
            rows={shown}
            rowKey={(u) => u.name}
            initial={{ id: "name", down: false }}
            empty={<EmptyState title="Nobody matches">Take the filter away to see all.</EmptyState>}
            columns={[
              {
                id: "name",
                head: "Name",
                sort: (u) => u.name,
                cell: (u) => (
                  <span className={css.lines}>
                    <span className="row">
                      <span className="strong">{u.name}</span>
                      {u.admin && <Badge tone="highlight">Admin</Badge>}
                      {u.kind === "bot" && <Badge plain>Bot</Badge>}
                      {u.disabled && <Badge tone="warn">Disabled</Badge>}
                      {locked(u) && (
                        <Badge tone="bad" icon={lockIcon}>
                          Locked
                        </Badge>
                      )}
                    </span>
                    {(u.full_name || u.email) && (
                      <span className="small faint">{[u.full_name, u.email].filter(Boolean).join(", ")}</span>
                    )}
                  </span>
                ),
              },
              {
                id: "from",
                head: "Signs in",
                cell: (u) =>
                  u.provider
                    ? `through ${u.provider}`
                    : u.password
                      ? "by password"
                      : u.kind === "bot"
                        ? "by token"
                        : "not at all",
              },
              {
                id: "roles",
                head: "Roles",
                cell: (u) =>
                  Object.keys(u.roles).length === 0 ? (
                    <span className="faint">{u.admin ? "everything, everywhere" : "none"}</span>
                  ) : (
                    <span className={css.scope}>
                      {Object.entries(u.roles)
                        .sort()
                        .map(([t, r]) => `${t}: ${r}`)
                        .join(", ")}
                    </span>
                  ),
              },
              { id: "seen", head: "Last sign-in", sort: (u) => u.seen_at ?? "", cell: (u) => <Time at={u.seen_at} /> },
              { id: "made", head: "Made", sort: (u) => u.created_at, cell: (u) => <Time at={u.created_at} /> },
              {
                id: "acts",
                head: <span className="hidden">Actions</span>,
                right: true,
                cell: (u) => <Acts user={u} self={self?.user} onAsk={(what) => setAsked({ what, user: u })} />,
              },
            ]}
          />
        )}
      </Panel>
      <CliHint command={command("crumpet", "users", "list")} />
      {making && <MakeUser onClose={() => setMaking(false)} />}
      {asked?.what === "password" && <GivePassword user={asked.user.name} onClose={() => setAsked(undefined)} />}
      {asked && asked.what !== "password" && (
        <ChangeUser what={asked.what} user={asked.user} onClose={() => setAsked(undefined)} />
      )}
    </div>
  );
}

function Acts({ user: u, self, onAsk }: { user: User; self?: string; onAsk: (what: Change) => void }) {
  const own = u.name === self;
  return (
    <Menu
      align="end"
      label={`Actions on ${u.name}`}
      trigger={
        <Button small kind="tertiary" icon={moreHorizontalIcon} aria-label={`Actions on ${u.name}`}>
          {""}
        </Button>
      }
      items={[
        ...(locked(u) ? [{ label: "Unlock", onSelect: () => onAsk("unlock") }] : []),
        ...(u.kind === "person" && !u.provider
          ? [{ label: "Give another password", onSelect: () => onAsk("password") }]
          : []),
        ...(u.kind === "person"
          ? [
              u.admin
                ? { label: "Make no longer an admin", disabled: own, onSelect: () => onAsk("noAdmin") }
                : { label: "Make an admin", onSelect: () => onAsk("admin") },
            ]
          : []),
        u.disabled
          ? { label: "Enable", onSelect: () => onAsk("enable") }
          : { label: "Disable", disabled: own, onSelect: () => onAsk("disable") },
        "line",
        { label: "Delete", bad: true, disabled: own, onSelect: () => onAsk("delete") },
      ]}
    />
  );
}

type Words = {
  title: (n: string) => string;
  about: string;
  confirm: string;
  said: (n: string) => string;
  body?: Schemas["UpdateUser"];
  words: string[];
  hurts?: boolean;
};

const changes: Record<Exclude<Change, "password">, Words> = {
  disable: {
    title: (n) => `Disable ${n}`,
    about: "Signed out at once, on every server; none of their tokens is taken until they are enabled.",
    confirm: "Disable",
    said: (n) => `${n} is disabled.`,
    body: { disabled: true },
    words: ["disable"],
    hurts: true,
  },
  enable: {
    title: (n) => `Enable ${n}`,
    about: "They can sign in again, and their tokens are taken again.",
    confirm: "Enable",
    said: (n) => `${n} is enabled.`,
    body: { disabled: false },
    words: ["enable"],
  },
  unlock: {
    title: (n) => `Unlock ${n}`,
    about: "Passwords are looked at again, after too many failures.",
    confirm: "Unlock",
    said: (n) => `${n} is not locked.`,
    body: { unlock: true },
    words: ["unlock"],
  },
  admin: {
    title: (n) => `Make ${n} an admin`,
    about: "An admin of the platform may do everything in every team.",
    confirm: "Make an admin",
    said: (n) => `${n} is an admin.`,
    body: { admin: true },
    words: ["update", "--admin"],
  },
  noAdmin: {
    title: (n) => `${n} is no longer to be an admin`,
    about: "Only the roles in teams are left.",
    confirm: "Take it away",
    said: (n) => `${n} is no longer an admin.`,
    body: { admin: false },
    words: ["update", "--admin=false"],
    hurts: true,
  },
  delete: {
    title: (n) => `Delete ${n}`,
    about: "Their tokens and memberships go with them. What they did stays in the audit.",
    confirm: "Delete",
    said: (n) => `${n} is deleted.`,
    words: ["delete"],
    hurts: true,
  },
};

function ChangeUser({ what, user, onClose }: { what: Exclude<Change, "password">; user: User; onClose: () => void }) {
  const queries = useQueryClient();
  const of = changes[what];
  const [verb = "", ...flags] = of.words;
  const path = { user: user.name };
  return (
    <ActionDialog<unknown>
      kind={of.hurts ? "critical" : "primary"}
      title={of.title(user.name)}
      description={of.about}
      confirm={of.confirm}
      name={of.hurts ? user.name : undefined}
      command={command("crumpet", "users", verb, user.name, ...flags)}
      said={of.said(user.name)}
      onClose={onClose}
      onDone={() => void queries.invalidateQueries({ queryKey: keys.users })}
      run={() =>
        of.body
          ? data(api.PATCH("/v1/users/{user}", { params: { path }, body: of.body }))
          : data(api.DELETE("/v1/users/{user}", { params: { path } }))
      }
    />
  );
}

function GivePassword({ user, onClose }: { user: string; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const queries = useQueryClient();
  return (
    <ActionDialog
      title={`Give ${user} another password`}
      description="They are signed out everywhere. Tell it to them on a way that others don't read."
      confirm="Give it"
      command={command("crumpet", "users", "update", user, "--password")}
      said={`${user} has another password.`}
      onClose={onClose}
      onDone={() => void queries.invalidateQueries({ queryKey: keys.users })}
      run={() => data(api.PATCH("/v1/users/{user}", { params: { path: { user } }, body: { password } }))}
    >
      <Field label="New password" hint={`At least ${SHORTEST} characters.`}>
        <TextInput
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(e) => setPassword(e.target.value)}
        />
      </Field>
    </ActionDialog>
  );
}

function MakeUser({ onClose }: { onClose: () => void }) {
  const [of, setOf] = useState({ name: "", full_name: "", email: "", password: "", admin: false });
  const [error, setError] = useState<ApiError>();
  const queries = useQueryClient();
  const set = (change: Partial<typeof of>) => setOf({ ...of, ...change });
  return (
    <ActionDialog
      title="Make a local user"
      description="Somebody who signs in with a password of Crumpet's own. People of the provider are made when they first sign in."
      confirm="Make the user"
      command={command(
        "crumpet",
        "users",
        "create",
        of.name || "NAME",
        of.full_name && "--full-name",
        of.full_name,
        of.email && "--email",
        of.email,
        of.admin && "--admin",
      )}
      said={`User ${of.name} is made. Give them a role on the page of a team.`}
      onClose={onClose}
      onDone={() => void queries.invalidateQueries({ queryKey: keys.users })}
      run={async () => {
        try {
          return await data(
            api.POST("/v1/users", {
              body: {
                name: of.name,
                full_name: of.full_name || undefined,
                email: of.email || undefined,
                password: of.password || undefined,
                admin: of.admin || undefined,
              },
            }),
          );
        } catch (e) {
          if (e instanceof ApiError) setError(e);
          throw e;
        }
      }}
    >
      <Field
        label="Name"
        hint="Up to 32 lower-case letters, digits and single dashes."
        error={error?.about("body.name")}
      >
        <TextInput
          mono
          value={of.name}
          onChange={(e) => set({ name: e.target.value.trim() })}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <div className={css.two}>
        <Field label="Full name" optional error={error?.about("body.full_name")}>
          <TextInput value={of.full_name} onChange={(e) => set({ full_name: e.target.value })} autoComplete="off" />
        </Field>
        <Field label="E-mail" optional error={error?.about("body.email")}>
          <TextInput
            type="email"
            value={of.email}
            onChange={(e) => set({ email: e.target.value })}
            autoComplete="off"
          />
        </Field>
      </div>
      <Field
        label="Password"
        hint={`At least ${SHORTEST} characters. Without one nobody can sign in as the user.`}
        error={error?.about("body.password")}
        optional
      >
        <TextInput
          type="password"
          autoComplete="new-password"
          value={of.password}
          onChange={(e) => set({ password: e.target.value })}
        />
      </Field>
      <Checkbox
        label="Admin of the platform"
        hint="May do everything in every team."
        checked={of.admin}
        onChange={(e) => set({ admin: e.target.checked })}
      />
    </ActionDialog>
  );
}
