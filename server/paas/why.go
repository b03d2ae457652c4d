package paas

import "time"

// Why is one causal chain from a release to what keeps it from serving, deepest link last.
type Why struct {
	Team    string     `json:"team"`
	App     string     `json:"app"`
	Serving bool       `json:"serving"` // some release of the app answers requests
	Cause   Cause      `json:"cause"`   // the row of the table of causes
	Summary string     `json:"summary"` // one sentence that says it all
	Chain   []Link     `json:"chain"`
	NextTry *time.Time `json:"next_try"` // when it is tried again without anybody doing anything; null for never or unknown
	Try     []string   `json:"try"`      // commands that lead on
}

// Link is one thing in the chain.
type Link struct {
	Kind  LinkKind   `json:"kind"`
	ID    string     `json:"id"`
	Text  string     `json:"text"`
	Since *time.Time `json:"since"` // null where nobody knows
}

// LinkKind is what a link is about.
type LinkKind string

// The kinds, in the order in which a chain runs through them.
const (
	LinkBuild      LinkKind = "build"
	LinkRelease    LinkKind = "release"
	LinkDeployment LinkKind = "deployment"
	LinkEvaluation LinkKind = "evaluation"
	LinkPlacement  LinkKind = "placement"
	LinkNode       LinkKind = "node"
	LinkAllocation LinkKind = "allocation"
	LinkTask       LinkKind = "task"
	LinkCheck      LinkKind = "check"
	LinkRoute      LinkKind = "route"
	LinkBackend    LinkKind = "backend"
	LinkEvent      LinkKind = "event"
	LinkLog        LinkKind = "log"
)

// Cause names what keeps an app, a deployment or an instance from where it should be. The table of
// package why has a row for each, in the order in which one hides another.
type Cause string

// Causes that lie in what was asked for.
const (
	CauseNeverPushed  Cause = "never-pushed"
	CauseBuildFailed  Cause = "build-failed"
	CauseHostTaken    Cause = "host-taken"
	CauseDestroyed    Cause = "being-destroyed"
	CauseStopped      Cause = "stopped"
	CauseScaledToZero Cause = "scaled-to-zero"
)

// Causes that lie in the programs below.
const (
	CauseNomadDown   Cause = "nomad-unreachable"
	CauseConsulDown  Cause = "consul-unreachable"
	CauseVaultDown   Cause = "vault-unreachable"
	CauseVaultSealed Cause = "vault-sealed"
	CauseRouterDown  Cause = "router-unreachable"
	CauseRouterStuck Cause = "router-frozen"
	CauseBadRule     Cause = "bad-rule"
	CauseRuleUnseen  Cause = "rule-not-read"
	CauseUnrouted    Cause = "not-routed"
)

// Causes that lie in the nodes and in the room on them.
const (
	CauseNodeDown       Cause = "node-down"
	CauseNodeDraining   Cause = "node-draining"
	CauseNodeIneligible Cause = "node-ineligible"
	CauseNoNode         Cause = "no-node"
	CauseNoDriver       Cause = "driver-missing"
	CauseConstraint     Cause = "constraint-unmatched"
	CauseDistinctHosts  Cause = "distinct-hosts"
	CauseNoMemory       Cause = "no-memory"
	CauseNoCPU          Cause = "no-cpu"
	CauseNoDisk         Cause = "no-disk"
	CauseNoPort         Cause = "no-port"
	CauseNoRoom         Cause = "no-room"
	CauseNoVolume       Cause = "volume-elsewhere" // the node that has the volume is not there, or has no room
)

// Causes that lie between an allocation and its running program.
const (
	CauseArtifactMissing  Cause = "artifact-missing"
	CauseArtifactDenied   Cause = "artifact-unauthorised"
	CauseArtifactChecksum Cause = "artifact-checksum"
	CauseArtifactFailed   Cause = "artifact-failed"
	CauseVaultFailed      Cause = "vault-failed"
	CauseTemplateFailed   Cause = "template-failed"
	CauseUserMissing      Cause = "user-missing"
	CauseFolderMissing    Cause = "working-dir-missing"
	CauseCommandMissing   Cause = "command-missing"
	CauseNotExecutable    Cause = "not-executable"
	CauseSetupFailed      Cause = "setup-failed"
)

// Causes that lie in the running program.
const (
	CauseOutOfMemory   Cause = "out-of-memory"
	CauseSignal        Cause = "signal"
	CauseExit          Cause = "exit-code"
	CauseCrashLoop     Cause = "crash-loop"
	CauseSidecar       Cause = "sidecar-failed"
	CauseNeverListens  Cause = "never-listens"
	CauseElsewhere     Cause = "listens-elsewhere"
	CauseLiveness      Cause = "liveness-restarts"
	CauseCheckSlow     Cause = "check-slow"
	CauseCheckFailing  Cause = "check-failing"
	CauseCheckFlapping Cause = "check-flapping"
	CauseStartupLimit  Cause = "startup-limit"
	CauseRescheduled   Cause = "rescheduled"
	CauseStarting      Cause = "starting"
)

// Causes that lie in a deployment.
const (
	CauseTaskFailed    Cause = "release-task-failed"
	CauseServiceFailed Cause = "service-failed"
	CauseServiceWaits  Cause = "waiting-for-service"
	CausePaused        Cause = "paused"
	CauseCanaryHeld    Cause = "canary-held"
	CauseWaitsRoom     Cause = "waiting-for-room"
	CauseErrors        Cause = "aborted-by-errors"
	CauseSuperseded    Cause = "superseded"
	CauseCanceled      Cause = "canceled"
	CauseTurnedBack    Cause = "turned-back"
	CauseLate          Cause = "deadline-passed"
	CauseDeploying     Cause = "deploying"
	CauseDrift         Cause = "drift"
	CauseServingFine   Cause = "serving"
)
