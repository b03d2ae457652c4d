import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { keys } from "../../api/keys";
import { ErrorBanner } from "../../kit/Banner";
import { Button } from "../../kit/Button";
import { CliHint } from "../../kit/CliHint";
import { Dialog } from "../../kit/Dialog";
import { Field, Select, TextArea, TextInput } from "../../kit/Field";
import { Skeleton } from "../../kit/Skeleton";
import { useToast } from "../../kit/Toast";
import { cli } from "../app/cli";
import { nothingTyped, read, SchemaForm } from "../form/SchemaForm";
import { readObject } from "../form/schema";
import { offeringsQuery } from "./queries";

export type CreateDialogProps = {
  teams: string[]; // at least one
  offering?: Schemas["ServiceOffering"];
  onClose: () => void;
  onMade: (s: Schemas["Service"]) => void;
};

const BY_HAND = "by hand";
const keyOf = (o: { name: string; provider: string }) => `${o.provider} ${o.name}`;

/** Asks for what a service instance is to be made of, and makes it. */
export function CreateDialog({ teams, offering, onClose, onMade }: CreateDialogProps) {
  const [team, setTeam] = useState(teams[0] ?? "default");
  const { data: catalog } = useQuery(offeringsQuery(team));
  const usable = (catalog?.items ?? []).filter((o) => !o.absent);
  const [chosen, setChosen] = useState(offering ? keyOf(offering) : "");
  const [planName, setPlan] = useState("");
  const [name, setName] = useState("");
  const [typed, setTyped] = useState(nothingTyped);
  const [credentials, setCredentials] = useState("");
  const [tried, setTried] = useState(false);
  const toast = useToast();
  const queries = useQueryClient();

  const byHand = chosen === BY_HAND || (catalog !== undefined && usable.length === 0);
  const of = byHand ? undefined : (usable.find((o) => keyOf(o) === chosen) ?? usable[0]);
  const plan = of?.plans.find((p) => p.name === planName) ?? of?.plans[0];
  const parameters = read(plan?.create, typed);
  const given = readObject(credentials);
  const nameFault = tried && name === "" ? "Give it a name." : "";
  const wrong =
    name === "" || (byHand ? given.fault !== undefined || given.value === undefined : parameters.wrong || !plan);

  const create = useMutation({
    mutationFn: () =>
      data(
        api.POST("/v1/services", {
          params: { query: { team } },
          body: byHand
            ? { name, credentials: given.value }
            : { name, offering: of?.name, plan: plan?.name, provider: of?.provider, parameters: parameters.value },
        }),
      ),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: keys.services(team) });
      toast(made.state === "ready" ? `${made.name} is ready.` : `${made.name} is being made.`);
      onMade(made);
    },
  });
  const error = create.error instanceof ApiError ? create.error : undefined;
  const atFields = error?.errors.some((e) => /^(body\.)?(name|parameters|credentials)/.test(e.location ?? ""));
  const submit = () => {
    setTried(true);
    if (!wrong && !create.isPending) create.mutate();
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title="Make a service instance"
      description="A database or another service of its own, to be bound to apps of the team."
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={create.isPending}>
            Make it
          </Button>
        </>
      }
    >
      {teams.length > 1 && (
        <Field label="Team">
          <Select value={team} onChange={(e) => setTeam(e.target.value)} options={teams} />
        </Field>
      )}
      <Field
        label="Name"
        hint="Lower-case letters, digits and single dashes."
        error={nameFault || error?.about("body.name")}
      >
        <TextInput
          mono
          value={name}
          onChange={(e) => setName(e.target.value.trim())}
          placeholder="shop-db"
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      {!catalog ? (
        <Skeleton lines={2} />
      ) : (
        <Field label="Made of">
          <Select
            value={byHand ? BY_HAND : of ? keyOf(of) : ""}
            onChange={(e) => {
              setChosen(e.target.value);
              setTyped(nothingTyped);
            }}
            options={[
              ...usable.map((o) => ({ value: keyOf(o), label: `${o.name} (${o.provider})` })),
              { value: BY_HAND, label: "Credentials that you have" },
            ]}
          />
        </Field>
      )}
      {of && (
        <Field label="Plan" hint={plan?.description}>
          <Select
            value={plan?.name}
            onChange={(e) => {
              setPlan(e.target.value);
              setTyped(nothingTyped);
            }}
            options={of.plans.map((p) => ({ value: p.name, label: p.free ? p.name : `${p.name} (not free)` }))}
          />
        </Field>
      )}
      {plan && <SchemaForm schema={plan.create} typed={typed} onTyped={setTyped} tried={tried} error={error} />}
      {byHand && (
        <Field
          label="Credentials"
          hint={'A JSON object, such as {"uri": "smtp://..."}. They go to Vault, and are shown to nobody afterwards.'}
          error={
            (tried && (given.fault ?? (given.value ? "" : "Give the credentials."))) || error?.about("body.credentials")
          }
        >
          <TextArea
            mono
            rows={5}
            value={credentials}
            onChange={(e) => setCredentials(e.target.value)}
            spellCheck={false}
            autoComplete="off"
          />
        </Field>
      )}
      {create.error && !atFields && <ErrorBanner error={create.error} />}
      <CliHint
        command={
          byHand
            ? cli(team, "services", "create", name || "NAME", "--credentials-file", "FILE")
            : cli(
                team,
                "services",
                "create",
                name || "NAME",
                "--offering",
                of?.name,
                "--plan",
                plan?.name,
                parameters.value && "--parameters",
                parameters.value && JSON.stringify(parameters.value),
              )
        }
      />
    </Dialog>
  );
}
