import { useEffect, useState } from "react";
import type { Schemas } from "../../api/client";
import { Button } from "../../kit/Button";
import { SearchInput, Select } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import { alertCircleIcon, filterIcon } from "../../kit/icons";
import type { LogSearch } from "../../pages/AppLogs";
import css from "./Log.module.css";
import type { Line } from "./line";

export type LogBarProps = {
  search: LogSearch;
  set: (change: LogSearch) => void;
  fault?: string;
  status?: Schemas["Status"];
  lines: readonly Line[];
};

/** What narrows the log. */
export function LogBar({ search, set, fault, status, lines }: LogBarProps) {
  const [open, setOpen] = useState(false);
  const narrowed = [search.process, search.instance, search.release, search.source, search.stream].filter(
    Boolean,
  ).length;
  const [text, setText] = useState(search.q ?? "");
  useEffect(() => setText(search.q ?? ""), [search.q]);
  const { processes, instances, releases } = choices(status, lines, search);
  const regex = search.regex === "1";
  const find = (q: string) => {
    setText(q);
    set({ q: q || undefined, deep: undefined });
  };
  return (
    <search className={css.bar} aria-label="Narrow the log">
      <div className={css.find}>
        <SearchInput
          label={regex ? "Regular expression" : "Find in the log"}
          small
          value={text}
          aria-invalid={fault ? true : undefined}
          aria-describedby={fault ? "log-fault" : undefined}
          onChange={(e) => find(e.target.value)}
        />
        <Button
          small
          className={css.toggle}
          aria-pressed={regex}
          title="Read the text as a regular expression"
          onClick={() => set({ regex: regex ? undefined : "1", deep: undefined })}
        >
          .*<span className="hidden"> regular expression</span>
        </Button>
        <Button small icon={filterIcon} className={css.more} aria-expanded={open} onClick={() => setOpen(!open)}>
          {narrowed > 0 ? `Narrow (${narrowed})` : "Narrow"}
        </Button>
      </div>
      <div className={css.choices} data-open={open}>
        <Select
          small
          aria-label="Process"
          value={search.process ?? ""}
          onChange={(e) => set({ process: e.target.value, instance: undefined })}
          options={[{ value: "", label: "All processes" }, ...processes]}
        />
        <Select
          small
          aria-label="Instance"
          value={search.instance ?? ""}
          onChange={(e) => set({ instance: e.target.value })}
          options={[{ value: "", label: "All instances" }, ...instances]}
        />
        <Select
          small
          aria-label="Release"
          value={search.release ?? ""}
          onChange={(e) => set({ release: e.target.value })}
          options={[
            { value: "", label: "All releases" },
            ...releases.map((r) => ({ value: r, label: `Release ${r}` })),
          ]}
        />
        <Select
          small
          aria-label="Source"
          value={search.source ?? ""}
          onChange={(e) => set({ source: e.target.value })}
          options={[
            { value: "", label: "All sources" },
            { value: "app", label: "Instances" },
            { value: "build", label: "Builder" },
            { value: "platform", label: "Platform" },
          ]}
        />
        <Select
          small
          aria-label="Stream"
          value={search.stream ?? ""}
          onChange={(e) => set({ stream: e.target.value })}
          options={[{ value: "", label: "Both streams" }, "stdout", "stderr"]}
        />
      </div>
      {fault && (
        <p className={css.error} id="log-fault" role="alert">
          <Icon of={alertCircleIcon} /> {fault}
        </p>
      )}
    </search>
  );
}

/** What can be chosen: what the app has, and what has ended but wrote lines that are here. */
function choices(status: Schemas["Status"] | undefined, lines: readonly Line[], search: LogSearch) {
  const processes = new Set(status?.processes.map((p) => p.name));
  const instances = new Map(status?.instances.map((i) => [i.id, `${i.process}[${i.index}]`]));
  const releases = new Set(status?.instances.map((i) => String(i.release)));
  for (const l of lines.slice(-2000)) {
    if (l.process) processes.add(l.process);
    if (l.release) releases.add(String(l.release));
    if (l.instance && !instances.has(l.instance)) instances.set(l.instance, l.name);
  }
  if (search.process) processes.add(search.process);
  if (search.release) releases.add(search.release);
  if (search.instance && !instances.has(search.instance)) instances.set(search.instance, search.instance.slice(0, 8));
  return {
    processes: [...processes].sort(),
    instances: [...instances]
      .map(([value, name]) => ({ value, label: `${name} ${value.slice(0, 8)}` }))
      .sort((a, b) => a.label.localeCompare(b.label)),
    releases: [...releases].sort((a, b) => Number(b) - Number(a)),
  };
}
