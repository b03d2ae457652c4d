import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { keys } from "../api/keys";
import { useStatus } from "../api/queries";
import { ErrorBanner } from "../kit/Banner";
import { Button } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { Icon } from "../kit/Icon";
import {
  checkCircleIcon,
  layersIcon,
  minusIcon,
  playIcon,
  plusIcon,
  reloadIcon,
  settingsIcon,
  stopCircleIcon,
  xCircleIcon,
} from "../kit/icons";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { useToast } from "../kit/Toast";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";
import { cli } from "../parts/app/cli";
import { useRefusal } from "../parts/app/may";
import css from "../parts/app/Scale.module.css";
import { changed, numberOf, quotaHints, reserved, type Wish } from "../parts/app/scale";

type Act = "restart" | "stop" | "start";

/** How many instances are wanted, and whether any are: scale, restart, stop, start. */
export default function AppScale() {
  const { team, app } = useParams({ from: "/shell/apps/$team/$app" });
  const status = useStatus(team, app);
  const s = status.data;
  if (!s)
    return status.error ? (
      <ErrorBanner error={status.error} onRetry={() => void status.refetch()} />
    ) : (
      <Skeleton lines={5} />
    );
  return (
    <div className="stack">
      <Instances status={s} team={team} app={app} />
      <Whole status={s} team={team} app={app} />
    </div>
  );
}

function Instances({ status: s, team, app }: { status: Schemas["Status"]; team: string; app: string }) {
  const toast = useToast();
  const navigate = useNavigate();
  const refused = useRefusal(team);
  const [wish, setWish] = useState<Wish>({});
  const release = useQuery({
    queryKey: ["release", team, app, s.release],
    queryFn: ({ signal }) =>
      data(
        api.GET("/v1/apps/{app}/releases/{number}", {
          params: { path: { app, number: s.release }, query: { team } },
          signal,
        }),
      ),
    enabled: s.release > 0,
  });
  const standing = useQuery({
    queryKey: [...keys.team(team), "standing"],
    queryFn: ({ signal }) => data(api.GET("/v1/teams/{team}", { params: { path: { team } }, signal })),
  });
  const counts = changed(s.processes, wish);
  const dirty = Object.keys(counts).length > 0;
  const spec = release.data?.spec.processes ?? [];
  const before = reserved(s.processes, spec);
  const after = reserved(s.processes, spec, wish);
  const hints = spec.length > 0 ? quotaHints(standing.data?.lines ?? [], before, after) : [];
  const act = useMutation({
    mutationFn: () =>
      data(api.POST("/v1/apps/{app}/scale", { params: { path: { app }, query: { team } }, body: { counts } })),
    onSuccess: (d) => {
      setWish({});
      const text = Object.entries(counts)
        .map(([p, n]) => `${n} ${p}`)
        .join(", ");
      toast(d.changed ? `${app} is to have ${text}.` : "Nothing changed: it had as many already.");
      if (d.deployment)
        void navigate({ to: "/apps/$team/$app/deploys/$id", params: { team, app, id: d.deployment.id } });
    },
  });
  const set = (name: string, n: number) => {
    setWish((w) => ({ ...w, [name]: n }));
    act.reset();
  };
  const stopped = s.status === "stopped" && s.processes.some((p) => p.wanted > 0);
  return (
    <Panel title="Instances" icon={layersIcon} flush>
      <form
        className={css.rows}
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (dirty && !refused && !act.isPending) act.mutate();
        }}
      >
        {s.processes.length === 0 && <p className={css.foot}>The release that serves has no process.</p>}
        {s.processes.map((p) => {
          const n = wish[p.name] ?? p.wanted;
          const of = spec.find((o) => o.name === p.name);
          return (
            <div key={p.name} className={css.row}>
              <div className={css.name}>
                <code>{p.name}</code>
                {of && (
                  <span className="small faint">
                    {of.memory} MiB{of.cpu ? `, ${of.cpu} MHz` : ""}
                    {of.cores ? `, ${of.cores} cores` : ""} each
                  </span>
                )}
              </div>
              <span className="num">
                {p.healthy} healthy, {p.wanted} wanted
              </span>
              <span className={css.stepper}>
                <button
                  type="button"
                  aria-label={`One ${p.name} less`}
                  disabled={n <= 0}
                  onClick={() => set(p.name, n - 1)}
                >
                  <Icon of={minusIcon} />
                </button>
                <input
                  type="number"
                  inputMode="numeric"
                  min={0}
                  max={1000}
                  aria-label={`Instances of ${p.name}`}
                  value={n}
                  onChange={(e) => set(p.name, numberOf(e.target.value, n))}
                />
                <button type="button" aria-label={`One ${p.name} more`} onClick={() => set(p.name, n + 1)}>
                  <Icon of={plusIcon} />
                </button>
              </span>
              <span className={css.change} data-on={n !== p.wanted}>
                {n === p.wanted
                  ? "as it is"
                  : `${p.wanted} → ${n}: ${n > p.wanted ? `${n - p.wanted} more` : n === 0 ? "none any more" : `${p.wanted - n} fewer`}`}
              </span>
            </div>
          );
        })}
        <div className={css.foot}>
          <div className={css.hint} role="status">
            {dirty && spec.length > 0 && (
              <p>
                The app would reserve <b className="strong num">{after.memory.toLocaleString("en")} MiB</b> and{" "}
                <b className="strong num">{after.cpu.toLocaleString("en")} MHz</b>
                {after.memory !== before.memory && (
                  <span className="faint">
                    , {after.memory > before.memory ? "+" : "−"}
                    {Math.abs(after.memory - before.memory).toLocaleString("en")} MiB
                  </span>
                )}
                .{stopped && " It is stopped: this holds from when it is started."}
              </p>
            )}
            {hints
              .filter((h) => h.limit > 0)
              .map((h) => (
                <p key={h.what} className={css.line} data-over={h.over}>
                  <Icon of={h.over ? xCircleIcon : checkCircleIcon} />
                  Quota of {team}: {h.what} {h.after.toLocaleString("en")} of {h.limit.toLocaleString("en")} {h.unit}{" "}
                  after this{h.over && ": more than the team may have"}
                </p>
              ))}
          </div>
          {act.error && <ErrorBanner error={act.error} />}
          <div className={css.acts}>
            <ActButton kind="primary" type="submit" refused={refused} disabled={!dirty} busy={act.isPending}>
              Scale
            </ActButton>
            {dirty && <Button onClick={() => setWish({})}>As it was</Button>}
          </div>
          <CliHint
            command={cli(
              team,
              "scale",
              app,
              ...Object.entries(dirty ? counts : Object.fromEntries(s.processes.map((p) => [p.name, p.wanted]))).map(
                ([p, n]) => `${p}=${n}`,
              ),
            )}
          />
        </div>
      </form>
    </Panel>
  );
}

