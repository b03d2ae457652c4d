package state

import (
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Table names, as they stand in the log.
const (
	Jobs       = "jobs"
	Evals      = "evals"
	Allocs     = "allocs"
	Nodes      = "nodes"
	Namespaces = "namespaces"
	Variables  = "variables"
	Volumes    = "volumes"
)

// TrackedVersions is how many versions of a job are kept (job_tracked_versions).
const TrackedVersions = 6

// Job is one job with its history, the newest version first.
type Job struct {
	Versions []*nomadapi.Job

	// Launched is when a periodic job was launched last, or first registered.
	Launched time.Time `json:",omitzero"`
}

// Current is the version that counts.
func (j *Job) Current() *nomadapi.Job { return j.Versions[0] }

// With returns a copy whose newest version is v.
func (j *Job) With(v *nomadapi.Job) *Job {
	versions := append([]*nomadapi.Job{v}, j.Versions...)
	return &Job{Versions: versions[:min(len(versions), TrackedVersions)], Launched: j.Launched}
}

// Replace returns a copy with the newest version exchanged: same version, other
// status or indexes.
func (j *Job) Replace(v *nomadapi.Job) *Job {
	versions := slices.Clone(j.Versions)
	versions[0] = v
	return &Job{Versions: versions, Launched: j.Launched}
}

// LaunchedAt returns a copy that was launched last at that time.
func (j *Job) LaunchedAt(at time.Time) *Job { return &Job{Versions: j.Versions, Launched: at} }

// Alloc is an allocation as Nomad shows it, with the two facts that Nomad keeps
// but its API types leave out.
type Alloc struct {
	nomadapi.Allocation

	// RescheduleDelays are the delays that led here, oldest first, one for
	// each event of the reschedule tracker.
	RescheduleDelays []time.Duration `json:",omitempty"`

	// HealthDeadline is when an allocation without health becomes unhealthy.
	HealthDeadline time.Time
}

// Copy is a shallow copy to change fields of.
func (a *Alloc) Copy() *Alloc {
	c := *a
	return &c
}

// ServerTerminal tells that the scheduler wants the allocation gone.
func (a *Alloc) ServerTerminal() bool { return a.DesiredStatus != nomadapi.AllocDesiredStatusRun }

// ClientTerminal tells that nothing of the allocation runs any more.
func (a *Alloc) ClientTerminal() bool {
	switch a.ClientStatus {
	case nomadapi.AllocClientStatusComplete, nomadapi.AllocClientStatusFailed, nomadapi.AllocClientStatusLost:
		return true
	}
	return false
}

// Terminal is either of both.
func (a *Alloc) Terminal() bool { return a.ServerTerminal() || a.ClientTerminal() }

// Group is the task group of the allocation in the job it runs.
func (a *Alloc) Group() *nomadapi.TaskGroup { return a.Job.LookupTaskGroup(a.TaskGroup) }

// Key joins namespace and id of a job. A namespace has no slash.
func Key(namespace, id string) string { return namespace + "/" + id }

func splitKey(key string) (namespace, id string) {
	namespace, id, _ = strings.Cut(key, "/")
	return namespace, id
}
