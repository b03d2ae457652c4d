import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useStatus } from "../api/queries";
import { ErrorBanner } from "../kit/Banner";
import { ButtonLink } from "../kit/Button";
import { CliHint } from "../kit/CliHint";
import { Code } from "../kit/Copy";
import { EmptyState } from "../kit/EmptyState";
import { databaseIcon, plusIcon } from "../kit/icons";
import { Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { ActButton } from "../parts/action/ActButton";
import { cli } from "../parts/app/cli";
import { useRefusal } from "../parts/app/may";
import { BindDialog } from "../parts/service/BindDialog";
import { Bindings } from "../parts/service/Bindings";
import { servicesQuery } from "../parts/service/queries";

const block = `service "db" {
  offering = "postgres"
  plan     = "small"
}`;

/** What an app has credentials of. */
export default function AppServices() {
  const { team = "", app = "" } = useParams({ strict: false });
  const { data: status, error } = useStatus(team, app);
  const { data: services } = useQuery(servicesQuery(team));
  const refused = useRefusal(team);
  const [binding, setBinding] = useState(false);
  const bindings = status?.bindings ?? [];
  const free = (services?.items ?? []).filter((s) => s.state !== "deleting");
  const none =
    services && free.length === 0
      ? "The team has no service instance yet. Make one first, on the page of services."
      : "";
  const bind = (
    <ActButton small kind="primary" icon={plusIcon} refused={refused || none} onClick={() => setBinding(true)}>
      Bind a service
    </ActButton>
  );
  return (
    <div className="stack-l">
      {error && <ErrorBanner error={error} />}
      <Panel title="Bindings" icon={databaseIcon} flush={bindings.length > 0} actions={bindings.length > 0 && bind}>
        {!status ? (
          !error && <Skeleton lines={3} />
        ) : bindings.length === 0 ? (
          <EmptyState
            icon={databaseIcon}
            title={`${app} has no credentials of a service`}
            actions={
              <>
                {bind}
                <ButtonLink small to="/services" search={{ team }}>
                  Services of {team}
                </ButtonLink>
              </>
            }
          >
            A binding gives its programs credentials that are made for it alone, can be replaced without a gap, and end
            with the binding.
          </EmptyState>
        ) : (
          <Bindings bindings={bindings} of="app" refused={refused} />
        )}
      </Panel>
      <Panel title="In crumpet.hcl instead">
        <div className="stack">
          <p>
            A service that the app is to have wherever it is pushed stands in its crumpet.hcl: the push makes it, binds
            it, and starts nothing before the credentials are there. What can be named is in the{" "}
            <Link to="/services" search={{ team }}>
              catalog
            </Link>
            .
          </p>
          <Code label="A service block of crumpet.hcl">{block}</Code>
        </div>
      </Panel>
      <CliHint command={cli(team, "services", "bind", free[0]?.name ?? "NAME", "--app", app)} />
      {binding && <BindDialog team={team} services={free} apps={[app]} onClose={() => setBinding(false)} />}
    </div>
  );
}
