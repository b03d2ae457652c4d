import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { Checkbox, Field, Select, TextInput } from "../../kit/Field";
import { ActionDialog } from "../action/ActionDialog";
import { cli } from "../app/cli";
import { nothingTyped, read, SchemaForm } from "../form/SchemaForm";
import { offeringsQuery } from "./queries";

export type BindDialogProps = {
  team: string;
  services: readonly Schemas["Service"][]; // to choose from
  apps: readonly string[]; // likewise
  onClose: () => void;
};

/** Gives an app credentials of a service instance. */
export function BindDialog({ team, services, apps, onClose }: BindDialogProps) {
  const [service, setService] = useState(services[0]?.name ?? "");
  const [app, setApp] = useState(apps[0] ?? "");
  const [as, setAs] = useState<"env" | "files">("env");
  const [env, setEnv] = useState("");
  const [signal, setSignal] = useState("");
  const [vcap, setVcap] = useState(false);
  const [stage, setStage] = useState(false);
  const [typed, setTyped] = useState(nothingTyped);
  const [error, setError] = useState<ApiError>();
  const { data: catalog } = useQuery(offeringsQuery(team));
  const of = services.find((s) => s.name === service);
  const plan = catalog?.items
    .find((o) => o.name === of?.offering && o.provider === of.provider)
    ?.plans.find((p) => p.name === of?.plan);
  const parameters = read(plan?.bind, typed);
  return (
    <ActionDialog
      title={apps.length === 1 ? `Bind a service to ${app}` : `Bind ${service} to an app`}
      description="The app gets credentials that are made for it alone, and walks so that its programs have them."
      confirm="Bind"
      command={cli(
        team,
        "services",
        "bind",
        service || "NAME",
        "--app",
        app || "APP",
        as === "files" && "--as=files",
        env && as === "env" && `--env=${env}`,
        signal && as === "files" && `--signal=${signal}`,
        vcap && "--vcap",
        stage && "--stage",
      )}
      said={`${app} is being bound to ${service}.`}
      onClose={onClose}
      run={async () => {
        try {
          return await data(
            api.POST("/v1/services/{service}/bindings", {
              params: { path: { service }, query: { team } },
              body: {
                app,
                as,
                env: as === "env" && env ? env : undefined,
                signal: as === "files" && signal ? signal : undefined,
                vcap: vcap || undefined,
                stage: stage || undefined,
                parameters: parameters.value,
              },
            }),
          );
        } catch (e) {
          if (e instanceof ApiError) setError(e);
          throw e;
        }
      }}
    >
      {services.length > 1 && (
        <Field label="Service instance">
          <Select value={service} onChange={(e) => setService(e.target.value)} options={services.map((s) => s.name)} />
        </Field>
      )}
      {apps.length > 1 && (
        <Field label="App" error={error?.about("body.app")}>
          <Select value={app} onChange={(e) => setApp(e.target.value)} options={apps} />
        </Field>
      )}
      <Field label="Programs find the credentials as">
        <Select
          value={as}
          onChange={(e) => setAs(e.target.value as "env" | "files")}
          options={[
            { value: "env", label: "Variables, and files" },
            { value: "files", label: "Files only: they change without a walk" },
          ]}
        />
      </Field>
      {as === "env" ? (
        <Field
          label="Variable with the URL"
          hint="DATABASE_URL, or the name of the instance, unless said."
          error={error?.about("body.env")}
          optional
        >
          <TextInput
            mono
            value={env}
            onChange={(e) => setEnv(e.target.value.trim())}
            placeholder="DATABASE_URL"
            spellCheck={false}
          />
        </Field>
      ) : (
        <Field
          label="Signal when they change"
          hint="Such as SIGHUP. Without one, programs look at the files again by themselves."
          error={error?.about("body.signal")}
          optional
        >
          <TextInput
            mono
            value={signal}
            onChange={(e) => setSignal(e.target.value.trim())}
            placeholder="SIGHUP"
            spellCheck={false}
          />
        </Field>
      )}
      {plan && <SchemaForm schema={plan.bind} typed={typed} onTyped={setTyped} tried error={error} />}
      <Checkbox
        label="In VCAP_SERVICES as well"
        hint="As apps from Cloud Foundry read it."
        checked={vcap}
        onChange={(e) => setVcap(e.target.checked)}
      />
      <Checkbox
        label="Stage it"
        hint="The app's next deployment brings the credentials; nothing walks now."
        checked={stage}
        onChange={(e) => setStage(e.target.checked)}
      />
    </ActionDialog>
  );
}
