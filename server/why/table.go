package why

import (
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Row is one cause.
type Row struct {
	ID       paas.Cause
	Title    string   // what is wrong, for a reader of the table
	Embedded bool     // the embedded stack can produce it
	Real     bool     // Nomad, Consul, Vault and Fabio themselves can
	Absent   string   // why a stack can't; "" where both can
	Try      []string // commands, with {app}, {process}, {node} and {key}

	one, many string // what one instance does, and several do; "" for causes that are not of instances
	find      func(view, Row) (finding, bool)
}

// both and the like say which stacks can produce a cause.
func both(r Row) Row { r.Embedded, r.Real = true, true; return r }

func neither(absent string, r Row) Row { r.Absent = absent; return r }

func embedded(absent string, r Row) Row { r.Embedded, r.Absent = true, absent; return r }

const (
	status  = "crumpet status {app}"
	logs    = "crumpet logs {app} --process {process}"
	events  = "crumpet events {app}"
	push    = "crumpet push"
	scale   = "crumpet scale {app} {process}=1"
	restart = "crumpet restart {app}"
	nodes   = "nomad node status"
)

// Causes is the table, in the order in which one cause hides those below it: what was asked for, the
// programs below, nodes, room on them, what a program needs to start, the program itself, its routes,
// the deployment; then what is only worth telling of an app that serves.
var Causes = []Row{
	both(Row{ID: paas.CauseNeverPushed, Title: "there is no such app: nothing of it was released yet, or it was destroyed", Try: []string{"crumpet apps", push}, find: neverPushed}),
	both(Row{ID: paas.CauseBuildFailed, Title: "the last source could not be built", Try: []string{push}, find: buildFailed}),
	both(Row{ID: paas.CauseHostTaken, Title: "the last push was refused: another app holds one of its routes", Try: []string{"crumpet apps --all-teams", push}, find: hostTaken}),
	both(Row{ID: paas.CauseDestroyed, Title: "the app is being destroyed", Try: []string{status}, find: destroyed}),
	both(Row{ID: paas.CauseStopped, Title: "somebody stopped the app", Try: []string{"crumpet start {app}"}, find: stopped}),
	both(Row{ID: paas.CauseScaledToZero, Title: "every process is scaled to 0", Try: []string{scale}, find: scaledToZero}),

	both(Row{ID: paas.CauseNomadDown, Title: "Nomad does not answer: nothing can be started or replaced", Try: []string{"nomad server members", status}, find: backend(paas.BackendNomad)}),
	both(Row{ID: paas.CauseConsulDown, Title: "Consul does not answer: nobody knows which checks pass", Try: []string{"consul members", status}, find: backend(paas.BackendConsul)}),
	both(Row{ID: paas.CauseRouterDown, Title: "no router answers, or not each of them", Try: []string{"consul catalog services", status}, find: routerDown}),
	both(Row{ID: paas.CauseRouterStuck, Title: "a line that routers can't read freezes the table of each", Try: []string{"crumpet repair", "consul kv get {key}"}, find: routerStuck}),

	both(Row{ID: paas.CauseNoVolume, Title: "the node that has the instance's volume is not there, or has no room", Try: []string{"crumpet volumes list {app}", nodes}, find: volumeAway}),
	both(Row{ID: paas.CauseNodeDown, Title: "the node that instances ran on is down or cut off", Try: []string{"nomad node status {node}", events}, one: "has lost its node", many: "have lost their node"}),
	both(Row{ID: paas.CauseNodeDraining, Title: "the node is being drained", Try: []string{"nomad node status {node}", status}, find: draining}),
	both(Row{ID: paas.CauseNodeIneligible, Title: "the nodes that could run it take nothing new", Try: []string{"nomad node eligibility -enable {node}", status}, find: ineligible}),
	both(Row{ID: paas.CauseNoNode, Title: "no node is ready where the app may run", Try: []string{nodes, status}}),
	both(Row{ID: paas.CauseNoDriver, Title: "no node has the driver that the job asks for", Try: []string{"crumpet render", nodes}}),
	both(Row{ID: paas.CauseConstraint, Title: "no node meets the constraints of the placement", Try: []string{"crumpet validate", nodes}}),
	both(Row{ID: paas.CauseDistinctHosts, Title: "instances want distinct hosts, and there are too few", Try: []string{scale, nodes}}),
	both(Row{ID: paas.CauseNoMemory, Title: "no node has the memory free", Try: []string{scale, nodes}}),
	both(Row{ID: paas.CauseNoCPU, Title: "no node has the cpu or cores free", Try: []string{scale, nodes}}),
	both(Row{ID: paas.CauseNoDisk, Title: "no node has the disk free", Try: []string{push, nodes}}),
	both(Row{ID: paas.CauseNoPort, Title: "no node has a port free", Try: []string{scale, nodes}}),
	neither("Nomad has always given one of the reasons above",
		Row{ID: paas.CauseNoRoom, Title: "no node has a place, for a reason that only Nomad's own words tell", Try: []string{scale, nodes}}),

	both(Row{ID: paas.CauseVaultSealed, Title: "Vault is sealed, and the program needs a secret to start", Try: []string{"vault operator unseal", status}, one: "waits for Vault", many: "wait for Vault"}),
	both(Row{ID: paas.CauseVaultDown, Title: "Vault does not answer, and the program needs a secret to start", Try: []string{"vault status", status}, one: "waits for Vault", many: "wait for Vault"}),
	both(Row{ID: paas.CauseArtifactMissing, Title: "the server has lost the artifact", Try: []string{push + " --force"}, one: "can't fetch its artifact", many: "can't fetch their artifact"}),
	both(Row{ID: paas.CauseArtifactDenied, Title: "the artifact's address is signed with a key that holds no more", Try: []string{restart}, one: "may not fetch its artifact", many: "may not fetch their artifact"}),
	both(Row{ID: paas.CauseArtifactChecksum, Title: "what the server gives is not the artifact that was released", Try: []string{push + " --force"}, one: "got another artifact than was released", many: "got another artifact than was released"}),
	both(Row{ID: paas.CauseArtifactFailed, Title: "the artifact can't be fetched for another reason", Try: []string{status}, one: "can't fetch its artifact", many: "can't fetch their artifact"}),
	both(Row{ID: paas.CauseVaultFailed, Title: "Vault refuses the program its token or a secret", Try: []string{"crumpet render", events}, one: "gets no token from Vault", many: "get no token from Vault"}),
	both(Row{ID: paas.CauseTemplateFailed, Title: "a template can't be rendered, or waits for what is not there", Try: []string{"crumpet render", events}, one: "has a template that can't be rendered", many: "have a template that can't be rendered"}),
	both(Row{ID: paas.CauseUserMissing, Title: "the node has no such user", Try: []string{"crumpet validate", push}, one: "could not be started", many: "could not be started"}),
	embedded("Nomad's exec driver starts a program whose folder is missing in another one, without a word",
		Row{ID: paas.CauseFolderMissing, Title: "the folder that the program is to start in is missing", Try: []string{push}, one: "could not be started", many: "could not be started"}),
	both(Row{ID: paas.CauseCommandMissing, Title: "the artifact has no such program", Try: []string{push}, one: "could not be started", many: "could not be started"}),
	both(Row{ID: paas.CauseNotExecutable, Title: "the program is none that the node can execute", Try: []string{push}, one: "could not be started", many: "could not be started"}),
	both(Row{ID: paas.CauseSetupFailed, Title: "Nomad could not set the instance up", Try: []string{events}, one: "could not be set up", many: "could not be set up"}),

	both(Row{ID: paas.CauseOutOfMemory, Title: "the program used more memory than it may", Try: []string{logs, push}, one: "was killed", many: "were killed"}),
	both(Row{ID: paas.CauseCrashLoop, Title: "the program ends again and again", Try: []string{logs, "crumpet rollback {app}"}, one: "is in a crash loop", many: "are in a crash loop"}),
	both(Row{ID: paas.CauseSignal, Title: "a signal ended the program", Try: []string{logs}, one: "was ended", many: "were ended"}),
	both(Row{ID: paas.CauseExit, Title: "the program ended by itself", Try: []string{logs}, one: "ended by itself", many: "ended by themselves"}),
	both(Row{ID: paas.CauseSidecar, Title: "a program beside the main one failed", Try: []string{logs}, one: "has a sidecar that failed", many: "have a sidecar that failed"}),
	both(Row{ID: paas.CauseNeverListens, Title: "nothing listens on the port", Try: []string{logs}, one: "never listened", many: "never listened"}),
	both(Row{ID: paas.CauseElsewhere, Title: "the program listens on another address or port", Try: []string{logs, push}, one: "listens elsewhere", many: "listen elsewhere"}),
	both(Row{ID: paas.CauseLiveness, Title: "the liveness probe has the program restarted", Try: []string{logs, status}, one: "is restarted by its liveness probe", many: "are restarted by their liveness probe"}),
	both(Row{ID: paas.CauseCheckFlapping, Title: "the health check passes and fails by turns", Try: []string{logs, events}, one: "passes and fails its checks by turns", many: "pass and fail their checks by turns", find: flapping}),
	both(Row{ID: paas.CauseCheckSlow, Title: "the health check is not answered in time", Try: []string{logs}, one: "answers its checks too slowly", many: "answer their checks too slowly"}),
	both(Row{ID: paas.CauseStartupLimit, Title: "an instance was not healthy within its startup limit", Try: []string{logs, push}, one: "passed its startup limit", many: "passed their startup limit"}),
	both(Row{ID: paas.CauseCheckFailing, Title: "the health check fails", Try: []string{logs}, one: "fails", many: "fail"}),

	both(Row{ID: paas.CauseRuleUnseen, Title: "some router has not read the rule of the deployment", Try: []string{status, "crumpet abort {app}"}}),
	both(Row{ID: paas.CauseUnrouted, Title: "healthy, but no router leads to it", Try: []string{status, "crumpet repair {app}"}, find: unrouted}),

	both(Row{ID: paas.CauseTaskFailed, Title: "a task of the release's phases failed", Try: []string{"crumpet logs {app}", push}}),
	both(Row{ID: paas.CauseServiceFailed, Title: "a service of the release can't be had", Try: []string{"crumpet services list", push}}),
	both(Row{ID: paas.CauseServiceWaits, Title: "the deployment waits for the credentials of a service", Try: []string{"crumpet services list", "crumpet abort {app}"}}),
	both(Row{ID: paas.CauseErrors, Title: "the canary answered with more errors than the release before", Try: []string{logs, push}}),
	both(Row{ID: paas.CauseSuperseded, Title: "a later push took its place", Try: []string{status}, find: superseded}),
	both(Row{ID: paas.CauseCanceled, Title: "somebody ended the deployment", Try: []string{push}, find: canceled}),
	both(Row{ID: paas.CauseLate, Title: "the deployment passed its deadline", Try: []string{events, push}}),
	both(Row{ID: paas.CauseTurnedBack, Title: "the deployment was turned back, or gave up", Try: []string{events, push}, find: turnedBack}),
	both(Row{ID: paas.CausePaused, Title: "somebody paused the deployment", Try: []string{"crumpet resume {app}", "crumpet abort {app}"}, find: paused}),
	both(Row{ID: paas.CauseCanaryHeld, Title: "the deployment is held at a step", Try: []string{"crumpet promote {app}", "crumpet abort {app}"}, find: held}),
	both(Row{ID: paas.CauseWaitsRoom, Title: "the deployment waits for room, or for somebody to make some", Try: []string{"crumpet promote {app}", "crumpet abort {app}"}, find: waitsForRoom}),
	both(Row{ID: paas.CauseStarting, Title: "instances are starting", Try: []string{"crumpet status {app}"}, one: "is starting", many: "are starting"}),
	both(Row{ID: paas.CauseDeploying, Title: "a deployment is under way", Try: []string{status}, find: deploying}),

	both(Row{ID: paas.CauseBadRule, Title: "a line that routers can't read was put aside", Try: []string{"crumpet events {app}"}, find: quarantined}),
	both(Row{ID: paas.CauseDrift, Title: "somebody else changed a job of the app, and Crumpet put it back", Try: []string{events}, find: drifted}),
	both(Row{ID: paas.CauseRescheduled, Title: "it serves, after Nomad placed an instance anew", Try: []string{events}, find: rescheduled}),
	both(Row{ID: paas.CauseServingFine, Title: "nothing is wrong", Try: []string{status}, find: fine}),
}
