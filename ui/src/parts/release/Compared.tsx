import { useQuery } from "@tanstack/react-query";
import { ErrorBanner } from "../../kit/Banner";
import { CliHint } from "../../kit/CliHint";
import { Diff } from "../../kit/Diff";
import { Skeleton } from "../../kit/Skeleton";
import { cli } from "../app/cli";
import { diffQuery, specQuery } from "../app/queries";
import { Changes } from "../plan/PlanView";

/** How two releases of an app differ: key by key, and in the text of their specs. */
export function Compared({
  team,
  app,
  from,
  to,
  hint,
}: {
  team: string;
  app: string;
  from: number;
  to: number;
  hint?: boolean;
}) {
  const diff = useQuery(diffQuery(team, app, from, to));
  const before = useQuery(specQuery(team, app, from));
  const after = useQuery(specQuery(team, app, to));
  if (diff.error) return <ErrorBanner error={diff.error} onRetry={() => void diff.refetch()} />;
  if (!diff.data) return <Skeleton lines={4} />;
  const texts = before.data?.stored && after.data?.stored && before.data.text !== after.data.text;
  return (
    <div className="stack">
      <Changes changes={diff.data.changes} />
      {texts && before.data && after.data && (
        <div className="stack">
          <h3>The text of the specs</h3>
          <Diff
            before={before.data.text}
            after={after.data.text}
            label={`Spec of release ${from} against release ${to}`}
          />
        </div>
      )}
      {hint && <CliHint command={cli(team, "diff", app, from, to)} />}
    </div>
  );
}
