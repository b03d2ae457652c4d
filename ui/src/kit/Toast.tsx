import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { IconButton } from "./Button";
import { cx } from "./cx";
import { Icon } from "./Icon";
import { alertDiamondIcon, checkCircleIcon, infoIcon, xIcon } from "./icons";
import css from "./Toast.module.css";

type Tone = "good" | "bad" | "info";
type Shown = { id: number; tone: Tone; text: string };

const ToastContext = createContext<(text: string, tone?: Tone) => void>(() => {});

/** `const toast = useToast(); toast("Scaled shop to 4 instances.")`. Bad ones stay until they are closed. */
export const useToast = () => useContext(ToastContext);

const icons = { good: checkCircleIcon, bad: alertDiamondIcon, info: infoIcon };

export function ToastProvider({ children }: { children: ReactNode }) {
  const [list, setList] = useState<Shown[]>([]);
  const next = useRef(0);
  const close = useCallback((id: number) => setList((l) => l.filter((t) => t.id !== id)), []);
  const toast = useCallback(
    (text: string, tone: Tone = "good") => {
      const id = ++next.current;
      setList((l) => [...l.slice(-3), { id, tone, text }]);
      if (tone !== "bad") setTimeout(() => close(id), 6000);
    },
    [close],
  );
  const shown = useMemo(
    () =>
      list.map((t) => (
        <div key={t.id} className={cx(css.toast, css[t.tone])}>
          <Icon of={icons[t.tone]} />
          <p>{t.text}</p>
          <IconButton icon={xIcon} label="Close this message" small onClick={() => close(t.id)} />
        </div>
      )),
    [list, close],
  );
  return (
    <ToastContext value={toast}>
      {children}
      <section className={css.toasts} aria-live="polite" aria-label="Messages">
        {shown}
      </section>
    </ToastContext>
  );
}
