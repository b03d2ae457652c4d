import { EmptyState } from "../kit/EmptyState";
import { wrenchIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";

export default function Platform() {
  return (
    <div className="stack-l">
      <PageHeader title="Platform" />
      <EmptyState icon={wrenchIcon} title="This page is not there yet">
        The command line does all of it: crumpet --help.
      </EmptyState>
    </div>
  );
}
