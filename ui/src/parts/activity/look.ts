import type { Schemas } from "../../api/client";
import {
  activityIcon,
  alertTriangleIcon,
  boxIcon,
  checkCircleIcon,
  databaseIcon,
  eyeIcon,
  globeIcon,
  hexagonIcon,
  type IconShape,
  infoIcon,
  keyIcon,
  layersIcon,
  rocketIcon,
  serverIcon,
  terminalIcon,
  usersIcon,
} from "../../kit/icons";
import type { Tone } from "../../status/status";

const icons: Record<string, IconShape> = {
  build: boxIcon,
  release: hexagonIcon,
  deployment: rocketIcon,
  instance: layersIcon,
  node: serverIcon,
  backend: serverIcon,
  route: globeIcon,
  rule: globeIcon,
  run: terminalIcon,
  exec: terminalIcon,
  config: keyIcon,
  service: databaseIcon,
  binding: databaseIcon,
  volume: databaseIcon,
  team: usersIcon,
  user: usersIcon,
  member: usersIcon,
  host: globeIcon,
  access: usersIcon,
};

const troubles = new Set(["instance.crash", "app.drift", "route.refused", "rule.quarantined", "deployment.aborting"]);

/** The icon of an event, and its tone where it is good or bad news. */
export function lookOf(e: Pick<Schemas["Event"], "kind" | "message">): { icon: IconShape; tone: Tone } {
  if (troubles.has(e.kind) || (e.kind === "deployment.ended" && !/is healthy|serves/.test(e.message)))
    return { icon: alertTriangleIcon, tone: "warn" };
  if (/ is healthy$/.test(e.message)) return { icon: checkCircleIcon, tone: "good" };
  if (e.kind === "config.revealed") return { icon: eyeIcon, tone: "warn" };
  const icon = icons[e.kind.split(".")[0] ?? ""];
  if (e.kind === "instance.health") return { icon: activityIcon, tone: "neutral" };
  return { icon: icon ?? infoIcon, tone: "neutral" };
}
