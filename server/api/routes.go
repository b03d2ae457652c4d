package api

import "github.com/crumpet-paas/crumpet/server/paas"

// routes is the whole API. The id of an operation is the name of the client's method, beginning
// with a small letter. may says what somebody must be allowed to, in the team and about the app that the call
// names, before the call is looked at any further; a row without it is public.
func (a *API) routes() []route {
	return []route{
		plain("GET", "/openapi.json", "openAPI", "This document", (*API).serveDocument, describeDocument, public),
		typed("GET", "/healthz", "healthz", "Say that the server runs", (*API).healthz, public),
		typed("GET", "/readyz", "readyz", "Say whether every backend answers", (*API).readyz, public, answers(200, 503)),
		plain("GET", "/metrics", "metrics", "Show metrics for Prometheus", (*API).serveMetrics, describeMetrics, public),

		typed("GET", "/v1/login", "loginMethods", "Tell how one can sign in", (*API).loginMethods, public),
		typed("POST", "/v1/login", "login", "Sign in with a password", (*API).login, public, signsIn),
		plain("GET", "/v1/login/oidc/{provider}", "oidcStart", "Begin to sign in at a provider", (*API).oidcStart, describeOIDCStart, public, signsIn),
		plain("GET", "/v1/login/oidc/{provider}/callback", "oidcDone", "Come back from a provider", (*API).oidcDone, describeOIDCDone, public, signsIn),
		typed("POST", "/v1/login/cli", "agreeCLI", "Let a CLI act as whoever is signed in", (*API).agreeCLI, may(paas.VerbNone)),
		typed("POST", "/v1/login/cli/token", "redeemCLI", "Redeem for a token what somebody has agreed to", (*API).redeemCLI, public, signsIn),
		typed("POST", "/v1/logout", "logout", "End the session, or the personal token, that the call came with", (*API).logout, may(paas.VerbNone)),
		typed("PUT", "/v1/self/password", "changePassword", "Change the caller's password", (*API).changePassword, may(paas.VerbNone)),

		typed("GET", "/v1/self", "whoami", "Tell who the caller is, and in which teams", (*API).whoami, may(paas.VerbNone)),
		typed("GET", "/v1/tokens", "tokens", "List tokens, oldest first", (*API).tokens, may(paas.VerbNone)),
		typed("POST", "/v1/tokens", "createToken", "Make a token; it is shown this once", (*API).createToken, may(paas.VerbNone), answers(201)),
		typed("DELETE", "/v1/tokens/{id}", "revokeToken", "End a token, at once on every server", (*API).revokeToken, may(paas.VerbNone)),
		typed("GET", "/v1/sessions", "sessions", "List sign-ins of browsers, newest first", (*API).sessions, may(paas.VerbNone)),
		typed("DELETE", "/v1/sessions/{id}", "endSession", "Sign a browser out", (*API).endSession, may(paas.VerbNone)),
		typed("GET", "/v1/users", "users", "List users", (*API).users, may(paas.VerbPlatform)),
		typed("POST", "/v1/users", "createUser", "Make a local user", (*API).createUser, may(paas.VerbPlatform), answers(201)),
		typed("GET", "/v1/users/{user}", "user", "Show a user", (*API).user, may(paas.VerbPlatform)),
		typed("PATCH", "/v1/users/{user}", "updateUser", "Change, disable or unlock a user, or give it another password", (*API).updateUser, may(paas.VerbPlatform)),
		typed("DELETE", "/v1/users/{user}", "deleteUser", "Delete a user, with its tokens and memberships", (*API).deleteUser, may(paas.VerbPlatform)),
		typed("GET", "/v1/servers", "servers", "List Crumpet's servers and which one leads", (*API).servers, may(paas.VerbPlatform)),
		typed("GET", "/v1/platform", "platform", "Show how the machinery under all apps is, and what to do about it", (*API).platform, may(paas.VerbPlatform)),
		typed("GET", "/v1/platform/findings", "findings", "Look at the cluster as a doctor does: quorums, versions, expiry, capacity, drift, and settings that hurt", (*API).findings, may(paas.VerbPlatform)),

		typed("POST", "/v1/blobs/missing", "missing", "Name the blobs the server lacks", (*API).missing, may(paas.VerbDeploy), forAnyApp, changesNothing),
		plain("POST", "/v1/blobs", "upload", "Upload blobs as one tar.gz", (*API).upload, describeUpload, may(paas.VerbDeploy), forAnyApp),
		plain("GET", artifactPath, "artifact", "Fetch an artifact", (*API).serveArtifact, describeArtifact, public),
		plain("HEAD", artifactPath, "artifactHead", "Ask for an artifact's size", (*API).serveArtifact, describeArtifact, public),

		typed("POST", "/v1/apps/{app}/builds", "createBuild", "Build an artifact from a source", (*API).createBuild, may(paas.VerbDeploy), answers(202)),
		typed("GET", "/v1/builds/{id}", "build", "Show a build", (*API).build, may(paas.VerbRead), forAnyApp),

		typed("GET", "/v1/apps", "apps", "List apps", (*API).apps, may(paas.VerbRead), narrowed),
		typed("POST", "/v1/apps", "createFromTemplate", "Make a new app of a template", (*API).createFromTemplate, may(paas.VerbDeploy), answers(202)),
		typed("GET", "/v1/templates", "templates", "List the apps to begin with", (*API).templates, may(paas.VerbNone)),
		typed("GET", "/v1/apps/{app}", "app", "Show an app in one line", (*API).app, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/status", "status", "Show an app in full", (*API).status, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/why", "why", "Say why an app does not serve", (*API).why, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/metrics", "appMetrics", "Show how many requests an app answers, and how many badly", (*API).appMetrics, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/usage", "usage", "Show what each instance takes of its node", (*API).usage, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/launch", "launch", "Show how far an app is on its way from a template", (*API).launch, may(paas.VerbRead)),
		typed("DELETE", "/v1/apps/{app}", "destroy", "Destroy an app", (*API).destroy, may(paas.VerbDestroy), answers(202)),

		typed("POST", "/v1/apps/{app}/releases", "createRelease", "Release a spec with an artifact", (*API).createRelease, may(paas.VerbDeploy), answers(202, 200)),
		typed("GET", "/v1/apps/{app}/releases", "releases", "List releases, newest first", (*API).releases, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/releases/{number}", "release", "Show a release", (*API).release, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/releases/{number}/spec", "releaseSpec", "Show the app spec of a release as it was written", (*API).releaseSpec, may(paas.VerbRead)),
		typed("POST", "/v1/apps/{app}/rollback", "rollback", "Restore an earlier release as a new one", (*API).rollback, may(paas.VerbDeploy), answers(202, 200)),
		typed("POST", "/v1/apps/{app}/rollback/plan", "planRollback", "Say what a rollback would do", (*API).planRollback, may(paas.VerbRead), changesNothing),

		typed("GET", "/v1/apps/{app}/config", "config", "Show what an app's configuration holds, without the values", (*API).config, may(paas.VerbRead)),
		typed("PATCH", "/v1/apps/{app}/config", "changeConfig", "Set and unset keys of an app's configuration", (*API).changeConfig, may(paas.VerbConfig), answers(202, 200), bodyUpTo(maxConfigBody)),
		typed("GET", "/v1/apps/{app}/config/versions", "configVersions", "List the versions of an app's configuration, newest first", (*API).configVersions, may(paas.VerbRead)),
		typed("POST", "/v1/apps/{app}/config/reveal", "revealConfig", "Show values of an app's configuration; it is told who asked", (*API).revealConfig, may(paas.VerbReveal)),

		typed("POST", "/v1/apps/{app}/plan", "plan", "Say what a release would do", (*API).plan, may(paas.VerbRead), changesNothing),
		typed("GET", "/v1/apps/{app}/diff", "diff", "Compare two releases", (*API).diff, may(paas.VerbRead)),

		typed("GET", "/v1/apps/{app}/deployments", "deployments", "List deployments, newest first", (*API).deployments, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/deployments/{id}", "deployment", "Show a deployment", (*API).deployment, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/deployments/{id}/timeline", "timeline", "Show a deployment's way from the push to serving, with times", (*API).timeline, may(paas.VerbRead)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/pause", "pause", "Have a deployment stay where it is", (*API).pause, may(paas.VerbDeploy), answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/resume", "resume", "Let a paused deployment go on", (*API).resume, may(paas.VerbDeploy), answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/abort", "abort", "Walk a deployment back", (*API).abort, may(paas.VerbDeploy), answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/cancel", "cancel", "Walk a deployment back: the old name of abort", (*API).abort, may(paas.VerbDeploy), answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/promote", "promote", "Let a deployment that is held go on", (*API).promote, may(paas.VerbDeploy), answers(202)),

		typed("POST", "/v1/apps/{app}/scale", "scale", "Change how many instances are wanted", (*API).scale, may(paas.VerbScale), answers(202, 200)),
		typed("POST", "/v1/apps/{app}/restart", "restart", "Replace every instance, without a gap", (*API).restart, may(paas.VerbScale), answers(202, 200)),
		typed("POST", "/v1/apps/{app}/instances/{instance}/restart", "restartInstance", "Replace one instance", (*API).restartInstance, may(paas.VerbScale), answers(202)),
		typed("POST", "/v1/apps/{app}/stop", "stop", "Stop every instance", (*API).stop, may(paas.VerbScale), answers(202)),
		typed("POST", "/v1/apps/{app}/start", "start", "Start a stopped app", (*API).start, may(paas.VerbScale), answers(202, 200)),

		typed("POST", "/v1/apps/{app}/runs", "createRun", "Run a task or cron once, now", (*API).createRun, may(paas.VerbDeploy), answers(202)),
		typed("GET", "/v1/apps/{app}/runs", "runs", "List runs of tasks and crons, newest first", (*API).runs, may(paas.VerbRead)),
		typed("GET", "/v1/apps/{app}/runs/{id}", "run", "Show a run", (*API).run, may(paas.VerbRead)),
		typed("DELETE", "/v1/apps/{app}/runs/{id}", "stopRun", "Stop a run", (*API).stopRun, may(paas.VerbDeploy), answers(202)),
		typed("GET", "/v1/apps/{app}/crons", "crons", "List crons and when they fire", (*API).crons, may(paas.VerbRead)),

		typed("GET", "/v1/volumes", "volumes", "List volumes, those of apps that are no more as well", (*API).volumes, may(paas.VerbRead), narrowed),
		typed("DELETE", "/v1/apps/{app}/volumes/{volume}", "deleteVolume", "Delete a volume and all that is in it", (*API).deleteVolume, may(paas.VerbDestroy)),

		typed("GET", "/v1/teams", "teams", "List the teams that the caller is in", (*API).teams, may(paas.VerbNone)),
		typed("POST", "/v1/teams", "createTeam", "Make a team", (*API).createTeam, may(paas.VerbPlatform), answers(201)),
		typed("GET", "/v1/teams/{team}", "showTeam", "Show a team, with what it wants of its quota", (*API).showTeam, may(paas.VerbRead)),
		typed("PATCH", "/v1/teams/{team}", "updateTeam", "Change a team's description and quota", (*API).updateTeam, may(paas.VerbPlatform)),
		typed("DELETE", "/v1/teams/{team}", "deleteTeam", "Delete a team that owns nothing", (*API).deleteTeam, may(paas.VerbPlatform)),
		typed("GET", "/v1/teams/{team}/members", "members", "List who is in a team", (*API).members, may(paas.VerbRead)),
		typed("PUT", "/v1/teams/{team}/members/{user}", "setMember", "Give somebody a role in a team", (*API).setMember, may(paas.VerbManage)),
		typed("DELETE", "/v1/teams/{team}/members/{user}", "removeMember", "Take somebody out of a team", (*API).removeMember, may(paas.VerbManage)),
		typed("GET", "/v1/teams/{team}/bots", "bots", "List the bots of a team", (*API).bots, may(paas.VerbRead)),
		typed("POST", "/v1/teams/{team}/bots", "createBot", "Make a bot of a team", (*API).createBot, may(paas.VerbManage), answers(201)),
		typed("DELETE", "/v1/teams/{team}/bots/{bot}", "deleteBot", "Delete a bot of a team, with its tokens", (*API).deleteBot, may(paas.VerbManage)),
		typed("GET", "/v1/hosts", "hosts", "List the hosts of a team, and those shared with it", (*API).hosts, may(paas.VerbRead), narrowed),
		typed("PUT", "/v1/hosts/{host}", "shareHost", "Let another team have routes on a host, or no longer", (*API).shareHost, may(paas.VerbManage)),
		typed("DELETE", "/v1/hosts/{host}", "releaseHost", "Give up a host", (*API).releaseHost, may(paas.VerbManage)),

		typed("GET", "/v1/drift", "drift", "List what on the cluster is not as it is wished", (*API).drift, may(paas.VerbPlatform)),
		typed("POST", "/v1/repair", "repair", "Heal what was found", (*API).repair, may(paas.VerbPlatform), answers(202)),

		plain("GET", "/v1/apps/{app}/logs", "logs", "Read what instances write", (*API).followLogs, describeLogs, may(paas.VerbLogs)),
		plain("GET", "/v1/apps/{app}/exec", "exec", "Run a command in an instance", (*API).exec, describeExec, may(paas.VerbExec)),

		typed("GET", "/v1/nodes", "nodes", "List the machines that run instances", (*API).nodes, may(paas.VerbPlatform)),
		typed("GET", "/v1/nodes/{node}", "node", "Show a node", (*API).node, may(paas.VerbPlatform)),
		typed("PUT", "/v1/nodes/{node}/drain", "drainNode", "Empty a node without a gap", (*API).drainNode, may(paas.VerbPlatform), answers(202)),
		typed("DELETE", "/v1/nodes/{node}/drain", "undoDrain", "Let a node take instances again", (*API).undoDrain, may(paas.VerbPlatform)),

		typed("GET", "/v1/service-offerings", "offerings", "List what service instances can be made of", (*API).offerings, may(paas.VerbRead), narrowed),
		typed("GET", "/v1/services", "services", "List service instances", (*API).services, may(paas.VerbRead), narrowed),
		typed("POST", "/v1/services", "createService", "Make a service instance", (*API).createService, may(paas.VerbService), answers(202)),
		typed("GET", "/v1/services/{service}", "service", "Show a service instance, and who is bound to it", (*API).service, may(paas.VerbRead)),
		typed("PATCH", "/v1/services/{service}", "updateService", "Change a service instance", (*API).updateService, may(paas.VerbService), answers(202)),
		typed("DELETE", "/v1/services/{service}", "deleteService", "Delete a service instance and all that is in it", (*API).deleteService, may(paas.VerbDestroy), answers(202)),
		typed("GET", "/v1/services/{service}/bindings", "serviceBindings", "List the bindings of apps", (*API).serviceBindings, may(paas.VerbRead)),
		typed("POST", "/v1/services/{service}/bindings", "bindService", "Give an app credentials of a service instance", (*API).bindService, may(paas.VerbService), answers(202)),
		typed("DELETE", "/v1/services/{service}/bindings/{app}", "unbindService", "End an app's credentials of a service instance", (*API).unbindService, may(paas.VerbService), answers(202)),
		typed("POST", "/v1/services/{service}/rotate", "rotateService", "Replace the credentials of apps without a gap", (*API).rotateService, may(paas.VerbService), answers(202)),
		typed("GET", "/v1/services/{service}/keys", "serviceKeys", "List the keys of a service instance, without what they open it with", (*API).serviceKeys, may(paas.VerbRead)),
		typed("POST", "/v1/services/{service}/keys", "createServiceKey", "Make credentials for a person", (*API).createServiceKey, may(paas.VerbReveal), answers(202)),
		typed("GET", "/v1/services/{service}/keys/{key}", "serviceKey", "Reveal a key; it is noted who did", (*API).serviceKey, may(paas.VerbReveal)),
		typed("DELETE", "/v1/services/{service}/keys/{key}", "deleteServiceKey", "End a key", (*API).deleteServiceKey, may(paas.VerbService), answers(202)),

		typed("GET", "/v1/providers", "providers", "List database servers and service brokers", (*API).providers, may(paas.VerbRead), narrowed),
		typed("POST", "/v1/providers", "addProvider", "Register a database server or a service broker", (*API).addProvider, may(paas.VerbPlatform)),
		typed("GET", "/v1/providers/{provider}", "provider", "Show a provider", (*API).provider, may(paas.VerbRead), narrowed),
		typed("DELETE", "/v1/providers/{provider}", "removeProvider", "Forget a provider that has no instances", (*API).removeProvider, may(paas.VerbPlatform)),
		typed("POST", "/v1/providers/{provider}/refresh", "refreshProvider", "Read a provider's catalog again", (*API).refreshProvider, may(paas.VerbPlatform)),

		typed("GET", "/v1/history", "history", "List what happened, oldest first", (*API).history, may(paas.VerbRead), narrowed),
		typed("GET", "/v1/audit", "audit", "List who did what, oldest first", (*API).audit, may(paas.VerbAudit), narrowed),
		plain("GET", "/v1/audit/stream", "followAudit", "Follow who does what", (*API).followAudit, describeAudit, may(paas.VerbAudit), narrowed),
		plain("GET", "/v1/events", "events", "Follow what happens", (*API).followEvents, describeEvents, may(paas.VerbRead), narrowed),
	}
}
