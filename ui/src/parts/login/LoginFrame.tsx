import { type ReactNode, useEffect } from "react";
import { Logo } from "../../shell/Logo";
import css from "./Login.module.css";

/** The frame of the pages of somebody who has not signed in yet: one card in the middle. */
export function LoginFrame({
  title,
  lead,
  children,
  foot,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
  foot?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Crumpet`;
  }, [title]);
  return (
    <main className={css.page}>
      <div className={css.column}>
        <div className={css.brand}>
          <Logo size={40} />
          <h1>{title}</h1>
          {lead && <p>{lead}</p>}
        </div>
        <div className={css.card}>{children}</div>
      </div>
      {foot && <div className={css.foot}>{foot}</div>}
    </main>
  );
}
