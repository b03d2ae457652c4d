import { useEffect, useRef, useState } from "react";
import { IconButton } from "./Button";
import css from "./Code.module.css";
import { cx } from "./cx";
import { checkIcon, clipboardCopyIcon, xIcon } from "./icons";

/** Copies a text; says that it did to screen readers too. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState<"" | "Copied" | "Could not copy">("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      setDone("Could not copy");
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(""), 2000);
  };
  return (
    <>
      <IconButton
        icon={done === "Copied" ? checkIcon : done ? xIcon : clipboardCopyIcon}
        label={done || label}
        small
        onClick={copy}
      />
      <span className="hidden" role="status">
        {done}
      </span>
    </>
  );
}

/** An id or a digest: monospace, cut, copyable. `show` is the short form. */
export function Mono({
  children,
  show,
  copy = true,
  wrap,
}: {
  children: string;
  show?: string;
  copy?: boolean;
  wrap?: boolean;
}) {
  return (
    <span className={css.mono}>
      <code className={cx(!wrap && "cut")} title={show ? children : undefined}>
        {show ?? children}
      </code>
      {copy && <Copy text={children} label={`Copy ${children.length > 40 ? "this" : children}`} />}
    </span>
  );
}

/** A block of text in monospace that scrolls sideways. */
export function Code({ children, label, copy = true }: { children: string; label: string; copy?: boolean }) {
  return (
    <div className={css.block}>
      <pre tabIndex={0} role="region" aria-label={label}>
        {children}
      </pre>
      {copy && (
        <div className={css.corner}>
          <Copy text={children} />
        </div>
      )}
    </div>
  );
}
