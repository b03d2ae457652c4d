package api

// routes is the whole API. The id of an operation is the name of the client's method, beginning
// with a small letter.
func (a *API) routes() []route {
	return []route{
		plain("GET", "/openapi.json", "openAPI", "This document", (*API).serveDocument, describeDocument, public),
		typed("GET", "/healthz", "healthz", "Say that the server runs", (*API).healthz, public),
		typed("GET", "/readyz", "readyz", "Say whether every backend answers", (*API).readyz, public, answers(200, 503)),
		plain("GET", "/metrics", "metrics", "Show metrics for Prometheus", (*API).serveMetrics, describeMetrics, public),

		typed("GET", "/v1/tokens/self", "self", "Tell who the caller is", (*API).self),
		typed("GET", "/v1/servers", "servers", "List Crumpet's servers and which one leads", (*API).servers),

		typed("POST", "/v1/blobs/missing", "missing", "Name the blobs the server lacks", (*API).missing),
		plain("POST", "/v1/blobs", "upload", "Upload blobs as one tar.gz", (*API).upload, describeUpload),
		plain("GET", artifactPath, "artifact", "Fetch an artifact", (*API).serveArtifact, describeArtifact, public),
		plain("HEAD", artifactPath, "artifactHead", "Ask for an artifact's size", (*API).serveArtifact, describeArtifact, public),

		typed("POST", "/v1/apps/{app}/builds", "createBuild", "Build an artifact from a source", (*API).createBuild, answers(202)),
		typed("GET", "/v1/builds/{id}", "build", "Show a build", (*API).build),

		typed("GET", "/v1/apps", "apps", "List apps", (*API).apps),
		typed("GET", "/v1/apps/{app}", "app", "Show an app in one line", (*API).app),
		typed("GET", "/v1/apps/{app}/status", "status", "Show an app in full", (*API).status),
		typed("GET", "/v1/apps/{app}/why", "why", "Say why an app does not serve", (*API).why),
		typed("GET", "/v1/apps/{app}/metrics", "appMetrics", "Show how many requests an app answers, and how many badly", (*API).appMetrics),
		typed("DELETE", "/v1/apps/{app}", "destroy", "Destroy an app", (*API).destroy, answers(202)),

		typed("POST", "/v1/apps/{app}/releases", "createRelease", "Release a spec with an artifact", (*API).createRelease, answers(202, 200)),
		typed("GET", "/v1/apps/{app}/releases", "releases", "List releases, newest first", (*API).releases),
		typed("GET", "/v1/apps/{app}/releases/{number}", "release", "Show a release", (*API).release),
		typed("POST", "/v1/apps/{app}/rollback", "rollback", "Restore an earlier release as a new one", (*API).rollback, answers(202, 200)),
		typed("POST", "/v1/apps/{app}/rollback/plan", "planRollback", "Say what a rollback would do", (*API).planRollback),

		typed("GET", "/v1/apps/{app}/config", "config", "Show what an app's configuration holds, without the values", (*API).config),
		typed("PATCH", "/v1/apps/{app}/config", "changeConfig", "Set and unset keys of an app's configuration", (*API).changeConfig, answers(202, 200), bodyUpTo(maxConfigBody)),
		typed("GET", "/v1/apps/{app}/config/versions", "configVersions", "List the versions of an app's configuration, newest first", (*API).configVersions),
		typed("POST", "/v1/apps/{app}/config/reveal", "revealConfig", "Show values of an app's configuration; it is told who asked", (*API).revealConfig),

		typed("POST", "/v1/apps/{app}/plan", "plan", "Say what a release would do", (*API).plan),
		typed("GET", "/v1/apps/{app}/diff", "diff", "Compare two releases", (*API).diff),

		typed("GET", "/v1/apps/{app}/deployments", "deployments", "List deployments, newest first", (*API).deployments),
		typed("GET", "/v1/apps/{app}/deployments/{id}", "deployment", "Show a deployment", (*API).deployment),
		typed("POST", "/v1/apps/{app}/deployments/{id}/pause", "pause", "Have a deployment stay where it is", (*API).pause, answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/resume", "resume", "Let a paused deployment go on", (*API).resume, answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/abort", "abort", "Walk a deployment back", (*API).abort, answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/cancel", "cancel", "Walk a deployment back: the old name of abort", (*API).abort, answers(202)),
		typed("POST", "/v1/apps/{app}/deployments/{id}/promote", "promote", "Let a deployment that is held go on", (*API).promote, answers(202)),

		typed("POST", "/v1/apps/{app}/scale", "scale", "Change how many instances are wanted", (*API).scale, answers(202, 200)),
		typed("POST", "/v1/apps/{app}/restart", "restart", "Replace every instance, without a gap", (*API).restart, answers(202, 200)),
		typed("POST", "/v1/apps/{app}/instances/{instance}/restart", "restartInstance", "Replace one instance", (*API).restartInstance, answers(202)),
		typed("POST", "/v1/apps/{app}/stop", "stop", "Stop every instance", (*API).stop, answers(202)),
		typed("POST", "/v1/apps/{app}/start", "start", "Start a stopped app", (*API).start, answers(202, 200)),

		typed("POST", "/v1/apps/{app}/runs", "createRun", "Run a task or cron once, now", (*API).createRun, answers(202)),
		typed("GET", "/v1/apps/{app}/runs", "runs", "List runs of tasks and crons, newest first", (*API).runs),
		typed("GET", "/v1/apps/{app}/runs/{id}", "run", "Show a run", (*API).run),
		typed("DELETE", "/v1/apps/{app}/runs/{id}", "stopRun", "Stop a run", (*API).stopRun, answers(202)),
		typed("GET", "/v1/apps/{app}/crons", "crons", "List crons and when they fire", (*API).crons),

		typed("GET", "/v1/volumes", "volumes", "List volumes, those of apps that are no more as well", (*API).volumes),
		typed("DELETE", "/v1/apps/{app}/volumes/{volume}", "deleteVolume", "Delete a volume and all that is in it", (*API).deleteVolume),

		typed("GET", "/v1/drift", "drift", "List what on the cluster is not as it is wished", (*API).drift),
		typed("POST", "/v1/repair", "repair", "Heal what was found", (*API).repair, answers(202)),

		plain("GET", "/v1/apps/{app}/logs", "logs", "Read what instances write", (*API).followLogs, describeLogs),
		plain("GET", "/v1/apps/{app}/exec", "exec", "Run a command in an instance", (*API).exec, describeExec),

		typed("GET", "/v1/nodes", "nodes", "List the machines that run instances", (*API).nodes),
		typed("GET", "/v1/nodes/{node}", "node", "Show a node", (*API).node),
		typed("PUT", "/v1/nodes/{node}/drain", "drainNode", "Empty a node without a gap", (*API).drainNode, answers(202)),
		typed("DELETE", "/v1/nodes/{node}/drain", "undoDrain", "Let a node take instances again", (*API).undoDrain),

		typed("GET", "/v1/service-offerings", "offerings", "List what service instances can be made of", (*API).offerings),
		typed("GET", "/v1/services", "services", "List service instances", (*API).services),
		typed("POST", "/v1/services", "createService", "Make a service instance", (*API).createService, answers(202)),
		typed("GET", "/v1/services/{service}", "service", "Show a service instance, and who is bound to it", (*API).service),
		typed("PATCH", "/v1/services/{service}", "updateService", "Change a service instance", (*API).updateService, answers(202)),
		typed("DELETE", "/v1/services/{service}", "deleteService", "Delete a service instance and all that is in it", (*API).deleteService, answers(202)),
		typed("GET", "/v1/services/{service}/bindings", "serviceBindings", "List the bindings of apps", (*API).serviceBindings),
		typed("POST", "/v1/services/{service}/bindings", "bindService", "Give an app credentials of a service instance", (*API).bindService, answers(202)),
		typed("DELETE", "/v1/services/{service}/bindings/{app}", "unbindService", "End an app's credentials of a service instance", (*API).unbindService, answers(202)),
		typed("POST", "/v1/services/{service}/rotate", "rotateService", "Replace the credentials of apps without a gap", (*API).rotateService, answers(202)),
		typed("GET", "/v1/services/{service}/keys", "serviceKeys", "List the keys of a service instance, without what they open it with", (*API).serviceKeys),
		typed("POST", "/v1/services/{service}/keys", "createServiceKey", "Make credentials for a person", (*API).createServiceKey, answers(202)),
		typed("GET", "/v1/services/{service}/keys/{key}", "serviceKey", "Reveal a key; it is noted who did", (*API).serviceKey),
		typed("DELETE", "/v1/services/{service}/keys/{key}", "deleteServiceKey", "End a key", (*API).deleteServiceKey, answers(202)),

		typed("GET", "/v1/providers", "providers", "List database servers and service brokers", (*API).providers),
		typed("POST", "/v1/providers", "addProvider", "Register a database server or a service broker", (*API).addProvider),
		typed("GET", "/v1/providers/{provider}", "provider", "Show a provider", (*API).provider),
		typed("DELETE", "/v1/providers/{provider}", "removeProvider", "Forget a provider that has no instances", (*API).removeProvider),
		typed("POST", "/v1/providers/{provider}/refresh", "refreshProvider", "Read a provider's catalog again", (*API).refreshProvider),

		typed("GET", "/v1/history", "history", "List what happened, oldest first", (*API).history),
		plain("GET", "/v1/events", "events", "Follow what happens", (*API).followEvents, describeEvents),
	}
}
