import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorBanner } from "../kit/Banner";
import { PageHeader } from "../kit/PageHeader";

/** A page that broke. The rest of the shell goes on. A chunk that is no more means that the server is a newer one. */
export function Failed({ error, reset }: ErrorComponentProps) {
  const gone = error instanceof Error && /dynamically imported module|Importing a module/.test(error.message);
  return (
    <div className="stack-l">
      <PageHeader title={gone ? "Crumpet was updated" : "This page could not be shown"} />
      <ErrorBanner
        error={gone ? new Error("The server has a newer version of this page. Load it again.") : error}
        onRetry={gone ? () => location.reload() : reset}
      />
    </div>
  );
}
