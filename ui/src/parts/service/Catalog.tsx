import type { Schemas } from "../../api/client";
import { Badge } from "../../kit/Badge";
import { EmptyState } from "../../kit/EmptyState";
import { Icon } from "../../kit/Icon";
import { alertTriangleIcon, databaseIcon, layersIcon } from "../../kit/icons";
import { ActButton } from "../action/ActButton";
import css from "./Service.module.css";

export type CatalogProps = {
  offerings: readonly Schemas["ServiceOffering"][];
  refused: string;
  onMake: (o: Schemas["ServiceOffering"]) => void;
};

/** What instances can be made of, with their plans; one that can't be made says why. */
export function Catalog({ offerings, refused, onMake }: CatalogProps) {
  if (offerings.length === 0)
    return (
      <EmptyState icon={databaseIcon} title="Nothing is offered">
        An operator registers a PostgreSQL server or a service broker: crumpet providers add --help. Credentials that
        you have can be kept as an instance without one.
      </EmptyState>
    );
  return (
    <ul className={css.catalog}>
      {offerings.map((o) => (
        <li key={`${o.provider}/${o.name}`}>
          <div className={css.offering}>
            <Icon of={o.kind === "postgres" ? databaseIcon : layersIcon} size={24} />
            <div className="grow">
              <h3 className="row">
                {o.name} <Badge plain>from {o.provider}</Badge>
              </h3>
              <p className="small faint">{o.description}</p>
              {(o.absent || o.reason) && (
                <p className={css.absent}>
                  <Icon of={alertTriangleIcon} /> <span>{o.absent || o.reason}</span>
                </p>
              )}
            </div>
            <ActButton small refused={o.absent || refused} onClick={() => onMake(o)}>
              Make one<span className="hidden"> of {o.name}</span>
            </ActButton>
          </div>
          <ul className={css.plans}>
            {o.plans.map((p) => (
              <li key={p.name}>
                <span className="strong">{p.name}</span>
                {!p.free && <Badge tone="warn">Not free</Badge>}
                <span className="small faint grow">{p.description}</span>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
