import { ButtonLink } from "../kit/Button";
import { EmptyState } from "../kit/EmptyState";
import { searchIcon } from "../kit/icons";
import { PageHeader } from "../kit/PageHeader";

export default function NotFound() {
  return (
    <div className="stack-l">
      <PageHeader title="There is no such page" />
      <EmptyState icon={searchIcon} title="Nothing is here" actions={<ButtonLink to="/apps">Show the apps</ButtonLink>}>
        The address may be old, or of something you may not see. Ctrl-K finds apps and pages by name.
      </EmptyState>
    </div>
  );
}
