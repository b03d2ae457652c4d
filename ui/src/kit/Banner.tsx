import type { ReactNode } from "react";
import { ApiError } from "../api/error";
import type { Tone } from "../status/status";
import { Button } from "./Button";
import { cx } from "./cx";
import { Icon } from "./Icon";
import { alertDiamondIcon, alertTriangleIcon, checkCircleIcon, type IconShape, infoIcon } from "./icons";
import css from "./Panel.module.css";
import { Prose } from "./Prose";

const iconOf: Record<Tone, IconShape> = {
  good: checkCircleIcon,
  warn: alertTriangleIcon,
  bad: alertDiamondIcon,
  info: infoIcon,
  highlight: infoIcon,
  neutral: infoIcon,
};

export type BannerProps = {
  tone?: Tone;
  title: ReactNode;
  icon?: IconShape;
  actions?: ReactNode;
  alert?: boolean;
  children?: ReactNode;
};

/** A message within the page. `alert` is read out at once. */
export function Banner({ tone = "info", title, icon, actions, alert, children }: BannerProps) {
  return (
    <div className={cx(css.banner, css[tone])} role={alert ? "alert" : undefined}>
      <Icon of={icon ?? iconOf[tone]} />
      <div className={css.bannerText}>
        <strong>{title}</strong>
        {children}
      </div>
      {actions}
    </div>
  );
}

/** What a call came to when it failed: the API's own sentences, and the request's id for the server's log. */
export function ErrorBanner({ error, title, onRetry }: { error: unknown; title?: string; onRetry?: () => void }) {
  const known = error instanceof ApiError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Banner
      tone="bad"
      alert
      title={title ?? <Prose>{message}</Prose>}
      actions={
        onRetry && (
          <Button small onClick={onRetry}>
            Try again
          </Button>
        )
      }
    >
      {title && (
        <p>
          <Prose>{message}</Prose>
        </p>
      )}
      {known && known.errors.length > 0 && (
        <ul>
          {known.errors.map((e) => (
            <li key={`${e.location} ${e.message}`}>
              {e.location && <code>{e.location}</code>} <Prose>{e.message}</Prose>
            </li>
          ))}
        </ul>
      )}
      {known?.requestId && <p className="small faint">Request {known.requestId}</p>}
    </Banner>
  );
}
