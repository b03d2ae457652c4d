import { Button } from "../../kit/Button";
import button from "../../kit/Button.module.css";
import { cx } from "../../kit/cx";
import { Icon } from "../../kit/Icon";
import { chevronDownIcon, externalLinkIcon } from "../../kit/icons";
import { Menu } from "../../kit/Menu";

/** Only what a browser may open as a page: a URL of an app is text that its maker wrote. */
export const webUrls = (urls: readonly string[]) => urls.filter((u) => /^https?:\/\//i.test(u));

/** Opens the app in a tab of its own; with several addresses it asks which. */
export function OpenLink({ urls, app }: { urls: readonly string[]; app: string }) {
  const [first, ...more] = webUrls(urls);
  if (!first) return null;
  if (more.length > 0)
    return (
      <Menu
        label="Addresses"
        align="end"
        items={[first, ...more].map((u) => ({
          label: u.replace(/^https?:\/\//, ""),
          key: u,
          onSelect: () => window.open(u, "_blank", "noopener,noreferrer"),
        }))}
        trigger={
          <Button icon={externalLinkIcon} trailing={chevronDownIcon}>
            Open
          </Button>
        }
      />
    );
  return (
    <a
      href={first}
      target="_blank"
      rel="noopener noreferrer"
      className={cx(button.button, button.secondary)}
      aria-label={`Open ${app} in a new tab`}
    >
      <Icon of={externalLinkIcon} />
      Open
    </a>
  );
}
