package paas

import "time"

// Release is immutable: one spec with one artifact and one version of the app's configuration.
type Release struct {
	Team       string    `json:"team"`
	App        string    `json:"app"`
	Number     int       `json:"release"` // counts from 1 within the app
	Spec       Spec      `json:"spec"`
	SpecDigest string    `json:"spec_digest"`
	Artifact   string    `json:"artifact"`          // SHA-256 of the artifact, hex
	Runtime    string    `json:"runtime,omitempty"` // SHA-256 of the artifact that holds crumpet itself, for static sites
	Config     int       `json:"config_version"`    // of the app's secrets in Vault; 0 while it has none
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by"`            // name of the token
	Commit     string    `json:"commit,omitempty"`      // hash of the source in git; "" when it came from none
	Dirty      bool      `json:"dirty,omitempty"`       // the source had changes that Commit does not hold
	Note       string    `json:"note,omitempty"`        // what its maker said of it
	RollbackTo int       `json:"rollback_to,omitempty"` // the release that this one restored; 0 for one that was pushed
	// Source is the text that Spec was read from, when the release is made; reading a release leaves it out.
	Source *SpecText `json:"-"`
}

// SpecText is an app spec as it was written.
type SpecText struct {
	Filename    string
	Environment string // the environment block that was merged in
	Text        string // without the values of variables, which were given beside it
}

// Ref names the release's app.
func (r Release) Ref() AppRef { return AppRef{Team: r.Team, App: r.App} }

// SameAs says whether two releases would run the same thing.
func (r Release) SameAs(o Release) bool {
	return r.SpecDigest == o.SpecDigest && r.Artifact == o.Artifact && r.Runtime == o.Runtime && r.Config == o.Config
}

// ShortArtifact is the CRUMPET_ARTIFACT that tasks see: the first 12 hex digits.
func (r Release) ShortArtifact() string { return r.Artifact[:min(12, len(r.Artifact))] }
