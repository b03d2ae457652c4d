package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Source is an app spec as it was written, with all that its meaning depends on.
type Source struct {
	Spec        string     `json:"spec" doc:"The app spec, HCL text."`
	Filename    string     `json:"filename,omitempty" doc:"Named in diagnostics; crumpet.hcl unless said."`
	Environment string     `json:"environment,omitempty" doc:"The environment block to merge in; the app is then NAME-ENVIRONMENT." maxLength:"24"`
	Variables   []Variable `json:"variables,omitempty" doc:"Values of variables; a later one of the same name wins." maxItems:"1000"`
	VarFiles    []VarFile  `json:"var_files,omitempty" doc:"Files of values; a later one wins." maxItems:"100"`
}

// Variable is the raw text of one variable's value.
type Variable struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin,omitempty" doc:"Where it was given, for diagnostics: --var, or an environment variable's name."`
}

// VarFile is the text of a file of values.
type VarFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// CreateRelease asks for an app to run a spec with an artifact.
type CreateRelease struct {
	Source
	Artifact  string `json:"artifact" doc:"SHA-256 of the artifact, 64 hexadecimal digits." pattern:"^[0-9a-f]{64}$"`
	Runtime   string `json:"runtime,omitempty" doc:"SHA-256 of the artifact that serves static sites." pattern:"^[0-9a-f]{64}$"`
	Force     bool   `json:"force,omitempty" doc:"Walk even if nothing changed."`
	Supersede bool   `json:"supersede,omitempty" doc:"Abort a deployment that is under way."`
	Wait      bool   `json:"wait,omitempty" doc:"Queue behind a deployment that is under way."`
	Commit    string `json:"commit,omitempty" doc:"Hash of the source in git." pattern:"^[0-9a-f]{40,64}$"`
	Dirty     bool   `json:"dirty,omitempty" doc:"The source had changes that the commit does not hold."`
	Note      string `json:"note,omitempty" doc:"What is to be remembered of the release." maxLength:"1000"`

	Base *paas.PlanBase `json:"base,omitempty" doc:"Of a plan: refuse with conflict if any of it moved since."`
}

// Rollback asks for an earlier release of an app to be restored.
type Rollback struct {
	Release   int    `json:"release,omitempty" doc:"The release to restore; the last healthy one before the one that serves unless said." minimum:"0"`
	Note      string `json:"note,omitempty" doc:"What is to be remembered of the new release." maxLength:"1000"`
	Supersede bool   `json:"supersede,omitempty" doc:"Abort a deployment that is under way."`
	Wait      bool   `json:"wait,omitempty" doc:"Queue behind a deployment that is under way."`

	Base *paas.PlanBase `json:"base,omitempty" doc:"Of a plan: refuse with conflict if any of it moved since."`
}

// KeptRelease is a release, and what became of it.
type KeptRelease struct {
	paas.Release
	Outcome paas.Outcome `json:"outcome" doc:"What became of it." enum:"live,deploying,healthy,reverted,failed,canceled,"`
	// ConfigGone says that Vault has let the release's configuration go: it can't be restored.
	ConfigGone bool `json:"config_gone,omitempty" doc:"Its configuration is no longer in Vault, so it can't be restored."`
}

// Deployed answers a wish: whether anything changed, and the deployment to watch if it did.
type Deployed struct {
	Changed    bool             `json:"changed"`
	Release    paas.Release     `json:"release"`
	Deployment *paas.Deployment `json:"deployment,omitempty"`
	// URLs are the addresses of the release's routes, in the order of its spec.
	URLs []string `json:"urls"`
}

// Releases are an app's releases, newest first.
type Releases struct {
	Items []KeptRelease `json:"items"`
	Next  string        `json:"next" doc:"The value of before for the page that follows; empty on the last."`
}

// Deployments are an app's deployments, newest first.
type Deployments struct {
	Items []paas.Deployment `json:"items"`
	Next  string            `json:"next"`
}

// Pause says why a deployment is to stay where it is.
type Pause struct {
	Reason string `json:"reason,omitempty" doc:"Shown in status and events." maxLength:"200"`
}

// Scale names the wanted instances of some processes.
type Scale struct {
	Counts map[string]int `json:"counts" doc:"Wanted instances by process; those left out keep theirs." minProperties:"1"`
}

// ReleaseSpec is the app spec of a release as its maker wrote it.
type ReleaseSpec struct {
	Release     int    `json:"release"`
	Stored      bool   `json:"stored" doc:"False where the text was not kept; Reason says why."`
	Filename    string `json:"filename"`
	Environment string `json:"environment,omitempty" doc:"The environment block that was merged in."`
	Text        string `json:"text" doc:"HCL. Values of variables were given beside it, and are not kept."`
	Reason      string `json:"reason,omitempty"`
}
