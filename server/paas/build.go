package paas

import "time"

// File is one regular file or symbolic link of a source, by content.
type File struct {
	Path   string `json:"path"`             // slash-separated, relative, UTF-8
	Mode   uint32 `json:"mode"`             // permission bits
	Size   int64  `json:"size"`             // bytes
	Digest string `json:"digest,omitempty"` // SHA-256 of the content, hex; empty for a link
	Link   string `json:"link,omitempty"`   // target of a symbolic link, relative, inside the source
}

// BuildState is where a build stands.
type BuildState string

// The states of a build; a build that a killed server left running is pending again.
const (
	BuildPending BuildState = "pending"
	BuildRunning BuildState = "running"
	BuildDone    BuildState = "done"
	BuildFailed  BuildState = "failed"
)

// BuildJob is one turning of a source into an artifact: what was wanted, and what came of it.
type BuildJob struct {
	ID        string     `json:"id"`
	Team      string     `json:"team"`
	App       string     `json:"app"`
	Build     Build      `json:"build"`
	Source    string     `json:"source"` // SHA-256 of the manifest, which is a blob, hex
	State     BuildState `json:"status"`
	Artifact  string     `json:"artifact,omitempty"`
	Runtime   string     `json:"runtime,omitempty"`
	Reason    string     `json:"reason,omitempty"` // why it failed
	CreatedAt time.Time  `json:"created_at"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// Ref names the build's app.
func (b BuildJob) Ref() AppRef { return AppRef{Team: b.Team, App: b.App} }