function Whole({ status: s, team, app }: { status: Schemas["Status"]; team: string; app: string }) {
  const [act, setAct] = useState<Act>();
  const navigate = useNavigate();
  const refused = useRefusal(team);
  const of = { params: { path: { app }, query: { team } } };
  const close = () => setAct(undefined);
  const watch = (d: Schemas["Deployed"]) => {
    if (d.deployment) void navigate({ to: "/apps/$team/$app/deploys/$id", params: { team, app, id: d.deployment.id } });
  };
  const stopped = s.status === "stopped";
  return (
    <Panel title="The whole app" icon={settingsIcon} flush>
      <Action
        title="Restart"
        text="Walks from the release to itself: new instances serve before old ones go, without a gap."
      >
        <ActButton
          icon={reloadIcon}
          refused={refused}
          disabled={stopped || s.release === 0}
          onClick={() => setAct("restart")}
        >
          Restart
        </ActButton>
      </Action>
      {stopped ? (
        <Action title="Start" text="Its instances come back as they were wanted.">
          <ActButton
            kind="primary"
            icon={playIcon}
            refused={refused}
            disabled={s.release === 0}
            onClick={() => setAct("start")}
          >
            Start
          </ActButton>
        </Action>
      ) : (
        <Action
          title="Stop"
          text="Ends every instance. The app, its releases and its configuration stay; its routes answer nobody."
        >
          <ActButton kind="critical" icon={stopCircleIcon} refused={refused} onClick={() => setAct("stop")}>
            Stop
          </ActButton>
        </Action>
      )}
      {act === "restart" && (
        <ActionDialog
          onClose={close}
          title={`Restart ${app}`}
          description="New instances of the same release come in the other slot, and serve before the old ones go."
          confirm="Restart"
          command={cli(team, "restart", app)}
          run={() => data(api.POST("/v1/apps/{app}/restart", of))}
          said={`${app} is being restarted.`}
          onDone={watch}
        />
      )}
      {act === "start" && (
        <ActionDialog
          onClose={close}
          title={`Start ${app}`}
          description="Its instances come back as they were wanted."
          confirm="Start"
          command={cli(team, "start", app)}
          run={() => data(api.POST("/v1/apps/{app}/start", of))}
          said={`${app} is starting.`}
          onDone={watch}
        />
      )}
      {act === "stop" && (
        <ActionDialog
          onClose={close}
          title={`Stop ${app}`}
          description={`Every instance ends, and ${s.routes.length > 0 ? "its routes answer nobody" : "nothing of it works"} until it is started again.`}
          confirm={`Stop ${app}`}
          kind="critical"
          name={app}
          command={cli(team, "stop", app)}
          run={() => api.POST("/v1/apps/{app}/stop", of)}
          said={`${app} is stopping.`}
        />
      )}
    </Panel>
  );
}

function Action({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <div className={css.action}>
      <div>
        <h3>{title}</h3>
        <p className="faint">{text}</p>
      </div>
      {children}
    </div>
  );
}
