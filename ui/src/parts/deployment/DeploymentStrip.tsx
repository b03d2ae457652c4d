import type { Schemas } from "../../api/client";
import { ButtonLink } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import { capital, Prose } from "../../kit/Prose";
import { Time } from "../../kit/Time";
import { statusOf } from "../../status/status";
import css from "./Deployment.module.css";
import { titleOf, whereText } from "./steps";

/** A deployment under way, in one strip: where it stands, how far it is, and the way to its page. */
export function DeploymentStrip({ deployment: d, link = true }: { deployment: Schemas["Deployment"]; link?: boolean }) {
  const status = statusOf("deployment", d.status);
  const where = whereText(d);
  return (
    <div className={css.strip} data-tone={d.status === "paused" || d.abort ? "warn" : undefined} role="status">
      <Icon of={status.icon} size={20} />
      <div>
        <p>
          <strong>
            {titleOf(d)}: {status.label.toLowerCase()}
          </strong>{" "}
          <span className="faint small">
            since <Time at={d.started_at ?? d.created_at} />
          </span>
        </p>
        {where && <p>{capital(where)}.</p>}
        {d.reason && !(d.waits === "hold" && d.steps[d.step]?.manual) && (
          <p>
            <Prose>{capital(d.reason)}</Prose>
          </p>
        )}
      </div>
      <div>
        {link && (
          <ButtonLink to="/apps/$team/$app/deploys/$id" params={{ team: d.team, app: d.app, id: d.id }} small>
            {d.waits ? "Look and decide" : "Watch it"}
          </ButtonLink>
        )}
      </div>
      {d.steps.length > 1 && (
        <div className={css.progress} aria-hidden="true">
          {d.steps.map((_, i) => (
            <span key={i} data-state={i < d.step ? "done" : i === d.step ? "now" : undefined} />
          ))}
        </div>
      )}
    </div>
  );
}
