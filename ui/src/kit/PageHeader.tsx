import { type ReactNode, useEffect } from "react";
import css from "./Panel.module.css";

export type PageHeaderProps = {
  title: string; // also of the browser's tab
  after?: ReactNode; // beside the title: a badge
  crumbs?: ReactNode[]; // links to what is above
  lead?: ReactNode; // one sentence below
  actions?: ReactNode; // buttons
};

/** The top of each page: its one h1, and the tab's title. */
export function PageHeader({ title, after, crumbs, lead, actions }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Crumpet`;
  }, [title]);
  return (
    <header className={css.pageHead}>
      <div className={css.pageTitle}>
        {crumbs && (
          <nav className={css.crumbs} aria-label="Above this page">
            {crumbs.map((c, i) => (
              <span key={i} className="row">
                {c} <span aria-hidden="true">/</span>
              </span>
            ))}
          </nav>
        )}
        <h1 tabIndex={-1} id="page-title">
          {title}
          {after}
        </h1>
        {lead && <div className={css.lead}>{lead}</div>}
      </div>
      {actions && <div className={css.actions}>{actions}</div>}
    </header>
  );
}
