import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { StatusBadge } from "../kit/Badge";
import { Banner, ErrorBanner } from "../kit/Banner";
import { CliHint } from "../kit/CliHint";
import { Mono } from "../kit/Copy";
import { alertTriangleIcon, databaseIcon, linkIcon, plusIcon, syncIcon, trashIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";
import { KeyValue, Panel } from "../kit/Panel";
import { Skeleton } from "../kit/Skeleton";
import { Time } from "../kit/Time";
import { ActButton } from "../parts/action/ActButton";
import { ActionDialog } from "../parts/action/ActionDialog";
import { cli } from "../parts/app/cli";
import { useRefusal } from "../parts/app/may";
import { appNamesQuery } from "../parts/service/apps";
import { BindDialog } from "../parts/service/BindDialog";
import { Bindings } from "../parts/service/Bindings";
import { Keys } from "../parts/service/Keys";
import { serviceQuery } from "../parts/service/queries";
import css from "../parts/service/Service.module.css";
import { madeOf, operationText } from "../parts/service/words";

/** A service instance: what is being done with it, who is bound to it, and what it is. */
export default function ServiceDetail() {
  const { team = "", name = "" } = useParams({ strict: false });
  const { data: service, error, refetch } = useQuery(serviceQuery(team, name));
  const { data: apps } = useQuery(appNamesQuery(team));
  const refused = useRefusal(team);
  const mayNotDestroy = useRefusal(team, "maintainer");
  const [asked, setAsked] = useState<"bind" | "rotate" | "delete">();
  const navigate = useNavigate();
  const close = () => setAsked(undefined);
  const inUse = service && (service.bindings.length > 0 || service.keys.length > 0);

  return (
    <div className="stack-l">
      <PageHeader
        title={name}
        after={service && <StatusBadge kind="service" word={service.state} />}
        crumbs={[
          <Link key="services" to="/services" search={{ team }}>
            Services
          </Link>,
          <span key="team">{team}</span>,
        ]}
        lead={service && `${madeOf(service)}${service.provider ? `, from ${service.provider}` : ""}`}
        actions={
          service && (
            <>
              <ActButton
                icon={syncIcon}
                refused={
                  refused || (service.bindings.length === 0 ? "No app is bound: there is nothing to rotate." : "")
                }
                onClick={() => setAsked("rotate")}
              >
                Rotate
              </ActButton>
              <ActButton kind="primary" icon={plusIcon} refused={refused} onClick={() => setAsked("bind")}>
                Bind to an app
              </ActButton>
            </>
          )
        }
      />
      {error && <ErrorBanner error={error} onRetry={() => void refetch()} />}
      {!service && !error && <Skeleton lines={6} />}
      {service && (
        <>
          {service.reason && (
            <Banner
              tone={service.state === "failed" ? "bad" : "warn"}
              title={service.reason}
              icon={alertTriangleIcon}
            />
          )}
          {service.vanished && (
            <Banner tone="warn" title="Its plan is no longer in the catalog">
              What is bound stays so. It can be unbound and deleted, and nothing else.
            </Banner>
          )}
          {service.operations.length > 0 && (
            <Panel title="Under way" icon={syncIcon}>
              <ul className={css.ops} aria-live="polite">
                {service.operations.map((o) => (
                  <li key={o.id} className="row">
                    <span className="strong">{operationText(o)}</span>
                    <span className="faint">
                      begun <Time at={o.created_at} />
                      {o.next_at && (
                        <>
                          , tried again <Time at={o.next_at} />
                        </>
                      )}
                    </span>
                    {o.reason && <p className="small">{o.reason}</p>}
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          <Panel title="Apps that are bound" icon={linkIcon} flush={service.bindings.length > 0}>
            {service.bindings.length === 0 ? (
              <p className="faint">
                None. An app that is bound gets credentials of its own, which end with the binding.
              </p>
            ) : (
              <Bindings bindings={service.bindings} of="service" refused={refused} />
            )}
          </Panel>
          <Keys service={service} refused={refused} />
          <Panel title="About it" icon={databaseIcon}>
            <KeyValue
              items={[
                ["Id", <Mono key="id">{service.id}</Mono>],
                [
                  "Made",
                  <span key="made">
                    <Time at={service.created_at} seconds /> by {service.created_by}
                  </span>,
                ],
                ...(service.for_app ? [["Made for", service.for_app] as [string, string]] : []),
                ...Object.entries(service.facts ?? {}).map(([k, v]): [string, React.ReactNode] => [
                  k,
                  <Mono key={k} wrap>
                    {v}
                  </Mono>,
                ]),
                ...(service.not_acted_on ?? []).map((n): [string, React.ReactNode] => [
                  n,
                  "stored, and not acted on yet",
                ]),
              ]}
            />
          </Panel>
          <Panel title="Delete" icon={trashIcon}>
            <div className="between">
              <p className="faint">
                {inUse
                  ? "Apps are bound or keys exist: end those first. Deleting takes away all that is in it."
                  : "Deletes the instance and all that is in it. Nothing of it can be had back."}
              </p>
              <ActButton
                kind="critical"
                refused={mayNotDestroy || (inUse ? "End its bindings and keys first." : "")}
                onClick={() => setAsked("delete")}
              >
                Delete {name}
              </ActButton>
            </div>
          </Panel>
          <CliHint command={cli(team, "services", "show", name)} />
        </>
      )}
      {asked === "bind" && service && <BindDialog team={team} services={[service]} apps={apps ?? []} onClose={close} />}
      {asked === "rotate" && (
        <ActionDialog
          title={`Rotate the credentials of ${name}`}
          description="Every app that is bound gets new credentials. The old ones end when every instance has the new ones: there is no gap."
          confirm="Rotate all"
          command={cli(team, "services", "rotate", name)}
          said={`New credentials of ${name} are being made.`}
          onClose={close}
          run={() =>
            data(
              api.POST("/v1/services/{service}/rotate", {
                params: { path: { service: name }, query: { team } },
                body: {},
              }),
            )
          }
        />
      )}
      {asked === "delete" && (
        <ActionDialog
          kind="critical"
          title={`Delete ${name}`}
          description="The instance and all that is in it are deleted. Nothing of it can be had back."
          confirm={`Delete ${name}`}
          name={name}
          command={cli(team, "services", "delete", name, "--confirm", name)}
          said={`${name} is being deleted.`}
          onClose={close}
          onDone={() => void navigate({ to: "/services", search: { team } })}
          run={() =>
            data(api.DELETE("/v1/services/{service}", { params: { path: { service: name }, query: { team } } }))
          }
        />
      )}
    </div>
  );
}
