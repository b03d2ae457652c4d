// Made by `npm run types` from the server's /openapi.json.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say that the server runs */
        get: operations["healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show metrics for Prometheus */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["openAPI"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say whether every backend answers */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List apps */
        get: operations["apps"];
        put?: never;
        /** Make a new app of a template */
        post: operations["createFromTemplate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show an app in one line */
        get: operations["app"];
        put?: never;
        post?: never;
        /** Destroy an app */
        delete: operations["destroy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/builds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Build an artifact from a source */
        post: operations["createBuild"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what an app's configuration holds, without the values */
        get: operations["config"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Set and unset keys of an app's configuration */
        patch: operations["changeConfig"];
        trace?: never;
    };
    "/v1/apps/{app}/config/reveal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Show values of an app's configuration; it is told who asked */
        post: operations["revealConfig"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/config/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the versions of an app's configuration, newest first */
        get: operations["configVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/crons": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List crons and when they fire */
        get: operations["crons"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List deployments, newest first */
        get: operations["deployments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a deployment */
        get: operations["deployment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/abort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Walk a deployment back */
        post: operations["abort"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Walk a deployment back: the old name of abort */
        post: operations["cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have a deployment stay where it is */
        post: operations["pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a deployment that is held go on */
        post: operations["promote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a paused deployment go on */
        post: operations["resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/deployments/{id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a deployment's way from the push to serving, with times */
        get: operations["timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Compare two releases */
        get: operations["diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/exec": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Run a command in an instance
         * @description A WebSocket whose messages are JSON texts: an ExecIn each in, the first with start; an ExecOut each out, the last with exit or problem. An event says who runs which program where; arguments are only counted.
         */
        get: operations["exec"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/instances/{instance}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replace one instance */
        post: operations["restartInstance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/launch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show how far an app is on its way from a template */
        get: operations["launch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what instances write
         * @description Server-sent events. The data of each is some lines, each a LogLine on a line of data of its own, in the order of their times; the id stands for what comes after them. The last event is named end, or problem with a Problem as its data.
         */
        get: operations["logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show how many requests an app answers, and how many badly */
        get: operations["appMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what a release would do */
        post: operations["plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/releases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List releases, newest first */
        get: operations["releases"];
        put?: never;
        /** Release a spec with an artifact */
        post: operations["createRelease"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/releases/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a release */
        get: operations["release"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/releases/{number}/spec": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the app spec of a release as it was written */
        get: operations["releaseSpec"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replace every instance, without a gap */
        post: operations["restart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restore an earlier release as a new one */
        post: operations["rollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/rollback/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what a rollback would do */
        post: operations["planRollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List runs of tasks and crons, newest first */
        get: operations["runs"];
        put?: never;
        /** Run a task or cron once, now */
        post: operations["createRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a run */
        get: operations["run"];
        put?: never;
        post?: never;
        /** Stop a run */
        delete: operations["stopRun"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/scale": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change how many instances are wanted */
        post: operations["scale"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start a stopped app */
        post: operations["start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show an app in full */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop every instance */
        post: operations["stop"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show what each instance takes of its node */
        get: operations["usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/volumes/{volume}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a volume and all that is in it */
        delete: operations["deleteVolume"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say why an app does not serve */
        get: operations["why"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/sha256/{digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Fetch an artifact
         * @description Instead of a token this takes the signature in the address that a job names.
         */
        get: operations["artifact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * Ask for an artifact's size
         * @description Instead of a token this takes the signature in the address that a job names.
         */
        head: operations["artifactHead"];
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who did what, oldest first */
        get: operations["audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow who does what
         * @description Server-sent events; the data of each is an Audited. Without Last-Event-ID and after it begins with what is done from now on.
         */
        get: operations["followAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload blobs as one tar.gz
         * @description Each entry of the archive is named sha256/ and the SHA-256 of its content. What has arrived whole is kept, even if the upload breaks later.
         */
        post: operations["upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blobs/missing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Name the blobs the server lacks */
        post: operations["missing"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/builds/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a build */
        get: operations["build"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/drift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what on the cluster is not as it is wished */
        get: operations["drift"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what happens
         * @description Server-sent events; the data of each is an Event. Without Last-Event-ID and after it begins with what happens from now on.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what happened, oldest first */
        get: operations["history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the hosts of a team, and those shared with it */
        get: operations["hosts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts/{host}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Let another team have routes on a host, or no longer */
        put: operations["shareHost"];
        post?: never;
        /** Give up a host */
        delete: operations["releaseHost"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell how one can sign in */
        get: operations["loginMethods"];
        put?: never;
        /** Sign in with a password */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login/cli": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a CLI act as whoever is signed in */
        post: operations["agreeCLI"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login/cli/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Redeem for a token what somebody has agreed to */
        post: operations["redeemCLI"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login/oidc/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Begin to sign in at a provider */
        get: operations["oidcStart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login/oidc/{provider}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Come back from a provider */
        get: operations["oidcDone"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the session, or the personal token, that the call came with */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the machines that run instances */
        get: operations["nodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/nodes/{node}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a node */
        get: operations["node"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/nodes/{node}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Empty a node without a gap */
        put: operations["drainNode"];
        post?: never;
        /** Let a node take instances again */
        delete: operations["undoDrain"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/platform": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show how the machinery under all apps is, and what to do about it */
        get: operations["platform"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/platform/findings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at the cluster as a doctor does: quorums, versions, expiry, capacity, drift, and settings that hurt */
        get: operations["findings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List database servers and service brokers */
        get: operations["providers"];
        put?: never;
        /** Register a database server or a service broker */
        post: operations["addProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a provider */
        get: operations["provider"];
        put?: never;
        post?: never;
        /** Forget a provider that has no instances */
        delete: operations["removeProvider"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{provider}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read a provider's catalog again */
        post: operations["refreshProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/repair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Heal what was found */
        post: operations["repair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/self": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell who the caller is, and in which teams */
        get: operations["whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/self/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change the caller's password */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/servers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List Crumpet's servers and which one leads */
        get: operations["servers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/service-offerings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what service instances can be made of */
        get: operations["offerings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List service instances */
        get: operations["services"];
        put?: never;
        /** Make a service instance */
        post: operations["createService"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a service instance, and who is bound to it */
        get: operations["service"];
        put?: never;
        post?: never;
        /** Delete a service instance and all that is in it */
        delete: operations["deleteService"];
        options?: never;
        head?: never;
        /** Change a service instance */
        patch: operations["updateService"];
        trace?: never;
    };
    "/v1/services/{service}/bindings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the bindings of apps */
        get: operations["serviceBindings"];
        put?: never;
        /** Give an app credentials of a service instance */
        post: operations["bindService"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services/{service}/bindings/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End an app's credentials of a service instance */
        delete: operations["unbindService"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services/{service}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the keys of a service instance, without what they open it with */
        get: operations["serviceKeys"];
        put?: never;
        /** Make credentials for a person */
        post: operations["createServiceKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services/{service}/keys/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Reveal a key; it is noted who did */
        get: operations["serviceKey"];
        put?: never;
        post?: never;
        /** End a key */
        delete: operations["deleteServiceKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/services/{service}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replace the credentials of apps without a gap */
        post: operations["rotateService"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List sign-ins of browsers, newest first */
        get: operations["sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Sign a browser out */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the teams that the caller is in */
        get: operations["teams"];
        put?: never;
        /** Make a team */
        post: operations["createTeam"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams/{team}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a team, with what it wants of its quota */
        get: operations["showTeam"];
        put?: never;
        post?: never;
        /** Delete a team that owns nothing */
        delete: operations["deleteTeam"];
        options?: never;
        head?: never;
        /** Change a team's description and quota */
        patch: operations["updateTeam"];
        trace?: never;
    };
    "/v1/teams/{team}/bots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the bots of a team */
        get: operations["bots"];
        put?: never;
        /** Make a bot of a team */
        post: operations["createBot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams/{team}/bots/{bot}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a bot of a team, with its tokens */
        delete: operations["deleteBot"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams/{team}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who is in a team */
        get: operations["members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams/{team}/members/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Give somebody a role in a team */
        put: operations["setMember"];
        post?: never;
        /** Take somebody out of a team */
        delete: operations["removeMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the apps to begin with */
        get: operations["templates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tokens, oldest first */
        get: operations["tokens"];
        put?: never;
        /** Make a token; it is shown this once */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a token, at once on every server */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users */
        get: operations["users"];
        put?: never;
        /** Make a local user */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a user */
        get: operations["user"];
        put?: never;
        post?: never;
        /** Delete a user, with its tokens and memberships */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /** Change, disable or unlock a user, or give it another password */
        patch: operations["updateUser"];
        trace?: never;
    };
    "/v1/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List volumes, those of apps that are no more as well */
        get: operations["volumes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AddProvider: {
            /** @description Why there is no such server, such as that none was found on the machine: what it would offer is shown with it, and can't be had. The other fields may be empty then. */
            absent?: string;
            /** @description Of a broker: the certificates, PEM, that its own is checked by. */
            ca?: string;
            /** @description Of a database server: don't replace the password by one that only Vault knows. */
            keep_password?: boolean;
            /** @enum {string} */
            kind: "postgres" | "broker";
            name: string;
            password?: string;
            /** @description Of a broker: in place of user and password. */
            token?: string;
            /** @description Without a password. */
            url: string;
            /** @description Where the URL does not name it. */
            username?: string;
        };
        Affinity: {
            attribute: string;
            operator: string;
            value?: string;
            /** Format: int64 */
            weight: number;
        };
        AgentSettings: {
            /** Format: int64 */
            chroot_env: number;
            /** Format: int64 */
            event_buffer_size?: number;
            /** Format: int64 */
            heartbeat_grace?: number;
            /** Format: int64 */
            max_kill_timeout?: number;
        };
        AgreeCLI: {
            /** @description SHA-256 of the CLI's verifier, base64url: PKCE's S256. */
            challenge: string;
            /** @description Where the CLI listens: http://127.0.0.1:PORT/done or http://[::1]:PORT/done, nothing else. */
            redirect?: string;
            /** @description What the CLI knows its own sign-in by. */
            state?: string;
        };
        AgreedCLI: {
            code: string;
            /** Format: date-time */
            expires_at: string;
            /** @description Where the page goes: the CLI's redirect with code and state. */
            redirect?: string;
        };
        Amount: {
            /** Format: int64 */
            count?: number;
            /** Format: int64 */
            percent?: number;
        };
        App: {
            app: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            deployed_at?: string;
            deployed_by?: string;
            /** Format: double */
            errors: number;
            health: string;
            /** Format: int64 */
            healthy: number;
            /** Format: double */
            rate: number;
            reason: string;
            /** Format: int64 */
            release: number;
            slot: string;
            status: string;
            team: string;
            urls: string[];
            /** Format: int64 */
            wanted: number;
        };
        Apps: {
            items: components["schemas"]["App"][];
            next: string;
        };
        Audit: {
            items: components["schemas"]["Audited"][];
            /** Format: int64 */
            next?: number;
        };
        Audited: {
            action: string;
            after?: unknown;
            app?: string;
            before?: unknown;
            by: string;
            detail?: string;
            from: string;
            /** Format: int64 */
            id: number;
            kind?: string;
            outcome: string;
            request_id: string;
            /** Format: int64 */
            status: number;
            target?: string;
            team?: string;
            /** Format: date-time */
            time: string;
            /** Format: int64 */
            times?: number;
            verb: string;
            via?: string;
        };
        BackendView: {
            name: string;
            next?: string;
            ok: boolean;
            reason?: string;
            /** Format: date-time */
            since: string;
            version?: string;
        };
        Beat: {
            backends: components["schemas"]["Silent"][];
            /** Format: date-time */
            time: string;
        };
        Bind: {
            as: string;
            change?: string;
            env?: string;
            signal?: string;
            vcap?: boolean;
        };
        BindService: {
            app: string;
            /**
             * @description Variables (and files), or files only; env unless said.
             * @enum {string}
             */
            as?: "env" | "files" | "";
            /** @description The variable with the URL; only as variables. */
            env?: string;
            /** @description Of the binding; made of the instance's unless said. */
            name?: string;
            /** @description A JSON object that fits the plan's schema. */
            parameters?: unknown;
            /** @description Sent to the programs when the files change; only as files. */
            signal?: string;
            /** @description Leave it to the app's next deployment to bring it. */
            stage?: boolean;
            /** @description Also in VCAP_SERVICES; only as variables. */
            vcap?: boolean;
        };
        Binding: {
            app: string;
            bind: components["schemas"]["Bind"];
            /** Format: int64 */
            carried?: number;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            declared: boolean;
            entries: components["schemas"]["Entries"];
            /** Format: int64 */
            generation: number;
            id: string;
            instance: string;
            issued?: components["schemas"]["Issued"][];
            kind: string;
            label: string;
            /** Format: int64 */
            last?: number;
            name: string;
            /** Format: int64 */
            params?: number;
            plan?: string;
            reason?: string;
            retiring?: number[];
            /** Format: date-time */
            rotated_at: string;
            state: string;
            tags?: string[];
            team: string;
            /** Format: int64 */
            tried?: number;
            /** Format: int64 */
            unbound?: number;
        };
        Bucket: {
            /** Format: date-time */
            at: string;
            /** Format: int64 */
            errors: number;
            partial?: boolean;
            /** Format: int64 */
            release: number;
            /** Format: int64 */
            requests: number;
            /** Format: int64 */
            took: number;
        };
        Build: {
            builder: string;
            dir?: string;
            main?: string;
        };
        BuildJob: {
            app: string;
            artifact?: string;
            build: components["schemas"]["Build"];
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            ended_at?: string;
            id: string;
            reason?: string;
            runtime?: string;
            source: string;
            /** Format: date-time */
            started_at?: string;
            status: string;
            team: string;
        };
        CanaryPolicy: {
            /** Format: int64 */
            hold?: number;
            /** Format: int64 */
            instances?: number;
            manual?: boolean;
            /** Format: int64 */
            margin?: number;
            traffic?: number[];
        };
        Capacity: {
            /** Format: int64 */
            cores: number;
            /** Format: int64 */
            cpu_mhz: number;
            /** Format: int64 */
            disk_mib: number;
            /** Format: int64 */
            instances: number;
            /** Format: int64 */
            memory_mib: number;
        };
        CapacityPlan: {
            after: components["schemas"]["Capacity"];
            before: components["schemas"]["Capacity"];
            /** @description The most that stands at once: old instances are told to go only when the new ones of that step have been asked for. */
            peak: components["schemas"]["Capacity"];
        };
        Certificate: {
            /** Format: date-time */
            begins?: string;
            /** Format: date-time */
            ends?: string;
            of: string;
            reason?: string;
            subject?: string;
            where: string;
        };
        ChangeConfig: {
            /**
             * Format: int64
             * @description The version the caller saw: refuse with conflict if there is a newer one.
             */
            base?: number;
            /** @description What is to be remembered of the release. */
            note?: string;
            /** @description Keys to set. */
            set?: components["schemas"]["ConfigValue"][];
            /** @description Make the version, and leave it to the next release to use it. */
            stage?: boolean;
            /** @description Abort a deployment that is under way. */
            supersede?: boolean;
            /** @description Keys to unset, by name. */
            unset?: string[];
            /** @description Queue behind a deployment that is under way. */
            wait?: boolean;
        };
        ChangePassword: {
            /** @description At least 12 characters. */
            new: string;
            old: string;
        };
        Changed: {
            apps: string[];
        };
        ChangedConfig: {
            app: string;
            /** @description What made the version. */
            change: string;
            /** @description The release and deployment that bring it. */
            deployed?: components["schemas"]["Deployed"];
            /** @description By this change; else it asked for nothing new. */
            made: boolean;
            team: string;
            /**
             * @description When the app sees it.
             * @enum {string}
             */
            use: "deployed" | "staged" | "first_push" | "stopped";
            /**
             * Format: int64
             * @description The newest; 0 while there is none.
             */
            version: number;
        };
        ChangedPassword: {
            user: string;
        };
        Checkup: {
            agents: components["schemas"]["NomadAgent"][];
            /** Format: date-time */
            at: string;
            certificates: components["schemas"]["Certificate"][];
            findings: components["schemas"]["PlatformFinding"][];
            leases: components["schemas"]["Lease"][];
            quorums: components["schemas"]["Quorum"][];
            /** Format: int64 */
            took_ms: number;
            worst?: string;
        };
        Config: {
            app: string;
            items: components["schemas"]["ConfigKey"][];
            /**
             * Format: int64
             * @description The version that the serving release has; 0 for none.
             */
            serving: number;
            team: string;
            /**
             * Format: int64
             * @description The newest; 0 while there is none.
             */
            version: number;
        };
        ConfigFile: {
            change: string;
            content?: components["schemas"]["Part"][];
            mode: string;
            path: string;
            signal?: string;
            template?: string;
        };
        ConfigKey: {
            name: string;
            secret: boolean;
            /** Format: date-time */
            set_at: string;
            set_by: string;
            /** Format: int64 */
            version: number;
        };
        ConfigValue: {
            /**
             * @description Whether it is a secret; as the key is unless said, and plain for a new one.
             * @enum {string}
             */
            kind?: "plain" | "secret" | "";
            /** @description As of an environment variable. */
            name: string;
            /** @description UTF-8, 64 KiB at most. */
            value: string;
        };
        ConfigVersion: {
            change: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            /**
             * Format: int64
             * @description How many it holds.
             */
            keys: number;
            /** Format: int64 */
            version: number;
        };
        ConfigVersions: {
            items: components["schemas"]["ConfigVersion"][];
            /**
             * Format: int64
             * @description The version that the serving release has; 0 for none.
             */
            serving: number;
        };
        Constraint: {
            attribute: string;
            operator: string;
            value?: string;
        };
        CreateBot: {
            description?: string;
            /** @description Unique among all users: up to 32 lower-case letters, digits and single dashes. */
            name: string;
            /** @enum {string} */
            role: "viewer" | "developer" | "maintainer";
        };
        CreateBuild: {
            /** @enum {string} */
            builder: "go" | "static" | "none";
            /** @description static, none: the folder below the source. */
            dir?: string;
            /** @description go: the one main package wanted, such as ./cmd/x. */
            main?: string;
            /** @description SHA-256 of the source's manifest, which is a blob. */
            source: string;
        };
        CreateFromTemplate: {
            /** @description The name of the new app. */
            app: string;
            /** @description The name of a template. */
            template: string;
        };
        CreateRelease: {
            /** @description SHA-256 of the artifact, 64 hexadecimal digits. */
            artifact: string;
            /** @description Of a plan: refuse with conflict if any of it moved since. */
            base?: components["schemas"]["PlanBase"];
            /** @description Hash of the source in git. */
            commit?: string;
            /** @description The source had changes that the commit does not hold. */
            dirty?: boolean;
            /** @description The environment block to merge in; the app is then NAME-ENVIRONMENT. */
            environment?: string;
            /** @description Named in diagnostics; crumpet.hcl unless said. */
            filename?: string;
            /** @description Walk even if nothing changed. */
            force?: boolean;
            /** @description What is to be remembered of the release. */
            note?: string;
            /** @description SHA-256 of the artifact that serves static sites. */
            runtime?: string;
            /** @description The app spec, HCL text. */
            spec: string;
            /** @description Abort a deployment that is under way. */
            supersede?: boolean;
            /** @description Files of values; a later one wins. */
            var_files?: components["schemas"]["VarFile"][];
            /** @description Values of variables; a later one of the same name wins. */
            variables?: components["schemas"]["Variable"][];
            /** @description Queue behind a deployment that is under way. */
            wait?: boolean;
        };
        CreateRun: {
            /** @description Appended to its command, as they are. */
            args?: string[];
            /** @description Instead of a task: a program and its arguments. They are part of the job: no place for secrets. */
            command?: string[];
            /** @description With command: the process whose artifact, environment and resources it has; web or the only one unless said. */
            process?: string;
            /** @description The name of the task or cron. */
            task?: string;
        };
        CreateService: {
            /** @description Of a user-provided instance: a JSON object. */
            credentials?: unknown;
            name: string;
            offering?: string;
            /** @description A JSON object that fits the plan's schema. */
            parameters?: unknown;
            plan?: string;
            /** @description Needed where several have the offering. */
            provider?: string;
            /** @description Of a user-provided instance. Stored, and not acted on yet. */
            route_service_url?: string;
            /** @description Of a user-provided instance. Stored, and not acted on yet. */
            syslog_drain_url?: string;
        };
        CreateServiceKey: {
            name: string;
            /** @description A JSON object that fits the plan's schema. */
            parameters?: unknown;
        };
        CreateTeam: {
            description?: string;
            /** @description Up to 16 lower-case letters, digits and single dashes. */
            name: string;
            quota?: components["schemas"]["QuotaChange"];
        };
        CreateToken: {
            /** @description The only apps it is for, as TEAM/APP. */
            apps?: string[];
            /** @description Such as 30d or 12h; 90d unless said, at most 365d. never, for an operator's token. */
            expires_in?: string;
            /** @description What it is for, such as ci. */
            name: string;
            /** @description An operator's token, which belongs to nobody and may do everything: admins only. */
            operator?: boolean;
            /** @description A bot of a team that the caller manages; the caller itself unless said. */
            owner?: string;
            /** @description The only teams it is for. */
            teams?: string[];
            /** @description All that it may do. */
            verbs?: string[];
        };
        CreateUser: {
            admin?: boolean;
            email?: string;
            full_name?: string;
            /** @description Up to 32 lower-case letters, digits and single dashes. */
            name: string;
            /** @description At least 12 characters. Without one nobody can sign in as the user. */
            password?: string;
        };
        CreatedToken: {
            /** @description The token itself: it is shown this once. */
            secret: string;
            token: components["schemas"]["Token"];
        };
        Cron: {
            last?: components["schemas"]["Run"];
            name: string;
            /** Format: date-time */
            next_at?: string;
            reason?: string;
            registered: boolean;
            schedule: string;
            time_zone: string;
        };
        CronPlan: {
            /** @enum {string} */
            change: "added" | "changed" | "removed";
            name: string;
            /** @description As it will be; as it was, of one removed. */
            schedule: string;
            time_zone: string;
        };
        Crons: {
            items: components["schemas"]["Cron"][];
            next: string;
        };
        Demand: {
            /** Format: int64 */
            apps: number;
            /**
             * Format: int64
             * @description MHz, of all instances wanted.
             */
            cpu: number;
            /** Format: int64 */
            instances: number;
            /**
             * Format: int64
             * @description MiB, of all instances wanted.
             */
            memory: number;
            /** Format: int64 */
            routes: number;
            /**
             * Format: int64
             * @description MiB of volumes, of those kept as well.
             */
            storage: number;
        };
        Deploy: {
            canary: components["schemas"]["CanaryPolicy"];
            /** Format: int64 */
            deadline: number;
            /** Format: int64 */
            max_in_flight?: number;
            revert: boolean;
            room: string;
            strategy: string;
            surge: components["schemas"]["Amount"];
            unrouted: string;
            /** Format: int64 */
            warm?: number;
        };
        Deployed: {
            changed: boolean;
            deployment?: components["schemas"]["Deployment"];
            release: components["schemas"]["Release"];
            urls: string[];
        };
        Deployment: {
            abort: boolean;
            app: string;
            cancel: boolean;
            cause: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            ended_at?: string;
            from: string;
            /** Format: date-time */
            healthy_at?: string;
            /** Format: date-time */
            held_at?: string;
            /** Format: int64 */
            held_for?: number;
            id: string;
            /** Format: date-time */
            planned_at?: string;
            /** Format: int64 */
            previous: number;
            reason?: string;
            /** Format: date-time */
            registered_at?: string;
            /** Format: int64 */
            release: number;
            /** Format: date-time */
            routed_at?: string;
            slot: string;
            /** Format: date-time */
            started_at?: string;
            status: string;
            /** Format: int64 */
            step: number;
            /** Format: date-time */
            step_at: string;
            steps: components["schemas"]["Step"][];
            stop_first?: boolean;
            /** Format: date-time */
            switched_at?: string;
            team: string;
            trouble?: string;
            waits?: string;
            walk: boolean;
            wanted: {
                [key: string]: number;
            };
            why?: string;
        };
        Deployments: {
            items: components["schemas"]["Deployment"][];
            next: string;
        };
        Diff: {
            app: string;
            /** @description Empty if both would run the same. */
            changes: components["schemas"]["KeyChange"][];
            /**
             * Format: int64
             * @description The release compared with.
             */
            from: number;
            /**
             * Format: int64
             * @description The release compared.
             */
            to: number;
        };
        Digests: {
            digests: string[];
        };
        Drain: {
            by: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            ended_at?: string;
            node: string;
            node_id: string;
            reason?: string;
            status: string;
        };
        Drift: {
            items: components["schemas"]["Finding"][];
        };
        Entries: {
            facts?: {
                [key: string]: string;
            };
            keys?: string[];
            provider: string;
            type: string;
            url?: string;
        };
        Event: {
            app: string;
            build?: string;
            by?: string;
            deployment?: string;
            /** Format: int64 */
            id: number;
            instance?: string;
            kind: string;
            message: string;
            process?: string;
            /** Format: int64 */
            release?: number;
            /** Format: int64 */
            share?: number;
            team: string;
            /** Format: date-time */
            time: string;
        };
        Events: {
            items: components["schemas"]["Event"][];
            /** Format: int64 */
            next?: number;
            /** Format: int64 */
            until: number;
        };
        ExecIn: {
            data?: string;
            eof?: boolean;
            size?: components["schemas"]["TerminalSize"];
            start?: components["schemas"]["ExecStart"];
        };
        ExecOut: {
            /** Format: int64 */
            exit?: number;
            instance?: string;
            problem?: components["schemas"]["ExecProblem"];
            reason?: string;
            stderr?: string;
            stdout?: string;
        };
        ExecProblem: {
            code: string;
            detail: string;
            errors?: components["schemas"]["Fault"][];
            request_id: string;
            /** Format: int64 */
            status: number;
            title: string;
        };
        ExecStart: {
            command: string[];
            instance?: string;
            process?: string;
            size: components["schemas"]["TerminalSize"];
            task?: string;
            tty?: boolean;
        };
        Extent: {
            /** Format: int64 */
            reserved: number;
            /** Format: int64 */
            total: number;
        };
        Fault: {
            location: string;
            message: string;
        };
        Faulty: {
            app?: string;
            kind: string;
            team?: string;
            thing: string;
        };
        Finding: {
            app?: string;
            found: string;
            heals: boolean;
            kind: string;
            reason?: string;
            repair: string;
            status: string;
            team?: string;
            thing: string;
            wished: string;
        };
        Health: {
            status: string;
            version: string;
        };
        Host: {
            /** Format: date-time */
            created_at: string;
            created_by?: string;
            host: string;
            /** @description Teams that may have routes of their own on it; where another team shares it, those of the caller only. */
            shared: string[];
            /** @description Whose it is. */
            team: string;
        };
        HostVolume: {
            /** @description It may be gone; an app of this name finds the volume again. */
            app: string;
            /** Format: date-time */
            created_at: string;
            /** @description Nomad's. */
            id: string;
            /**
             * Format: int64
             * @description The number of the instances that have it.
             */
            index: number;
            /** @description Nomad's name of it: APP--PROCESS--VOLUME[NUMBER]. */
            name: string;
            node: string;
            node_id: string;
            process: string;
            /**
             * Format: int64
             * @description What was asked for. Nomad's own plugin does not hold anybody to it.
             */
            size_mib: number;
            /** @enum {string} */
            status: "pending" | "ready" | "unavailable" | "lost";
            team: string;
            /** @description Ids of the instances that have it now. */
            used_by: string[];
            /** @description Its name in the spec. */
            volume: string;
        };
        HostVolumes: {
            items: components["schemas"]["HostVolume"][];
            next: string;
        };
        Hosts: {
            items: components["schemas"]["Host"][];
            next: string;
        };
        Instance: {
            /** Format: int64 */
            crashes?: number;
            health: string;
            id: string;
            /** Format: int64 */
            index: number;
            /** Format: date-time */
            next_try?: string;
            node: string;
            process: string;
            reason?: string;
            /** Format: int64 */
            release: number;
            /** Format: int64 */
            restarts: number;
            /** Format: date-time */
            since: string;
            slot: string;
            state: string;
        };
        InstanceUsage: {
            /** Format: date-time */
            at?: string;
            /** Format: int64 */
            cores?: number;
            /** Format: int64 */
            cpu_limit_mhz: number;
            /** Format: double */
            cpu_mhz: number;
            /** Format: int64 */
            index: number;
            instance: string;
            known: boolean;
            /** Format: int64 */
            memory_limit_mb: number;
            /** Format: int64 */
            memory_max_mb: number;
            /** Format: double */
            memory_mb: number;
            node: string;
            process: string;
            reason?: string;
            /** Format: int64 */
            release: number;
            slot: string;
        };
        Issued: {
            /** Format: date-time */
            at: string;
            /** Format: date-time */
            expires_at: string;
            /** Format: int64 */
            generation: number;
            id: string;
            /** Format: date-time */
            renew_before: string;
        };
        KeptRelease: {
            app: string;
            artifact: string;
            commit?: string;
            /** @description Its configuration is no longer in Vault, so it can't be restored. */
            config_gone?: boolean;
            /** Format: int64 */
            config_version: number;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            dirty?: boolean;
            note?: string;
            /**
             * @description What became of it.
             * @enum {string}
             */
            outcome: "live" | "deploying" | "healthy" | "reverted" | "failed" | "canceled" | "";
            /** Format: int64 */
            release: number;
            /** Format: int64 */
            rollback_to?: number;
            runtime?: string;
            spec: components["schemas"]["Spec"];
            spec_digest: string;
            team: string;
        };
        KeyChange: {
            /** @description True for the key that first makes the instances move to the other slot. */
            forces?: boolean;
            /** @description Such as process.web.env.GREETING, or artifact. */
            key: string;
            /** @description Its value afterwards; null if it is not set any more. */
            new: string | null;
            /** @description Its value before; null if it was not set. */
            old: string | null;
        };
        Launch: {
            app: string;
            build: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            /** Format: date-time */
            ended_at?: string;
            reason?: string;
            /** Format: int64 */
            release?: number;
            status: string;
            team: string;
            template: string;
        };
        Lease: {
            /** Format: date-time */
            ends?: string;
            of: string;
            reason?: string;
            renewable: boolean;
            warn?: string;
        };
        Link: {
            id: string;
            kind: string;
            /** Format: date-time */
            since: string | null;
            text: string;
        };
        LogLine: {
            instance?: string;
            /** Format: int64 */
            lost?: number;
            name: string;
            process?: string;
            /** Format: int64 */
            release?: number;
            source: string;
            stream?: string;
            text: string;
            /** Format: date-time */
            time: string;
            time_from: string;
        };
        Login: {
            password: string;
            /** @description Name of a local user. */
            user: string;
        };
        LoginMethods: {
            /** @description OIDC providers, by name. */
            providers: components["schemas"]["LoginProvider"][];
        };
        LoginProvider: {
            name: string;
            /** @description Where a browser begins; ?then=/PATH is where it ends. */
            path: string;
        };
        Logs: {
            /** Format: int64 */
            max_files: number;
            /** Format: int64 */
            max_size: number;
        };
        Member: {
            /** @description True for an admin of the platform, who may do everything in every team. */
            admin?: boolean;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            disabled?: boolean;
            full_name?: string;
            /** @enum {string} */
            kind: "person" | "bot";
            /** @enum {string} */
            role: "viewer" | "developer" | "maintainer";
            /**
             * Format: date-time
             * @description Last sign-in.
             */
            seen_at?: string;
            /** @description given, or PROVIDER:GROUP where a group of an OIDC provider made them a member. */
            source: string;
            team: string;
            user: string;
        };
        Members: {
            items: components["schemas"]["Member"][];
            next: string;
        };
        Metric: {
            buckets: components["schemas"]["Bucket"][];
            live: boolean;
            process: string;
            /** Format: int64 */
            release: number;
            role: string;
            slot: string;
            windows: components["schemas"]["Window"][];
        };
        Metrics: {
            app: string;
            /** Format: date-time */
            at: string;
            items: components["schemas"]["Metric"][];
            team: string;
        };
        Milestone: {
            /** Format: date-time */
            at?: string;
            by?: string;
            kind: string;
            /** Format: int64 */
            share?: number;
            state: string;
            text: string;
            /** Format: int64 */
            took_ms?: number;
        };
        NodeRoom: {
            address: string;
            cpu_mhz: components["schemas"]["Extent"];
            datacenter: string;
            drain?: components["schemas"]["Drain"];
            draining: boolean;
            eligible: boolean;
            id: string;
            /** Format: int64 */
            instances: number;
            memory_mb: components["schemas"]["Extent"];
            name: string;
            pool: string;
            room_known: boolean;
            /** Format: date-time */
            since: string;
            status: string;
            tenants: components["schemas"]["Tenant"][];
        };
        NodeView: {
            address: string;
            datacenter: string;
            drain?: components["schemas"]["Drain"];
            draining: boolean;
            eligible: boolean;
            id: string;
            /** Format: int64 */
            instances: number;
            name: string;
            pool: string;
            /** Format: date-time */
            since: string;
            status: string;
        };
        Nodes: {
            items: components["schemas"]["NodeView"][];
        };
        NomadAgent: {
            address: string;
            client: boolean;
            consul?: string;
            down?: boolean;
            exec?: boolean;
            /** Format: int64 */
            max_port?: number;
            /** Format: int64 */
            min_port?: number;
            name: string;
            node?: string;
            reason?: string;
            server: boolean;
            settings?: components["schemas"]["AgentSettings"];
            tls: boolean;
            version: string;
        };
        NomadPiece: {
            /** @description In the words of Nomad's API. */
            json: unknown;
            /** @description Such as process.web.nomad.group. */
            key: string;
        };
        Origin: {
            commit?: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            dirty?: boolean;
            note?: string;
            /** Format: int64 */
            rollback_to?: number;
        };
        Part: {
            ref?: components["schemas"]["Ref"];
            text?: string;
        };
        Pause: {
            /** @description Shown in status and events. */
            reason?: string;
        };
        Placement: {
            affinities?: components["schemas"]["Affinity"][];
            constraints?: components["schemas"]["Constraint"][];
            datacenters?: string[];
            distinct_hosts?: boolean;
            pool?: string;
            spreads?: components["schemas"]["Spread"][];
        };
        PlacementBlock: {
            /** @description The new instances that were asked for at once, by process. */
            counts: {
                [key: string]: number;
            };
            /** @description Why, in one sentence. */
            reason: string;
            /** @description What the walk would do about it. */
            then: string;
            /** @description True if all of the new slot was asked for beside all of the old: fewer may do, as old ones leave on the way. */
            whole: boolean;
        };
        PlacementPlan: {
            /** @description What stands in the way. */
            blockers: components["schemas"]["PlacementBlock"][];
            /** @description False if Nomad was not asked: nothing is to be placed, or it did not answer. */
            checked: boolean;
            /** @description True if every new instance finds a node now, beside all that stands. */
            possible: boolean;
        };
        Plan: {
            app: string;
            /** @description What must not move until the plan is applied. */
            base: components["schemas"]["PlanBase"];
            capacity: components["schemas"]["CapacityPlan"];
            /** @description Every key that differs; the one that forces a walk first. */
            changes: components["schemas"]["KeyChange"][];
            /**
             * Format: int64
             * @description The version of the app's configuration that the release has; left out while there is none.
             */
            config_version?: number;
            /** @description Crons that come, change or go. */
            crons: components["schemas"]["CronPlan"][];
            /** @description The deployment under way that the push would wait for. */
            deployment?: components["schemas"]["PlannedDeploy"];
            /**
             * Format: int64
             * @description The release that serves now; left out before the first.
             */
            from_release?: number;
            /** @description The slot that serves now. */
            from_slot?: string;
            /** @description What the spec merges into the Nomad job past Crumpet's own keys. */
            nomad: components["schemas"]["NomadPiece"][];
            /** @description True if a push would change nothing. */
            nothing: boolean;
            placement: components["schemas"]["PlacementPlan"];
            /** @description What becomes of the instances, by process. */
            processes: components["schemas"]["ProcessPlan"][];
            /** @description How the team would stand against its quota; left out where it has none. */
            quota?: components["schemas"]["QuotaLine"][];
            /**
             * Format: int64
             * @description The number the release would get; the one that serves if nothing is to do.
             */
            release: number;
            routes: components["schemas"]["RoutePlans"];
            /** @description The services that the spec declares, and those that it declares no more. */
            services?: components["schemas"]["PlannedService"][];
            /** @description The instances of both slots at each step; empty if nothing is to do. */
            steps: components["schemas"]["Step"][];
            /** @description How a walk goes: rolling, canary, blue-green or stop-first. */
            strategy: string;
            /** @description Tasks that run before or after the walk. */
            tasks: components["schemas"]["TaskPlan"][];
            team: string;
            /** @description The slot that serves afterwards. */
            to_slot?: string;
            /** @description What the push would have to wait for, a sentence. The plan is of the time after it. */
            waits?: string;
            /** @description True if instances move to the other slot, false if the slot that serves is changed in place. */
            walk: boolean;
            /** @description What a reader should know, such as a difference between this plan and Nomad's own. */
            warnings: string[];
            /** @description What forces it and what it comes to, in one line. */
            why: string;
        };
        PlanBase: {
            /**
             * Format: int64
             * @description Counts the changes of what is wanted of the app; 0 for an app that is not there yet.
             */
            app_version: number;
            artifact: string;
            /**
             * Format: int64
             * @description Of the app's configuration.
             */
            config_version?: number;
            /** @description Of the Nomad jobs of both slots; 0 for one that is not there. */
            job_modify_indexes: {
                [key: string]: number;
            };
            /** Format: int64 */
            live_release: number;
            /**
             * Format: int64
             * @description Of the app's rule in Consul's KV; 0 for none.
             */
            rule_index: number;
            runtime?: string;
            /** @description SHA-256 of the resolved spec of the release to come. */
            spec_digest: string;
        };
        PlannedDeploy: {
            id: string;
            /** Format: int64 */
            release: number;
            status: string;
        };
        PlannedService: {
            /** @enum {string} */
            change: "bound" | "bound-again" | "kept" | "unbound";
            /**
             * Format: int64
             * @description Of the credentials that there are.
             */
            generation?: number;
            instance: string;
            name: string;
            offering?: string;
            plan?: string;
            /** @description Why there are none yet. */
            reason?: string;
            /** @description How other credentials would reach the programs. */
            rotation?: string;
        };
        Platform: {
            /** Format: date-time */
            at: string;
            backends: components["schemas"]["BackendView"][];
            nodes: components["schemas"]["NodeRoom"][];
            routers: components["schemas"]["Router"][];
            servers: components["schemas"]["Server"][];
            version: string;
        };
        PlatformFinding: {
            found: string;
            hint?: string;
            next: string;
            severity: string;
            subject: string;
            thing: string;
            why: string;
        };
        Port: {
            name: string;
            protocol?: string;
        };
        Probe: {
            command?: string[];
            /** Format: int64 */
            failures?: number;
            /** Format: int64 */
            interval: number;
            path?: string;
            port?: string;
            service?: string;
            /** Format: int64 */
            timeout: number;
            type: string;
        };
        Probes: {
            liveness?: components["schemas"]["Probe"];
            readiness?: components["schemas"]["Probe"];
            startup?: components["schemas"]["Probe"];
        };
        Problem: {
            code: string;
            detail: string;
            errors?: components["schemas"]["Fault"][];
            request_id: string;
            /** Format: int64 */
            status: number;
            title: string;
        };
        Process: {
            /** Format: int64 */
            healthy: number;
            name: string;
            /** Format: int64 */
            running: number;
            /** Format: int64 */
            wanted: number;
        };
        ProcessPlan: {
            /**
             * Format: int64
             * @description Instances that stand afterwards.
             */
            after: number;
            /**
             * Format: int64
             * @description Instances that stand now.
             */
            before: number;
            /**
             * Format: int64
             * @description New, for none that goes.
             */
            created: number;
            /**
             * Format: int64
             * @description Goes, and none comes for it.
             */
            destroyed: number;
            /**
             * Format: int64
             * @description The same allocation; its job gets other counts or tags in the slot that serves. Nothing restarts.
             */
            in_place: number;
            name: string;
            /**
             * Format: int64
             * @description Leaves its slot, a new one comes in the other.
             */
            replaced: number;
            /**
             * Format: int64
             * @description The same allocation, untouched.
             */
            stay: number;
        };
        Provider: {
            /** @description Why there is nothing at all. */
            absent?: string;
            /**
             * Format: date-time
             * @description When its catalog was last read whole.
             */
            catalog_at?: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            /** @description The password that was given is still the one. */
            keep_password?: boolean;
            kind: string;
            name: string;
            /** @description By name, as last read. */
            offerings: string[];
            /** @description Why its catalog could not be read when it was last tried. */
            reason?: string;
            url: string;
            username?: string;
        };
        Providers: {
            items: components["schemas"]["Provider"][];
        };
        Quorum: {
            alone: boolean;
            leader: string;
            members?: components["schemas"]["QuorumServer"][];
            program: string;
            seal?: string;
            servers: components["schemas"]["QuorumServer"][];
            version: string;
        };
        QuorumServer: {
            address: string;
            healthy: boolean;
            leader: boolean;
            name: string;
            reason?: string;
            sealed: boolean;
            version: string;
            voter: boolean;
        };
        QuotaChange: {
            /** Format: int64 */
            apps?: number;
            /**
             * Format: int64
             * @description MHz of all instances wanted.
             */
            cpu?: number;
            /** Format: int64 */
            instances?: number;
            /**
             * Format: int64
             * @description MB of all instances wanted.
             */
            memory?: number;
            /** Format: int64 */
            routes?: number;
            /**
             * Format: int64
             * @description MB of volumes.
             */
            storage?: number;
        };
        QuotaLine: {
            /**
             * Format: int64
             * @description What it would want afterwards.
             */
            after: number;
            /**
             * Format: int64
             * @description What the team wants now.
             */
            before: number;
            /**
             * Format: int64
             * @description 0 for no bound.
             */
            limit: number;
            /** @description MB, MHz, or left out for a count. */
            unit?: string;
            /** @enum {string} */
            what: "memory" | "cpu" | "apps" | "instances" | "routes" | "storage";
        };
        Rate: {
            app: string;
            /** Format: double */
            errors: number;
            /** Format: double */
            rate: number;
        };
        Rates: {
            items: components["schemas"]["Rate"][];
        };
        Ready: {
            backends: {
                [key: string]: string;
            };
            ready: boolean;
            role: string;
        };
        RedeemCLI: {
            code: string;
            /** @description Of the token, such as "cli HOSTNAME". */
            name: string;
            /** @description What the challenge was made of. */
            verifier: string;
        };
        RedeemedCLI: {
            /** Format: date-time */
            expires_at: string;
            /** @description To revoke it by. */
            id: string;
            token: string;
            user: string;
        };
        Ref: {
            kind: string;
            name?: string;
        };
        Release: {
            app: string;
            artifact: string;
            commit?: string;
            /** Format: int64 */
            config_version: number;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            dirty?: boolean;
            note?: string;
            /** Format: int64 */
            release: number;
            /** Format: int64 */
            rollback_to?: number;
            runtime?: string;
            spec: components["schemas"]["Spec"];
            spec_digest: string;
            team: string;
        };
        ReleaseSpec: {
            /** @description The environment block that was merged in. */
            environment?: string;
            filename: string;
            reason?: string;
            /** Format: int64 */
            release: number;
            /** @description False where the text was not kept; Reason says why. */
            stored: boolean;
            /** @description HCL. Values of variables were given beside it, and are not kept. */
            text: string;
        };
        Releases: {
            items: components["schemas"]["KeptRelease"][];
            /** @description The value of before for the page that follows; empty on the last. */
            next: string;
        };
        Repair: {
            /** @description What to heal; anything that is no longer so is left alone. */
            items: components["schemas"]["Faulty"][];
        };
        Reschedule: {
            /** Format: int64 */
            delay: number;
            /** Format: int64 */
            max_delay: number;
        };
        Restart: {
            /** Format: int64 */
            attempts: number;
            /** Format: int64 */
            delay: number;
        };
        RevealConfig: {
            /** @description Keys to show; all unless said. */
            names?: string[];
            /**
             * Format: int64
             * @description The newest unless said.
             */
            version?: number;
        };
        RevealedConfig: {
            items: components["schemas"]["RevealedValue"][];
            /** Format: int64 */
            version: number;
        };
        RevealedValue: {
            name: string;
            secret: boolean;
            value: string;
        };
        Rollback: {
            /** @description Of a plan: refuse with conflict if any of it moved since. */
            base?: components["schemas"]["PlanBase"];
            /** @description What is to be remembered of the new release. */
            note?: string;
            /**
             * Format: int64
             * @description The release to restore; the last healthy one before the one that serves unless said.
             */
            release?: number;
            /** @description Abort a deployment that is under way. */
            supersede?: boolean;
            /** @description Queue behind a deployment that is under way. */
            wait?: boolean;
        };
        RotateService: {
            /** @description Of this app only. */
            app?: string;
            /** @description This binding only; with app. */
            binding?: string;
        };
        Route: {
            host: string;
            path: string;
            state: string;
            url: string;
        };
        RoutePlan: {
            /** Format: int64 */
            instances: number;
            /** @description HOST/PATH. */
            route: string;
            /** @description The Consul service that answers. */
            service: string;
            /**
             * Format: double
             * @description Percent of the route's requests.
             */
            share: number;
            slot: string;
        };
        RoutePlans: {
            after: components["schemas"]["RoutePlan"][];
            before: components["schemas"]["RoutePlan"][];
            /** @description The table at each step, for walks that hold shares of traffic. */
            steps?: components["schemas"]["RoutePlan"][][];
        };
        Router: {
            address: string;
            /** Format: int64 */
            apps: number;
            ok: boolean;
            /** Format: date-time */
            read_at?: string;
            reason?: string;
            /** Format: int64 */
            routes: number;
        };
        Run: {
            app: string;
            args?: string[];
            /** Format: int64 */
            attempts: number;
            by?: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            ended_at?: string;
            /** Format: int64 */
            exit_code: number;
            id: string;
            instance?: string;
            kind: string;
            node?: string;
            reason?: string;
            /** Format: int64 */
            release: number;
            /** Format: date-time */
            started_at?: string;
            status: string;
            task: string;
            team: string;
        };
        Runs: {
            items: components["schemas"]["Run"][];
            next: string;
        };
        Scale: {
            /** @description Wanted instances by process; those left out keep theirs. */
            counts: {
                [key: string]: number;
            };
        };
        SecretFile: {
            mode: string;
            name: string;
            path: string;
        };
        Self: {
            /** @description Of the platform: may do everything in every team. */
            admin: boolean;
            email?: string;
            full_name?: string;
            /**
             * @description An operator's token belongs to no user, and may do everything.
             * @enum {string}
             */
            kind: "person" | "bot" | "operator";
            /** @description The OIDC provider the person comes from; none for who has a password here. */
            provider?: string;
            /** @description What the caller is, by team. An admin is so in every team, and has none of these for it. */
            roles: {
                [key: string]: string;
            };
            /** @description Id of the session the call came with. */
            session?: string;
            /** @description The token the call came with. What it is narrowed to counts besides the roles. */
            token?: components["schemas"]["Token"];
            /** @description Of an operator's token: the token's name. */
            user: string;
        };
        Server: {
            address: string;
            /** Format: int64 */
            epoch?: number;
            id: string;
            /** Format: date-time */
            leads_since?: string;
            name: string;
            /** Format: date-time */
            seen_at: string;
            /** Format: date-time */
            started_at: string;
            state: string;
            store: string;
            version: string;
        };
        Servers: {
            items: components["schemas"]["Server"][];
            next: string;
        };
        Service: {
            /** @description Of apps. */
            bindings: components["schemas"]["Binding"][];
            /** Format: date-time */
            created_at: string;
            created_by: string;
            dashboard?: string;
            drain?: boolean;
            facts?: {
                [key: string]: string;
            };
            for_app?: string;
            id: string;
            /** @description Of nobody's app. */
            keys: components["schemas"]["Binding"][];
            kind: string;
            maintenance?: string;
            name: string;
            /** @description What is stored and not acted on yet, such as a syslog drain. */
            not_acted_on?: string[];
            offering: string;
            offering_id?: string;
            /** @description What is being done with it, oldest first. */
            operations: components["schemas"]["ServiceOperation"][];
            /** Format: int64 */
            params?: number;
            plan?: string;
            plan_id?: string;
            provider: string;
            reason?: string;
            route_service?: boolean;
            state: string;
            tags?: string[];
            team: string;
            unusable?: boolean;
            vanished?: boolean;
        };
        ServiceBindings: {
            items: components["schemas"]["Binding"][];
        };
        ServiceKey: {
            app: string;
            bind: components["schemas"]["Bind"];
            /** Format: int64 */
            carried?: number;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            /** @description By name; left out while the key is not ready. */
            credentials?: {
                [key: string]: string;
            };
            declared: boolean;
            entries: components["schemas"]["Entries"];
            /** Format: int64 */
            generation: number;
            id: string;
            instance: string;
            issued?: components["schemas"]["Issued"][];
            kind: string;
            label: string;
            /** Format: int64 */
            last?: number;
            name: string;
            /** Format: int64 */
            params?: number;
            plan?: string;
            reason?: string;
            retiring?: number[];
            /** Format: date-time */
            rotated_at: string;
            state: string;
            tags?: string[];
            team: string;
            /** Format: int64 */
            tried?: number;
            /** Format: int64 */
            unbound?: number;
        };
        ServiceOffering: {
            /** @description Why it can't be had now; empty while it can. */
            absent?: string;
            description: string;
            kind: string;
            name: string;
            plans: components["schemas"]["ServicePlan"][];
            provider: string;
            /** @description Why its provider could not be read when that was last tried. */
            reason?: string;
            tags: string[];
        };
        ServiceOfferings: {
            items: components["schemas"]["ServiceOffering"][];
        };
        ServiceOperation: {
            app?: string;
            /** Format: int64 */
            attempt: number;
            binding?: string;
            /** Format: date-time */
            created_at: string;
            id: string;
            /**
             * Format: date-time
             * @description When it is tried or asked about next.
             */
            next_at?: string;
            op: string;
            /** @description Why it waits. */
            reason?: string;
            state: string;
        };
        ServicePlan: {
            /** @description JSON schema of the parameters of a binding. */
            bind?: unknown;
            /** @description Its instances have credentials. */
            bindable: boolean;
            /** @description As the provider says it. */
            costs?: unknown;
            /** @description JSON schema of the parameters of a new instance. */
            create?: unknown;
            description: string;
            free: boolean;
            name: string;
            /** @description JSON schema of the parameters of an update. */
            update?: unknown;
            /** @description An instance may leave it for another plan. */
            updateable: boolean;
        };
        ServiceUse: {
            bind: components["schemas"]["Bind"];
            instance: string;
            name: string;
            offering?: string;
            parameters?: unknown;
            plan?: string;
        };
        Services: {
            items: components["schemas"]["Service"][];
        };
        Session: {
            /** @description Its User-Agent. */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description True for the session that the call came with. */
            current?: boolean;
            /**
             * Format: date-time
             * @description Whatever happens; without a call it ends earlier.
             */
            expires_at: string;
            /** @description Address of the browser when it signed in. */
            from: string;
            /** @description To end it by. */
            id: string;
            /**
             * Format: date-time
             * @description To the minute.
             */
            seen_at: string;
            user: string;
        };
        Sessions: {
            items: components["schemas"]["Session"][];
            next: string;
        };
        SetMember: {
            /** @enum {string} */
            role: "viewer" | "developer" | "maintainer";
        };
        ShareHost: {
            /** @description False ends it, which is refused while that team has a route there. */
            shared: boolean;
            /** @description The other team. */
            with: string;
        };
        Sidecar: {
            command?: components["schemas"]["Part"][][];
            /** Format: int64 */
            cores?: number;
            /** Format: int64 */
            cpu?: number;
            env?: {
                [key: string]: components["schemas"]["Part"][];
            };
            files?: components["schemas"]["ConfigFile"][];
            kill_signal?: string;
            /** Format: int64 */
            kill_timeout: number;
            logs: components["schemas"]["Logs"];
            /** Format: int64 */
            memory: number;
            /** Format: int64 */
            memory_max?: number;
            name: string;
            nomad_task?: unknown;
            user?: string;
            working_dir?: string;
        };
        SignedIn: {
            /**
             * Format: date-time
             * @description Whatever happens; without a call it ends earlier.
             */
            expires_at: string;
            user: string;
        };
        SignedOut: {
            /**
             * @description Nothing is ended of an operator's token: those are revoked by name.
             * @enum {string}
             */
            ended: "session" | "token" | "nothing";
        };
        Silent: {
            name: string;
            reason: string;
            /** Format: date-time */
            since: string;
        };
        Spec: {
            app: string;
            build: components["schemas"]["Build"];
            crons?: components["schemas"]["SpecCron"][];
            deploy: components["schemas"]["Deploy"];
            env?: {
                [key: string]: components["schemas"]["Part"][];
            };
            environment?: string;
            placement: components["schemas"]["Placement"];
            processes: components["schemas"]["SpecProcess"][];
            secrets?: components["schemas"]["SecretFile"][];
            services?: components["schemas"]["ServiceUse"][];
            tasks?: components["schemas"]["Task"][];
        };
        SpecCron: {
            /** Format: int64 */
            attempts: number;
            command?: components["schemas"]["Part"][][];
            /** Format: int64 */
            cores?: number;
            /** Format: int64 */
            cpu?: number;
            env?: {
                [key: string]: components["schemas"]["Part"][];
            };
            files?: components["schemas"]["ConfigFile"][];
            kill_signal?: string;
            /** Format: int64 */
            kill_timeout: number;
            logs: components["schemas"]["Logs"];
            /** Format: int64 */
            memory: number;
            /** Format: int64 */
            memory_max?: number;
            name: string;
            nomad_task?: unknown;
            overlap: boolean;
            schedule: string;
            time_zone: string;
            /** Format: int64 */
            timeout: number;
            user?: string;
            working_dir?: string;
        };
        SpecProcess: {
            command?: components["schemas"]["Part"][][];
            /** Format: int64 */
            cores?: number;
            /** Format: int64 */
            cpu?: number;
            /** Format: int64 */
            disk?: number;
            env?: {
                [key: string]: components["schemas"]["Part"][];
            };
            files?: components["schemas"]["ConfigFile"][];
            health: components["schemas"]["Probes"];
            /** Format: int64 */
            instances: number;
            kill_signal?: string;
            /** Format: int64 */
            kill_timeout: number;
            logs: components["schemas"]["Logs"];
            /** Format: int64 */
            memory: number;
            /** Format: int64 */
            memory_max?: number;
            /** Format: int64 */
            min_healthy: number;
            name: string;
            nomad_group?: unknown;
            nomad_task?: unknown;
            placement: components["schemas"]["Placement"];
            ports?: components["schemas"]["Port"][];
            reschedule: components["schemas"]["Reschedule"];
            restart: components["schemas"]["Restart"];
            routes?: components["schemas"]["SpecRoute"][];
            /** Format: int64 */
            shutdown_delay: number;
            sidecars?: components["schemas"]["Sidecar"][];
            /** Format: int64 */
            startup: number;
            strategy: string;
            user?: string;
            volumes?: components["schemas"]["Volume"][];
            working_dir?: string;
        };
        SpecRoute: {
            host: string;
            path: string;
            port: string;
        };
        Spread: {
            attribute: string;
            targets?: components["schemas"]["Target"][];
            /** Format: int64 */
            weight: number;
        };
        Status: {
            app: string;
            bindings: components["schemas"]["Binding"][];
            deployment: components["schemas"]["Deployment"] | null;
            health: string;
            instances: components["schemas"]["Instance"][];
            origin?: components["schemas"]["Origin"];
            processes: components["schemas"]["Process"][];
            reason: string;
            /** Format: int64 */
            release: number;
            routes: components["schemas"]["Route"][];
            slot: string;
            status: string;
            team: string;
        };
        Step: {
            data?: boolean;
            /** Format: int64 */
            hold?: number;
            manual?: boolean;
            new: {
                [key: string]: number;
            };
            old: {
                [key: string]: number;
            };
            /** Format: int64 */
            share?: number;
        };
        Target: {
            /** Format: int64 */
            percent: number;
            value: string;
        };
        Task: {
            /** Format: int64 */
            attempts: number;
            command?: components["schemas"]["Part"][][];
            /** Format: int64 */
            cores?: number;
            /** Format: int64 */
            cpu?: number;
            env?: {
                [key: string]: components["schemas"]["Part"][];
            };
            files?: components["schemas"]["ConfigFile"][];
            kill_signal?: string;
            /** Format: int64 */
            kill_timeout: number;
            logs: components["schemas"]["Logs"];
            /** Format: int64 */
            memory: number;
            /** Format: int64 */
            memory_max?: number;
            name: string;
            nomad_task?: unknown;
            phase: string;
            /** Format: int64 */
            timeout: number;
            user?: string;
            working_dir?: string;
        };
        TaskPlan: {
            name: string;
            phase: string;
        };
        Team: {
            /** Format: date-time */
            created_at: string;
            created_by: string;
            description: string;
            /** @description Each number of the quota with what is wanted of it; in the answer about one team only. */
            lines?: components["schemas"]["QuotaLine"][];
            name: string;
            /** @description What the team may want at the same time; what is left out has no bound. */
            quota: components["schemas"]["TeamQuota"];
            /**
             * @description What the caller is in it.
             * @enum {string}
             */
            role?: "viewer" | "developer" | "maintainer" | "admin";
            /** @description What the team wants now; in the answer about one team only. */
            use?: components["schemas"]["Demand"];
        };
        TeamQuota: {
            /** Format: int64 */
            apps?: number;
            /** Format: int64 */
            cpu?: number;
            /** Format: int64 */
            instances?: number;
            /** Format: int64 */
            memory?: number;
            /** Format: int64 */
            routes?: number;
            /** Format: int64 */
            storage?: number;
        };
        Teams: {
            items: components["schemas"]["Team"][];
            next: string;
        };
        Template: {
            /** @description Commands that do the same for an app called NAME, in their order. */
            commands: string[];
            description: string;
            name: string;
            /** @description Offerings of services that it makes an instance of, such as postgres; empty where it needs none. */
            needs: string[];
            title: string;
        };
        Templates: {
            items: components["schemas"]["Template"][];
            next: string;
        };
        Tenant: {
            app: string;
            /** Format: int64 */
            cpu_mhz: number;
            health: string;
            /** Format: int64 */
            index: number;
            instance: string;
            /** Format: int64 */
            memory_mb: number;
            process: string;
            /** Format: int64 */
            release: number;
            slot: string;
            state: string;
            team: string;
        };
        TerminalSize: {
            /** Format: int64 */
            columns: number;
            /** Format: int64 */
            rows: number;
        };
        Timeline: {
            app: string;
            /** Format: date-time */
            at: string;
            deployment: string;
            items: components["schemas"]["Milestone"][];
            next: string;
            /** Format: int64 */
            release: number;
            status: string;
            team: string;
        };
        Token: {
            /** @description The only apps it is for, as TEAM/APP; empty for all. */
            apps: string[];
            /** Format: date-time */
            created_at: string;
            created_by?: string;
            /** @description True for the token that the call came with. */
            current?: boolean;
            /**
             * Format: date-time
             * @description None for an operator's token that lasts for ever.
             */
            expires_at?: string;
            /** @description To revoke it by. */
            id: string;
            /**
             * Format: date-time
             * @description To the minute.
             */
            last_used_at?: string;
            /** @description Address it was last used from. */
            last_used_by?: string;
            /** @description What it is for. */
            name: string;
            /** @description The person or bot that it acts for; none for an operator's token. */
            owner?: string;
            /** Format: date-time */
            revoked_at?: string;
            /** @enum {string} */
            status: "active" | "expired" | "revoked";
            /** @description The only teams it is for; empty for all of its owner's. */
            teams: string[];
            /** @description All that it may do; empty for all that its owner may. */
            verbs: string[];
        };
        Tokens: {
            items: components["schemas"]["Token"][];
            next: string;
        };
        UnboundService: {
            /** @description There was none, or it had been ended before. */
            already: boolean;
            /** @description Those that end. */
            bindings: components["schemas"]["Binding"][];
        };
        UpdateService: {
            /** @description Of a user-provided instance: a JSON object. */
            credentials?: unknown;
            /** @description A JSON object: only what is to change. */
            parameters?: unknown;
            plan?: string;
            /** @description Of a user-provided instance. Stored, and not acted on yet. */
            route_service_url?: string;
            /** @description Of a user-provided instance. Stored, and not acted on yet. */
            syslog_drain_url?: string;
            /** @description To the version of the plan that the catalog names. */
            upgrade?: boolean;
        };
        UpdateTeam: {
            description?: string;
            /** @description 0 takes a bound away. */
            quota?: components["schemas"]["QuotaChange"];
        };
        UpdateUser: {
            admin?: boolean;
            /** @description A disabled user is signed out, and none of its tokens is taken. */
            disabled?: boolean;
            email?: string;
            full_name?: string;
            /** @description Another password; the user is signed out everywhere. */
            password?: string;
            /** @description Look at passwords again, after too many failures. */
            unlock?: boolean;
        };
        Uploaded: {
            /** Format: int64 */
            blobs: number;
        };
        Usage: {
            app: string;
            /** Format: date-time */
            at: string;
            items: components["schemas"]["InstanceUsage"][];
            next: string;
            team: string;
        };
        User: {
            admin: boolean;
            /** Format: date-time */
            created_at: string;
            created_by?: string;
            disabled: boolean;
            email?: string;
            full_name?: string;
            /** @enum {string} */
            kind: "person" | "bot";
            /**
             * Format: date-time
             * @description No password is looked at before, after too many failures.
             */
            locked_until?: string;
            name: string;
            /** @description True for who can sign in with a password. */
            password: boolean;
            /** @description The OIDC provider the person comes from. */
            provider?: string;
            /** @description What the user is, by team. */
            roles: {
                [key: string]: string;
            };
            /**
             * Format: date-time
             * @description Last sign-in.
             */
            seen_at?: string;
        };
        Users: {
            items: components["schemas"]["User"][];
            next: string;
        };
        VarFile: {
            name: string;
            text: string;
        };
        Variable: {
            name: string;
            /** @description Where it was given, for diagnostics: --var, or an environment variable's name. */
            origin?: string;
            value: string;
        };
        Volume: {
            mount: string;
            name: string;
            /** Format: int64 */
            size: number;
        };
        Why: {
            app: string;
            cause: string;
            chain: components["schemas"]["Link"][];
            /** Format: date-time */
            next_try: string | null;
            serving: boolean;
            summary: string;
            team: string;
            try: string[];
        };
        Window: {
            /** Format: double */
            error_share: number;
            /** Format: int64 */
            errors: number;
            /** Format: double */
            mean_ms: number;
            partial: boolean;
            /** Format: double */
            per_second: number;
            /** Format: int64 */
            requests: number;
            window: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prometheus text format */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openAPI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    apps: {
        parameters: {
            query?: {
                /** @description The team; * for all. */
                team?: string;
                /** @description The next of the page before. */
                after?: string;
                /** @description Apps on a page. */
                limit?: number;
                /** @description A part of the name: only apps that have it. */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Apps"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createFromTemplate: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateFromTemplate"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Launch"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    app: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["App"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    destroy: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["App"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createBuild: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateBuild"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BuildJob"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    config: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Config"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeConfig: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeConfig"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedConfig"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedConfig"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revealConfig: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RevealConfig"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevealedConfig"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    configVersions: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigVersions"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    crons: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Crons"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deployments: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployments"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deployment: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    abort: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pause: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Pause"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    promote: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resume: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    timeline: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The deployment. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Timeline"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    diff: {
        parameters: {
            query: {
                /** @description The team. */
                team?: string;
                /** @description The release to compare with. */
                from: number;
                /** @description The release to compare; the one that serves unless said. */
                to?: number;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Diff"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    exec: {
        parameters: {
            query?: {
                /** @description The team; default unless said. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connection is a WebSocket from now on. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restartInstance: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description The process of the instance, where a number is of several. */
                process?: string;
                /** @description Also the only one that serves, though requests fail meanwhile. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description Number, id or the beginning of the id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instance"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    launch: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Launch"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logs: {
        parameters: {
            query?: {
                /** @description The team; default unless said. */
                team?: string;
                /** @description One process only, with its sidecars; or one task or cron. */
                process?: string;
                /** @description One instance only: its number, its id, or the beginning of that. */
                instance?: string;
                /** @description One release only. */
                release?: number;
                /** @description Some sources only, with commas: app, build, platform. */
                source?: string;
                /** @description Only lines from then on: a time in RFC 3339, or how long ago, as 10m. */
                since?: string;
                /** @description Only lines until then, as since has it; not with follow. With lines: the last so many before it. */
                until?: string;
                /** @description Only lines from a minute before that moment to a minute after it. */
                around?: string;
                /** @description Only lines that this regular expression (RE2) matches. */
                grep?: string;
                /** @description How many of the last lines to begin with, all together; 100 unless said, with since 10000. */
                lines?: number;
                /** @description Go on with what is written from now on. */
                follow?: boolean;
                /** @description Leave out of a line what is as in the line before it, in the same event. Where that is all but the text, the line of data may be a = and the text as it is, without JSON. */
                terse?: boolean;
                /** @description The id of an event: what comes after it. Lines and since mean nothing then. */
                after?: string;
            };
            header?: {
                /** @description As after; counts more. */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of LogLine */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    appMetrics: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Metrics"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    plan: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateRelease"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    releases: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description How many at most. */
                limit?: number;
                /** @description Only releases below this number; 0 for the newest. */
                before?: number;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Releases"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createRelease: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateRelease"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    release: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description Counts from 1 within the app. */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeptRelease"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    releaseSpec: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description Counts from 1 within the app. */
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReleaseSpec"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restart: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rollback: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Rollback"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    planRollback: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Rollback"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runs: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Runs"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createRun: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateRun"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    run: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The run, or the beginning of its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stopRun: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The run, or the beginning of its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    scale: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Scale"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    start: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployed"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    status: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stop: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["App"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    usage: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteVolume: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
                /** @description The volume's name, such as shop--web--data[0]. */
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostVolume"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    why: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Why"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    artifact: {
        parameters: {
            query: {
                /** @description The server's signature of the digest. */
                sig: string;
            };
            header?: never;
            path: {
                /** @description SHA-256 of the artifact. */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A tar.gz; ranges are served */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": string;
                };
            };
            /** @description A part of it */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": string;
                };
            };
            /** @description Not changed: it never does */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    artifactHead: {
        parameters: {
            query: {
                /** @description The server's signature of the digest. */
                sig: string;
            };
            header?: never;
            path: {
                /** @description SHA-256 of the artifact. */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A tar.gz; ranges are served */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": string;
                };
            };
            /** @description A part of it */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": string;
                };
            };
            /** @description Not changed: it never does */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit: {
        parameters: {
            query?: {
                /** @description The team; * for all that the caller may see, and for admins what is of no team. */
                team?: string;
                /** @description One app only. */
                app?: string;
                /** @description One user only, or one operator's token by its name. */
                by?: string;
                /** @description One operation only, such as createRelease. */
                action?: string;
                /** @description Only what was denied: for want of credentials, rights, or patience. */
                denied?: boolean;
                /** @description Only what was done from then on. */
                since?: string;
                /** @description Only what was done before then. */
                until?: string;
                /** @description Only lines with a higher id. */
                after?: number;
                /** @description The last so many, instead of a page from the first on. */
                last?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Audit"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followAudit: {
        parameters: {
            query?: {
                /** @description The team; default unless said, * for all that the caller may see. */
                team?: string;
                /** @description One app only. */
                app?: string;
                /** @description One user only, or one operator's token by its name. */
                by?: string;
                /** @description One operation only, such as createRelease. */
                action?: string;
                /** @description Only what was denied. */
                denied?: boolean;
                /** @description Only lines with a higher id. */
                after?: number;
            };
            header?: {
                /** @description As after; counts more. */
                "Last-Event-ID"?: number;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of Audited */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    upload: {
        parameters: {
            query?: {
                /** @description The team; default unless said. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/gzip": string;
            };
        };
        responses: {
            /** @description Stored */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uploaded"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    missing: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Digests"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Digests"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    build: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The build. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BuildJob"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    drift: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description One app of the team; every app of every team unless said. */
                app?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Drift"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    events: {
        parameters: {
            query?: {
                /** @description The team; default unless said, * for all. */
                team?: string;
                /** @description One app only. */
                app?: string;
                /** @description Kinds of event, with commas between; the first word of one stands for all that begin with it. */
                kind?: string;
                /** @description Also what happens to no app, such as trouble with a backend. */
                platform?: boolean;
                /** @description Also, beside events: changed (a Changed: apps that may read differently now, at most once a second), beat (a Beat, every five seconds) and rates (Rates: those that moved). They have no id. */
                changes?: boolean;
                /** @description Only events with a higher id. */
                after?: number;
            };
            header?: {
                /** @description As after; counts more. */
                "Last-Event-ID"?: number;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of Event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    history: {
        parameters: {
            query?: {
                /** @description The team; * for all. */
                team?: string;
                /** @description One app only. */
                app?: string;
                /** @description Kinds of event, with commas between; the first word of one stands for all that begin with it. */
                kind?: string;
                /** @description Also what happened to no app, such as trouble with a backend. */
                platform?: boolean;
                /** @description Only what happened from then on. */
                since?: string;
                /** @description Only events with a higher id. */
                after?: number;
                /** @description Only events with no higher id: that of the page before. */
                until?: number;
                /** @description The last so many, instead of a page from the first on. */
                last?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Events"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    hosts: {
        parameters: {
            query?: {
                /** @description The team; * for all that the caller is in. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Hosts"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    shareHost: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The host name, such as shop.example.com or *.example.com. */
                host: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ShareHost"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Host"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    releaseHost: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The host name, such as shop.example.com or *.example.com. */
                host: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Host"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    loginMethods: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginMethods"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: {
                /** @description 1: pages of others can't send it. */
                "X-Crumpet-Session"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedIn"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    agreeCLI: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgreeCLI"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgreedCLI"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    redeemCLI: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RedeemCLI"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RedeemedCLI"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    oidcStart: {
        parameters: {
            query?: {
                /** @description Path of our own to end at; / unless said, and for anything else. */
                then?: string;
            };
            header?: never;
            path: {
                /** @description Name of the provider, as GET /v1/login lists it. */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The browser goes to the provider, with a cookie that binds the sign-in to it. */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    oidcDone: {
        parameters: {
            query?: {
                /** @description Of the sign-in; it serves once. */
                state?: string;
                /** @description Of the provider. */
                code?: string;
                /** @description Why the provider let nobody in. */
                error?: string;
            };
            header?: never;
            path: {
                /** @description Name of the provider. */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The browser goes on, with the cookie of a session. A refusal leads it to /login?refused=WORD. */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    nodes: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Nodes"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    node: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The node's name, its id, or the beginning of that. */
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeView"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    drainNode: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The node's name, its id, or the beginning of that. */
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeView"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    undoDrain: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The node's name, its id, or the beginning of that. */
                node: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeView"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    platform: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Platform"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    findings: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Checkup"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    providers: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Providers"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    addProvider: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddProvider"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    provider: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The provider. */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeProvider: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The provider. */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refreshProvider: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The provider. */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    repair: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description One app of the team; every app of every team unless said. */
                app?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Repair"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Drift"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    whoami: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Self"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangePassword"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedPassword"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    servers: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Servers"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    offerings: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceOfferings"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    services: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Services"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateService"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Service"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    service: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Service"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Service"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateService"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Service"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    serviceBindings: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceBindings"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    bindService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BindService"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Binding"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unbindService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description The binding; all that the app has of the instance unless said. */
                name?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
                /** @description The app. */
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnboundService"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    serviceKeys: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceBindings"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createServiceKey: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateServiceKey"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Binding"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    serviceKey: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
                /** @description The key. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteServiceKey: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
                /** @description The key. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnboundService"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotateService: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path: {
                /** @description The service instance. */
                service: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RotateService"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceBindings"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sessions: {
        parameters: {
            query?: {
                /** @description Whose: the caller's own unless said, of anybody for admins. * for all. */
                user?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sessions"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    teams: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Teams"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createTeam: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateTeam"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    showTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateTeam"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    bots: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Members"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createBot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateBot"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteBot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
                /** @description The name of the bot. */
                bot: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    members: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Members"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
                /** @description The name of the person or bot. */
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetMember"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removeMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The team. */
                team: string;
                /** @description The name of the person or bot. */
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    templates: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Templates"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens: {
        parameters: {
            query?: {
                /** @description Whose: the caller's own unless said, those of a bot for who manages its team, of anybody for admins. * for all. */
                owner?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateToken"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token's id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Users"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateUser"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's name. */
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's name. */
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's name. */
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateUser"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    volumes: {
        parameters: {
            query?: {
                /** @description The team. */
                team?: string;
                /** @description One app; all of the team unless said. */
                app?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostVolumes"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
