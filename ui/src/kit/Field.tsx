import { type ComponentPropsWithRef, createContext, type ReactNode, useContext, useId } from "react";
import { cx } from "./cx";
import css from "./Field.module.css";
import { Icon } from "./Icon";
import { alertCircleIcon, searchIcon } from "./icons";

type Told = { id?: string; describedBy?: string; invalid?: boolean };
const FieldContext = createContext<Told>({});

export type FieldProps = {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  optional?: boolean;
  children: ReactNode;
};

/** A label, a control, a hint and an error, tied together for screen readers. Controls of this file find their id here. */
export function Field({ label, hint, error, optional, children }: FieldProps) {
  const id = useId();
  const describedBy = cx(hint ? `${id}-hint` : "", error ? `${id}-error` : "") || undefined;
  return (
    <div className={css.field}>
      <label className={css.label} htmlFor={id}>
        {label}
        {optional && <span className={css.optional}>optional</span>}
      </label>
      {hint && (
        <div className={css.hint} id={`${id}-hint`}>
          {hint}
        </div>
      )}
      <FieldContext.Provider value={{ id, describedBy, invalid: Boolean(error) }}>{children}</FieldContext.Provider>
      {error && (
        <div className={css.error} id={`${id}-error`} role="alert">
          <Icon of={alertCircleIcon} />
          <span>{error}</span>
        </div>
      )}
    </div>
  );
}

function useTold() {
  const { id, describedBy, invalid } = useContext(FieldContext);
  return { id, "aria-describedby": describedBy, "aria-invalid": invalid || undefined };
}

type Look = { mono?: boolean; small?: boolean };

export function TextInput({ mono, small, className, ...rest }: ComponentPropsWithRef<"input"> & Look) {
  return (
    <input
      type="text"
      {...useTold()}
      {...rest}
      className={cx(css.input, mono && css.mono, small && css.small, className)}
    />
  );
}

export function TextArea({ mono, small, className, ...rest }: ComponentPropsWithRef<"textarea"> & Look) {
  return (
    <textarea {...useTold()} {...rest} className={cx(css.input, mono && css.mono, small && css.small, className)} />
  );
}

export type SelectProps = ComponentPropsWithRef<"select"> &
  Look & { options: readonly (string | { value: string; label: string })[] };

/** The browser's own select: the best one on a phone and for screen readers. */
export function Select({ options, mono, small, className, ...rest }: SelectProps) {
  return (
    <select
      {...useTold()}
      {...rest}
      className={cx(css.input, css.select, mono && css.mono, small && css.small, className)}
    >
      {options.map((o) => {
        const { value, label } = typeof o === "string" ? { value: o, label: o } : o;
        return (
          <option key={value} value={value}>
            {label}
          </option>
        );
      })}
    </select>
  );
}

/** A search field. Its label is read, not shown. */
export function SearchInput({
  label,
  small,
  className,
  ...rest
}: ComponentPropsWithRef<"input"> & { label: string; small?: boolean }) {
  return (
    <div className={cx(css.search, className)}>
      <Icon of={searchIcon} />
      <input
        type="search"
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        {...rest}
        aria-label={label}
        className={cx(css.input, small && css.small)}
      />
    </div>
  );
}

export function Checkbox({
  label,
  hint,
  ...rest
}: Omit<ComponentPropsWithRef<"input">, "type"> & { label: ReactNode; hint?: ReactNode }) {
  const id = useId();
  return (
    <label className={css.check}>
      <input type="checkbox" aria-describedby={hint ? id : undefined} {...rest} />
      <span>
        {label}
        {hint && (
          <span className={css.hint} id={id}>
            <br />
            {hint}
          </span>
        )}
      </span>
    </label>
  );
}

/** For what takes effect at once; a form's yes or no is a Checkbox. */
export function Switch({ label, ...rest }: Omit<ComponentPropsWithRef<"input">, "type"> & { label: ReactNode }) {
  return (
    <label className={css.switch}>
      {/* biome-ignore lint/a11y/useAriaPropsForRole: a checkbox tells of being checked by itself */}
      <input type="checkbox" role="switch" {...rest} />
      <span>{label}</span>
    </label>
  );
}
