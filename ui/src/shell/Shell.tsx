import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { api, whenSignedOut } from "../api/client";
import { useLiveStart } from "../api/live";
import { useSelf } from "../api/queries";
import { Icon } from "../kit/Icon";
import { helpIcon, menuIcon, searchIcon } from "../kit/icons";
import { LiveBanner, LiveMark } from "./LiveBanner";
import { Logo } from "./Logo";
import css from "./Shell.module.css";
import { useShortcuts } from "./shortcuts";
import { TeamSwitch } from "./TeamSwitch";
import { UserMenu } from "./UserMenu";

const Palette = lazy(() => import("./Palette"));
const Keys = lazy(() => import("./Keys"));

/** The frame of every page for somebody who has signed in: the bar, the banner, the page. */
export function Shell() {
  const { data: self } = useSelf();
  const navigate = useNavigate();
  const [open, setOpen] = useState<"" | "palette" | "keys">("");
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (s) => s.location.pathname });
  const first = useRef(true);

  useLiveStart();
  useEffect(
    () =>
      whenSignedOut(() => {
        if (location.pathname !== "/login")
          void navigate({ to: "/login", search: { then: location.pathname + location.search }, replace: true });
      }),
    [navigate],
  );
  useShortcuts({ palette: () => setOpen("palette"), keys: () => setOpen("keys") });

  // A new page: the menu closes, and the focus goes where the page begins.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it acts when the path changes
  useEffect(() => {
    setMenu(false);
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);

  const signOut = async () => {
    await api.POST("/v1/logout" as never).catch(() => {});
    location.assign("/login");
  };

  return (
    <>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      <header className={css.bar}>
        <div className={css.inner}>
          <Link to="/apps" className={css.brand} aria-label="Crumpet: apps">
            <Logo />
            <span className={css.brandName}>Crumpet</span>
          </Link>
          <TeamSwitch />
          <nav className={css.nav} aria-label="Main" data-open={menu} id="main-nav">
            <NavLink to="/apps">Apps</NavLink>
            <NavLink to="/services">Services</NavLink>
            <NavLink to="/activity">Activity</NavLink>
            <NavLink to="/teams">Teams</NavLink>
            {self?.admin && <NavLink to="/platform">Platform</NavLink>}
          </nav>
          <div className={css.side}>
            <LiveMark />
            <button
              type="button"
              className={`${css.barButton} ${css.search}`}
              onClick={() => setOpen("palette")}
              aria-keyshortcuts="Control+K"
            >
              <Icon of={searchIcon} />
              <span className="hidden">Search apps and pages</span>
              <span aria-hidden="true">Search</span>
              <kbd>Ctrl K</kbd>
            </button>
            <button
              type="button"
              className={`${css.barButton} ${css.help}`}
              onClick={() => setOpen("keys")}
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
            >
              <Icon of={helpIcon} />
            </button>
            <UserMenu self={self} onSignOut={signOut} />
            <button
              type="button"
              className={`${css.barButton} ${css.menuButton}`}
              aria-label="Menu"
              aria-expanded={menu}
              aria-controls="main-nav"
              onClick={() => setMenu(!menu)}
            >
              <Icon of={menuIcon} />
            </button>
          </div>
        </div>
      </header>
      <LiveBanner />
      <main id="main" ref={main} tabIndex={-1} className={css.main}>
        <Outlet />
      </main>
      <Suspense>
        {open === "palette" && (
          <Palette onClose={() => setOpen("")} onKeys={() => setOpen("keys")} onSignOut={signOut} />
        )}
        {open === "keys" && <Keys onClose={() => setOpen("")} />}
      </Suspense>
    </>
  );
}

function NavLink({
  to,
  children,
}: {
  to: "/apps" | "/services" | "/activity" | "/teams" | "/platform";
  children: string;
}) {
  return (
    <Link to={to} className={css.link}>
      {children}
    </Link>
  );
}
