import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { ApiError } from "../../api/error";
import { ErrorBanner } from "../../kit/Banner";
import { CliHint } from "../../kit/CliHint";
import { Field, Select, TextInput } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { boxIcon, databaseIcon, fileTextIcon, globeIcon, type IconShape, rocketIcon } from "../../kit/icons";
import { ActButton } from "../action/ActButton";
import { useRefusal } from "../app/may";
import { commandsOf, nameFault } from "./name";
import css from "./Template.module.css";

const icons: Record<string, IconShape> = { "go-web": globeIcon, guestbook: databaseIcon, "static-site": fileTextIcon };

type Props = {
  templates: readonly Schemas["Template"][];
  teams: string[];
  team: string;
  onTeam: (team: string) => void;
  chosen: string;
  onChoose: (template: string) => void;
  onLaunched: (launch: Schemas["Launch"]) => void;
};

/** Chooses a template and a name, and begins the app. */
export function CreateApp({ templates, teams, team, onTeam, chosen, onChoose, onLaunched }: Props) {
  const [name, setName] = useState("");
  const [left, setLeft] = useState(false);
  const refused = useRefusal(team);
  const create = useMutation({
    mutationFn: () =>
      data(api.POST("/v1/apps", { params: { query: { team } }, body: { app: name, template: chosen } })),
    onSuccess: onLaunched,
  });
  const fault = nameFault(name);
  const told = create.error instanceof ApiError ? create.error.about("body.app") : undefined;
  const template = templates.find((t) => t.name === chosen);
  return (
    <form
      className="stack-l"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        setLeft(true);
        if (!fault && !refused && !create.isPending) create.mutate();
      }}
    >
      <fieldset className={css.templates}>
        <legend>Template</legend>
        {templates.map((t) => (
          <label key={t.name} className={css.template} data-on={t.name === chosen}>
            <input
              type="radio"
              name="template"
              value={t.name}
              checked={t.name === chosen}
              onChange={() => onChoose(t.name)}
            />
            <span className={css.picture}>
              <Icon of={icons[t.name] ?? boxIcon} size={20} />
            </span>
            <span className={css.words}>
              <span className="strong">{t.title}</span>
              <span className="small faint">{t.description}</span>
              {t.needs.length > 0 && <span className="small faint">Makes: {t.needs.join(", ")}</span>}
            </span>
          </label>
        ))}
      </fieldset>
      <div className={css.fields}>
        <Field
          label="Name"
          hint="Lower-case letters, digits and single dashes; up to 24 characters."
          error={(left && name !== "" && fault) || told}
        >
          <TextInput
            mono
            value={name}
            onChange={(e) => {
              setName(e.target.value);
              create.reset();
            }}
            onBlur={() => setLeft(true)}
            maxLength={24}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="shop"
            required
          />
        </Field>
        <Field label="Team" hint="Who owns it.">
          <Select
            value={team}
            options={teams.includes(team) ? teams : [team, ...teams]}
            onChange={(e) => onTeam(e.target.value)}
          />
        </Field>
      </div>
      {create.error && !told && <ErrorBanner error={create.error} />}
      <div>
        <ActButton
          kind="primary"
          type="submit"
          icon={rocketIcon}
          refused={refused}
          busy={create.isPending}
          disabled={!chosen || fault !== ""}
        >
          Create {name && !fault ? name : "the app"}
        </ActButton>
      </div>
      {template && (
        <div className={css.commands}>
          {commandsOf(template.commands, name && !fault ? name : "NAME", team).map((c, i) => (
            <CliHint
              key={c}
              command={c}
              title={i === 0 ? "The same as commands: the source is yours to keep then" : ""}
            />
          ))}
        </div>
      )}
    </form>
  );
}
