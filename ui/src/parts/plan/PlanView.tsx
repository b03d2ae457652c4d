import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { Icon } from "../../kit/Icon";
import {
  alertTriangleIcon,
  checkCircleIcon,
  clockIcon,
  databaseIcon,
  rocketIcon,
  terminalIcon,
  xCircleIcon,
} from "../../kit/icons";
import { capital, Prose } from "../../kit/Prose";
import { Table } from "../../kit/Table";
import { folded, overQuota, quotaText, roomLines, signOf, stepRows, titleOf, valueText, walkText } from "./lines";
import css from "./Plan.module.css";

type Plan = Schemas["Plan"];

const dash = (n: number) => (n === 0 ? <span className="faint">–</span> : n);
const end = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What a release would do, as `crumpet plan` shows it. */
export function PlanView({ plan: p }: { plan: Plan }) {
  const walk = walkText(p);
  const steps = stepRows(p);
  return (
    <section className={css.plan} aria-label="Plan">
      <div className={css.top} role="status">
        <h3>{titleOf(p)}</h3>
        <p>
          <Prose>{end(capital(p.why))}</Prose>
        </p>
        {p.waits && (
          <p>
            <Prose>{end(capital(p.waits))}</Prose>
          </p>
        )}
      </div>
      {p.changes.length > 0 && (
        <Part title="What changes">
          <ul className={css.changes}>
            {folded(p.changes).map((c) => (
              <Change key={c.key} change={c} />
            ))}
          </ul>
        </Part>
      )}
      {!p.nothing && (
        <>
          <Part title="What becomes of the instances">
            <div className={css.frame}>
              <Table
                label="Instances by process"
                rows={p.processes}
                rowKey={(f) => f.name}
                columns={[
                  { id: "name", head: "Process", cell: (f) => <code>{f.name}</code> },
                  { id: "now", head: "Now", right: true, cell: (f) => dash(f.before) },
                  { id: "then", head: "Then", right: true, cell: (f) => dash(f.after) },
                  { id: "stay", head: "Stay", right: true, cell: (f) => dash(f.stay) },
                  { id: "place", head: "In place", right: true, cell: (f) => dash(f.in_place) },
                  { id: "replaced", head: "Replaced", right: true, cell: (f) => dash(f.replaced) },
                  { id: "created", head: "Created", right: true, cell: (f) => dash(f.created) },
                  { id: "destroyed", head: "Destroyed", right: true, cell: (f) => dash(f.destroyed) },
                ]}
              />
            </div>
            <ul className={css.lines}>
              {walk && <Line icon={<Icon of={rocketIcon} />}>Walks {walk}.</Line>}
              {roomLines(p).map((l) => (
                <Line
                  key={l.text}
                  tone={l.ok ? "good" : "warn"}
                  icon={<Icon of={l.ok ? checkCircleIcon : alertTriangleIcon} />}
                >
                  {end(l.text)}
                </Line>
              ))}
            </ul>
          </Part>
          {steps.length > 0 && (
            <Part title="Step by step">
              <div className={css.frame}>
                <Table
                  label="Steps of the walk"
                  rows={steps}
                  rowKey={(s) => String(s.step)}
                  columns={[
                    { id: "step", head: "Step", right: true, cell: (s) => s.step },
                    { id: "new", head: `In ${p.to_slot}`, cell: (s) => s.fresh },
                    { id: "old", head: `In ${p.from_slot || "none"}`, cell: (s) => s.stale },
                    { id: "requests", head: "Requests", cell: (s) => s.requests },
                    { id: "held", head: "Held", cell: (s) => s.held },
                  ]}
                />
              </div>
            </Part>
          )}
          <Routes routes={p.routes} />
          <CapacityTable capacity={p.capacity} />
          <Sides plan={p} />
        </>
      )}
      {(p.quota ?? []).length > 0 && (
        <Part title="Quota of the team">
          <ul className={css.lines}>
            {(p.quota ?? []).map((l) => (
              <Line
                key={l.what}
                tone={overQuota(l) ? "bad" : "good"}
                icon={<Icon of={overQuota(l) ? xCircleIcon : checkCircleIcon} />}
              >
                {upper(l.what)}: {quotaText(l)}
                {overQuota(l) && ", which is more than the team may have"}
              </Line>
            ))}
          </ul>
        </Part>
      )}
      {p.nomad.length > 0 && (
        <Part title="Merged into the Nomad job">
          <ul className={css.changes}>
            {p.nomad.map((f) => (
              <li key={f.key} className={css.change}>
                <span />
                <span className={css.body}>
                  <span className={css.key}>{f.key}</span> {JSON.stringify(f.json)}
                </span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {p.warnings.length > 0 && (
        <ul className={css.lines}>
          {p.warnings.map((w) => (
            <Line key={w} tone="warn" icon={<Icon of={alertTriangleIcon} label="Warning" />}>
              <Prose>{end(w)}</Prose>
            </Line>
          ))}
        </ul>
      )}
    </section>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={css.part}>
      <h4>{title}</h4>
      {children}
    </div>
  );
}

function Line({ icon, tone, children }: { icon: ReactNode; tone?: "good" | "warn" | "bad"; children: ReactNode }) {
  return (
    <li className={css.line} data-tone={tone}>
      {icon}
      <span>{children}</span>
    </li>
  );
}

function Change({ change: c }: { change: Schemas["KeyChange"] }) {
  const sign = signOf(c);
  return (
    <li className={css.change} data-sign={sign}>
      <span className={css.sign}>{sign}</span>
      <span className={css.body}>
        <span className={css.key}>{c.key}</span>{" "}
        {c.old !== null && <span className={css.old}>{valueText(c.key, c.old)}</span>}
        {c.old !== null && c.new !== null && " → "}
        {c.new !== null && <span className={css.new}>{valueText(c.key, c.new)}</span>}
        {c.forces && <span className={css.forces}>forces the walk</span>}
      </span>
    </li>
  );
}

/** A list of changes alone: the difference of two releases. */
export function Changes({ changes }: { changes: readonly Schemas["KeyChange"][] }) {
  if (changes.length === 0) return <p className="faint">Nothing differs: both would run the same.</p>;
  return (
    <ul className={css.changes}>
      {folded(changes).map((c) => (
        <Change key={c.key} change={c} />
      ))}
    </ul>
  );
}

function Routes({ routes }: { routes: Plan["routes"] }) {
  if (routes.before.length + routes.after.length === 0) return null;
  const same = JSON.stringify(routes.before) === JSON.stringify(routes.after);
  const rows = [
    ...(same ? [] : routes.before.map((r) => ({ ...r, when: "now" }))),
    ...routes.after.map((r) => ({ ...r, when: same ? "stays" : "then" })),
  ];
  return (
    <Part title="Routes">
      <div className={css.frame}>
        <Table
          label="Routes now and then"
          rows={rows}
          rowKey={(r) => `${r.when} ${r.route} ${r.service}`}
          columns={[
            { id: "when", head: "When", cell: (r) => r.when },
            { id: "route", head: "Route", cell: (r) => <code>{r.route}</code> },
            { id: "service", head: "Service", cell: (r) => <code>{r.service}</code> },
            { id: "share", head: "Share", right: true, cell: (r) => `${+r.share.toPrecision(4)} %` },
            { id: "instances", head: "Instances", right: true, cell: (r) => r.instances },
          ]}
        />
      </div>
    </Part>
  );
}

function CapacityTable({ capacity: c }: { capacity: Plan["capacity"] }) {
  return (
    <Part title="What it takes of the cluster">
      <div className={css.frame}>
        <Table
          label="Capacity"
          rows={[
            { when: "now", ...c.before },
            { when: "at most", ...c.peak },
            { when: "then", ...c.after },
          ]}
          rowKey={(r) => r.when}
          columns={[
            { id: "when", head: "When", cell: (r) => r.when },
            { id: "instances", head: "Instances", right: true, cell: (r) => r.instances },
            { id: "cpu", head: "CPU", right: true, cell: (r) => `${r.cpu_mhz.toLocaleString("en")} MHz` },
            { id: "cores", head: "Cores", right: true, cell: (r) => dash(r.cores) },
            { id: "memory", head: "Memory", right: true, cell: (r) => `${r.memory_mib.toLocaleString("en")} MiB` },
            { id: "disk", head: "Disk", right: true, cell: (r) => `${r.disk_mib.toLocaleString("en")} MiB` },
          ]}
        />
      </div>
    </Part>
  );
}

const serviceTexts: Record<string, (s: Schemas["PlannedService"]) => string> = {
  bound: (s) => `credentials of ${s.instance} are made first`,
  "bound-again": (s) => `credentials of ${s.instance} were ended, and are made anew first`,
  unbound: (s) => `credentials of ${s.instance} end after the walk; the instance is kept`,
  kept: (s) => `keeps its credentials of ${s.instance}`,
};

function Sides({ plan: p }: { plan: Plan }) {
  const services = p.services ?? [];
  if (p.tasks.length + p.crons.length + services.length === 0) return null;
  return (
    <Part title="Beside the walk">
      <ul className={css.lines}>
        {p.tasks.map((t) => (
          <Line key={t.name} icon={<Icon of={terminalIcon} />}>
            Task <code>{t.name}</code> runs {t.phase} the walk.
          </Line>
        ))}
        {services.map((s) => (
          <Line key={s.name} icon={<Icon of={databaseIcon} />}>
            Service <code>{s.name}</code>: {(serviceTexts[s.change] ?? serviceTexts.kept)?.(s)}
            {s.reason && ` (${s.reason})`}
            {s.rotation && `; others would reach it ${s.rotation}`}.
          </Line>
        ))}
        {p.crons.map((c) => (
          <Line key={c.name} icon={<Icon of={clockIcon} />}>
            Cron <code>{c.name}</code> is {c.change}: <code>{c.schedule}</code> {c.time_zone}.
          </Line>
        ))}
      </ul>
    </Part>
  );
}
