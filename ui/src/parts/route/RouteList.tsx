import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../kit/Badge";
import { Copy } from "../../kit/Copy";
import { globeIcon } from "../../kit/icons";
import { Panel } from "../../kit/Panel";
import { webUrls } from "../app/OpenLink";
import css from "./Route.module.css";

/** The addresses of an app, each with how far it is from the client to an instance. */
export function RouteList({ routes }: { routes: readonly Schemas["Route"][] }) {
  return (
    <Panel title="Routes" icon={globeIcon} flush={routes.length > 0}>
      {routes.length === 0 ? (
        <p className="faint">No process takes requests from outside.</p>
      ) : (
        <ul className={css.list}>
          {routes.map((r) => (
            <li key={`${r.host}${r.path}`}>
              <span className={css.name}>
                {webUrls([r.url]).length > 0 ? (
                  <a href={r.url} target="_blank" rel="noopener noreferrer">
                    {r.host}
                    {r.path}
                  </a>
                ) : (
                  `${r.host}${r.path}`
                )}
                <Copy text={r.url} label={`Copy ${r.url}`} />
              </span>
              <StatusBadge kind="route" word={r.state} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
