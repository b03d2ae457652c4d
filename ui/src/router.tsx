// Every page's address. A page is a lazy import, so that it is a file of its own to the browser.
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { ApiError } from "./api/error";
import { selfQuery } from "./api/queries";
import { text } from "./search";
import { Failed } from "./shell/Failed";
import { Shell } from "./shell/Shell";

type Context = { queries: QueryClient };

const root = createRootRouteWithContext<Context>()({ component: Outlet });

// Nothing asks the server for anything before it is known that somebody has signed in: the session is asked for first,
// and once.
async function signedIn({ context, location }: { context: Context; location: { href: string; pathname: string } }) {
  try {
    await context.queries.ensureQueryData(selfQuery);
  } catch (e) {
    if (e instanceof ApiError && e.status === 401)
      throw redirect({
        to: "/login",
        search: location.pathname === "/" ? {} : { then: location.href },
        replace: true,
      });
    // The server can't be reached, or is in trouble: the page says so where it shows what it knows.
  }
}

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: text({ then: "", refused: "", provider: "" }),
  component: lazyRouteComponent(() => import("./pages/SignIn")),
});
const cliConsent = createRoute({
  getParentRoute: () => root,
  path: "/login/cli",
  validateSearch: text({ challenge: "", state: "", host: "", redirect: "" }),
  beforeLoad: signedIn,
  component: lazyRouteComponent(() => import("./pages/CliConsent")),
});

const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell, beforeLoad: signedIn });

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/apps" });
  },
});
const apps = createRoute({
  getParentRoute: () => shell,
  path: "/apps",
  validateSearch: text({ team: "", q: "", state: "", sort: "" }),
  component: lazyRouteComponent(() => import("./pages/Apps")),
});
const newApp = createRoute({
  getParentRoute: () => shell,
  path: "/apps/new",
  validateSearch: text({ team: "", template: "" }),
  component: lazyRouteComponent(() => import("./pages/NewApp")),
});
const app = createRoute({
  getParentRoute: () => shell,
  path: "/apps/$team/$app",
  component: lazyRouteComponent(() => import("./pages/AppLayout")),
});
const appPages = [
  createRoute({
    getParentRoute: () => app,
    path: "/",
    validateSearch: text({ process: "", state: "", instance: "" }),
    component: lazyRouteComponent(() => import("./pages/AppOverview")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/deploys",
    validateSearch: text({ from: "", to: "" }),
    component: lazyRouteComponent(() => import("./pages/AppDeploys")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/deploys/$id",
    component: lazyRouteComponent(() => import("./pages/AppDeployment")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/logs",
    validateSearch: text({
      process: "",
      instance: "",
      release: "",
      source: "",
      stream: "",
      q: "",
      regex: "",
      deep: "",
      at: "",
    }),
    component: lazyRouteComponent(() => import("./pages/AppLogs")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/config",
    component: lazyRouteComponent(() => import("./pages/AppConfig")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/services",
    component: lazyRouteComponent(() => import("./pages/AppServices")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/scale",
    component: lazyRouteComponent(() => import("./pages/AppScale")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/activity",
    validateSearch: text({ kind: "" }),
    component: lazyRouteComponent(() => import("./pages/AppActivity")),
  }),
  createRoute({
    getParentRoute: () => app,
    path: "/settings",
    component: lazyRouteComponent(() => import("./pages/AppSettings")),
  }),
] as const;

const services = createRoute({
  getParentRoute: () => shell,
  path: "/services",
  validateSearch: text({ team: "", q: "" }),
  component: lazyRouteComponent(() => import("./pages/Services")),
});
const service = createRoute({
  getParentRoute: () => shell,
  path: "/services/$team/$name",
  component: lazyRouteComponent(() => import("./pages/ServiceDetail")),
});
const activity = createRoute({
  getParentRoute: () => shell,
  path: "/activity",
  validateSearch: text({ team: "", kind: "", q: "", view: "" }),
  component: lazyRouteComponent(() => import("./pages/Activity")),
});
const teams = createRoute({
  getParentRoute: () => shell,
  path: "/teams",
  component: lazyRouteComponent(() => import("./pages/Teams")),
});
const team = createRoute({
  getParentRoute: () => shell,
  path: "/teams/$team",
  component: lazyRouteComponent(() => import("./pages/Team")),
});
const users = createRoute({
  getParentRoute: () => shell,
  path: "/users",
  component: lazyRouteComponent(() => import("./pages/Users")),
});
const tokens = createRoute({
  getParentRoute: () => shell,
  path: "/tokens",
  component: lazyRouteComponent(() => import("./pages/Tokens")),
});
const platform = createRoute({
  getParentRoute: () => shell,
  path: "/platform",
  component: lazyRouteComponent(() => import("./pages/Platform")),
});

const tree = root.addChildren([
  signIn,
  cliConsent,
  shell.addChildren([
    home,
    apps,
    newApp,
    app.addChildren(appPages),
    services,
    service,
    activity,
    teams,
    team,
    users,
    tokens,
    platform,
  ]),
]);

export function newRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: false, // it writes a script into the page; pages keep their own place
    defaultErrorComponent: Failed,
    defaultNotFoundComponent: lazyRouteComponent(() => import("./pages/NotFound")),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
