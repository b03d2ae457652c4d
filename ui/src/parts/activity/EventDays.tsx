import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { EmptyState } from "../../kit/EmptyState";
import { Icon } from "../../kit/Icon";
import { activityIcon } from "../../kit/icons";
import { Time } from "../../kit/Time";
import css from "./Activity.module.css";
import { type Day, dayName, days } from "./days";
import { lookOf } from "./look";

type Event = Schemas["Event"];
export type EventDaysProps = { events: readonly Event[]; withApp?: boolean; withTeam?: boolean; more?: ReactNode };

/** What happened, newest first, by day. */
export function EventDays({ events, withApp, withTeam, more }: EventDaysProps) {
  if (events.length === 0)
    return (
      <EmptyState icon={activityIcon} title="Nothing has happened">
        What people ask for, what Nomad does and what Crumpet does is shown here as it happens. It is kept for 30 days.
      </EmptyState>
    );
  return (
    <>
      {days(events).map((d: Day<Event>) => (
        <section key={d.day} aria-label={dayName(d.day)}>
          <h3 className={css.day}>{dayName(d.day)}</h3>
          <ol className={css.events}>
            {d.items.map((e) => (
              <EventRow key={e.id} event={e} withApp={withApp} withTeam={withTeam} />
            ))}
          </ol>
        </section>
      ))}
      {more && <div className={css.more}>{more}</div>}
    </>
  );
}

function EventRow({ event: e, withApp, withTeam }: { event: Event; withApp?: boolean; withTeam?: boolean }) {
  const { icon, tone } = lookOf(e);
  const params = { team: e.team, app: e.app };
  return (
    <li>
      <span className={css.icon} data-tone={tone}>
        <Icon of={icon} />
      </span>
      <span className={css.what}>
        {withApp && e.app && (
          <>
            <Link to="/apps/$team/$app" params={params} className="strong">
              {withTeam ? `${e.team}/${e.app}` : e.app}
            </Link>{" "}
          </>
        )}
        {withTeam && !e.app && e.team && <span className="strong">{e.team} </span>}
        {e.deployment ? (
          <Link to="/apps/$team/$app/deploys/$id" params={{ ...params, id: e.deployment }} className={css.link}>
            {e.message}
          </Link>
        ) : (
          e.message
        )}
        {e.by && !e.message.includes(`by ${e.by}`) && <span className="faint"> by {e.by}</span>}
      </span>
      <code className={css.kind}>{e.kind}</code>
      {e.app ? (
        <Link
          to="/apps/$team/$app/logs"
          params={params}
          search={{ at: e.time }}
          className={css.when}
          title="The log at that moment"
        >
          <Time at={e.time} />
        </Link>
      ) : (
        <span className={css.when}>
          <Time at={e.time} />
        </span>
      )}
    </li>
  );
}
