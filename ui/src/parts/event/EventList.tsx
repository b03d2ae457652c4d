import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Icon } from "../../kit/Icon";
import {
  activityIcon,
  alertTriangleIcon,
  checkCircleIcon,
  fileTextIcon,
  globeIcon,
  hexagonIcon,
  type IconShape,
  infoIcon,
  keyIcon,
  layersIcon,
  rocketIcon,
  serverIcon,
  settingsIcon,
  terminalIcon,
} from "../../kit/icons";
import { Prose } from "../../kit/Prose";
import { Time } from "../../kit/Time";
import css from "./Event.module.css";

const icons: Record<string, IconShape> = {
  build: settingsIcon,
  release: hexagonIcon,
  deployment: rocketIcon,
  instance: layersIcon,
  node: serverIcon,
  backend: serverIcon,
  route: globeIcon,
  run: terminalIcon,
  exec: terminalIcon,
  app: infoIcon,
  rule: alertTriangleIcon,
  config: keyIcon,
  service: fileTextIcon,
  binding: fileTextIcon,
};

function iconOf(e: Schemas["Event"]): IconShape {
  if (e.kind === "instance.crash") return alertTriangleIcon;
  if (e.kind === "instance.health") return / is healthy$/.test(e.message) ? checkCircleIcon : activityIcon;
  return icons[e.kind.split(".")[0] ?? ""] ?? infoIcon;
}

/** What happened, newest first. */
export function EventList({ events }: { events: readonly Schemas["Event"][] }) {
  if (events.length === 0) return <p className={css.none}>Nothing has happened yet.</p>;
  return (
    <ol className={css.list}>
      {events.map((e) => (
        <li key={e.id}>
          <Icon of={iconOf(e)} />
          <span className={css.text}>
            {e.deployment ? (
              <Link to="/apps/$team/$app/deploys/$id" params={{ team: e.team, app: e.app, id: e.deployment }}>
                <Prose>{e.message}</Prose>
              </Link>
            ) : (
              <Prose>{e.message}</Prose>
            )}
            {e.by && <span className="faint"> · {e.by}</span>}
          </span>
          <span className={css.time}>
            <Time at={e.time} />
          </span>
        </li>
      ))}
    </ol>
  );
}
