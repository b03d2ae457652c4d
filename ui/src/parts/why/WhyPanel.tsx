import { Link, useParams } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Badge } from "../../kit/Badge";
import { CliHint } from "../../kit/CliHint";
import { Mono } from "../../kit/Copy";
import { Icon } from "../../kit/Icon";
import {
  activityIcon,
  boxIcon,
  fileTextIcon,
  gitCommitIcon,
  globeIcon,
  helpIcon,
  type IconShape,
  infoIcon,
  networkIcon,
  rocketIcon,
  serverIcon,
  settingsIcon,
  terminalIcon,
} from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { capital, Prose } from "../../kit/Prose";
import { Time } from "../../kit/Time";
import { short } from "../instance/group";
import css from "./Why.module.css";

const icons: Record<string, IconShape> = {
  build: settingsIcon,
  release: gitCommitIcon,
  deployment: rocketIcon,
  evaluation: networkIcon,
  placement: networkIcon,
  node: serverIcon,
  allocation: boxIcon,
  task: terminalIcon,
  check: activityIcon,
  route: globeIcon,
  backend: serverIcon,
  event: infoIcon,
  log: fileTextIcon,
};

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The causal chain from a release to what keeps it from serving: deepest link last, in full. */
export function WhyPanel({ why, calm, title = "Why" }: { why: Schemas["Why"]; calm?: boolean; title?: string }) {
  return (
    <Panel
      title={title}
      icon={helpIcon}
      actions={<Badge tone={why.serving ? "info" : "bad"}>{why.serving ? "Still serving" : "Not serving"}</Badge>}
    >
      <div className="stack">
        <p className={css.summary} role="status">
          <Prose>{sentence(why.summary.startsWith(`${why.app} `) ? why.summary : capital(why.summary))}</Prose>
        </p>
        {why.chain.length > 0 && (
          <ol className={`${css.chain} ${calm ? css.calm : ""}`} aria-label="From the release to the cause">
            {why.chain.map((l, i) => (
              <li key={i} className={css.link}>
                <span className={css.dot}>
                  <Icon of={icons[l.kind] ?? infoIcon} />
                </span>
                <div>
                  <div className={css.meta}>
                    <span className={css.kind}>{l.kind}</span>
                    {l.id && <Mono show={short(l.id)}>{l.id}</Mono>}
                    <Way link={l} team={why.team} app={why.app} />
                    {l.since && (
                      <span>
                        since <Time at={l.since} />
                      </span>
                    )}
                  </div>
                  <div className={css.text}>
                    <Prose>{l.text}</Prose>
                  </div>
                </div>
              </li>
            ))}
          </ol>
        )}
        {why.next_try && (
          <p>
            It is tried again <Time at={why.next_try} />, without anybody doing anything.
          </p>
        )}
        {why.try.length > 0 && (
          <div className={css.hints}>
            {why.try.map((t, i) => (
              <CliHint key={t} command={t} title={i === 0 ? "What leads on" : ""} />
            ))}
          </div>
        )}
      </div>
    </Panel>
  );
}

/** Where a link of the chain can be looked at. */
function Way({ link: l, team, app }: { link: Schemas["Link"]; team: string; app: string }) {
  const here = useParams({ strict: false });
  if (!l.id || l.id === here.id) return null;
  if (l.kind === "deployment")
    return (
      <Link to="/apps/$team/$app/deploys/$id" params={{ team, app, id: l.id }}>
        See how it went
      </Link>
    );
  if (l.kind === "log")
    return (
      <Link to="/apps/$team/$app/logs" params={{ team, app }} search={{ instance: l.id }}>
        Read its log
      </Link>
    );
  return null;
}
