import { Link, type LinkProps } from "@tanstack/react-router";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import css from "./Button.module.css";
import { cx } from "./cx";
import { Icon } from "./Icon";
import type { IconShape } from "./icons";

type Look = {
  kind?: "primary" | "secondary" | "tertiary" | "critical";
  small?: boolean;
  icon?: IconShape;
  trailing?: IconShape;
};

export type ButtonProps = Look & ButtonHTMLAttributes<HTMLButtonElement> & { busy?: boolean; children: ReactNode };

const look = ({ kind = "secondary", small }: Look) => cx(css.button, css[kind], small && css.small);

/** An action. While busy it can't be pressed again, and says so to screen readers. */
export function Button({
  kind,
  small,
  icon,
  trailing,
  busy,
  children,
  className,
  type = "button",
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className={cx(look({ kind, small }), busy && css.busy, className)}
      aria-busy={busy || undefined}
      aria-disabled={busy || rest["aria-disabled"]}
      onClick={busy ? (e) => e.preventDefault() : onClick}
    >
      {icon && <Icon of={icon} />}
      {children}
      {trailing && <Icon of={trailing} />}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere, it does nothing. */
export function ButtonLink({
  kind,
  small,
  icon,
  trailing,
  children,
  ...link
}: Look & LinkProps & { children: ReactNode }) {
  return (
    <Link {...(link as LinkProps)} className={look({ kind, small })}>
      {icon && <Icon of={icon} />}
      {children}
      {trailing && <Icon of={trailing} />}
    </Link>
  );
}

export type IconButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "aria-label" | "children"> & {
  icon: IconShape;
  label: string;
  kind?: Look["kind"];
  small?: boolean;
};

/** A button of an icon only; its label is its name and its tooltip. */
export function IconButton({ icon, label, kind = "tertiary", small, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      className={cx(look({ kind, small }), css.iconOnly, className)}
    >
      <Icon of={icon} />
    </button>
  );
}
