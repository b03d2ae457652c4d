package api

import (
	"context"
	"io"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Auth says who calls, and what that one may do.
type Auth interface {
	// Check gives whom an Authorization header proves. Codes: unauthorized, unavailable.
	Check(ctx context.Context, header string) (paas.Identity, error)
	// CheckSession gives whom the value of a session's cookie proves. Codes: unauthorized, unavailable.
	CheckSession(ctx context.Context, value string) (paas.Identity, error)
	// Used notes that a call came with a token, from an address. It returns at once.
	Used(who paas.Identity, from string)
	// Watch gives a context for a stream, which ends when who it was let in for may not have it any more. stop is
	// called at the stream's end.
	Watch(ctx context.Context, who paas.Identity, act paas.Act) (watching context.Context, stop func())
	// May says with code forbidden that somebody may not do something.
	May(who paas.Identity, act paas.Act) error
}

// Store is what is read of the store. Code for what is not there: not_found.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	// Snapshots gives those of the apps that are there.
	Snapshots(ctx context.Context, refs ...paas.AppRef) (map[paas.AppRef]paas.Snapshot, error)
	// Changed names the apps of which something was committed since a number, and gives the number to ask
	// with next; all apps that ever were have changed since 0.
	Changed(ctx context.Context, since int64) ([]paas.AppRef, int64, error)
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	// Releases lists releases below a number, newest first; 0 for all.
	Releases(ctx context.Context, ref paas.AppRef, below, limit int) ([]paas.Release, error)
	// SpecText gives the text that a release was made of, or the one that it restored.
	SpecText(ctx context.Context, release paas.Release) (paas.SpecText, error)
	Endings(ctx context.Context, ref paas.AppRef) ([]paas.Ending, error)
	Deployment(ctx context.Context, ref paas.AppRef, id string) (paas.Deployment, error)
	Deployments(ctx context.Context, ref paas.AppRef, limit int) ([]paas.Deployment, error)
	Events(ctx context.Context, filter paas.EventFilter) ([]paas.Event, error)
	LastEvent(ctx context.Context) (int64, error)
	Team(ctx context.Context, name string) (paas.Team, error)
	// TrafficSums adds up, for each app that was asked something, the buckets that begin from one moment on and before
	// another.
	TrafficSums(ctx context.Context, from, to time.Time) (map[paas.AppRef]paas.Bucket, error)
	// Backends gives what was last seen of the programs that Crumpet works with.
	Backends(ctx context.Context) ([]paas.Backend, error)
	Traffic(ctx context.Context, ref paas.AppRef) ([]paas.Traffic, error)
}

// Deployer changes what is wanted. Codes: invalid, not_found, conflict (another deployment is under
// way, a route is another app's), unavailable.
type Deployer interface {
	Deploy(ctx context.Context, req paas.DeployRequest) (paas.DeployResult, error)
	// Plan says what Deploy would do, and does nothing.
	Plan(ctx context.Context, req paas.DeployRequest) (paas.Plan, error)
	Rollback(ctx context.Context, req paas.RollbackRequest) (paas.DeployResult, error)
	// PlanRollback says what Rollback would do, and does nothing.
	PlanRollback(ctx context.Context, req paas.RollbackRequest) (paas.Plan, error)
	Scale(ctx context.Context, ref paas.AppRef, counts map[string]int, by string) (paas.DeployResult, error)
	Restart(ctx context.Context, ref paas.AppRef, by string) (paas.DeployResult, error)
	Stop(ctx context.Context, ref paas.AppRef, by string) error
	Start(ctx context.Context, ref paas.AppRef, by string) (paas.DeployResult, error)
	Destroy(ctx context.Context, ref paas.AppRef, by string) error
	// Abort, Pause, Resume and Promote take a deployment's id. Code conflict where it does not stand so.
	Abort(ctx context.Context, ref paas.AppRef, id, by string) error
	Pause(ctx context.Context, ref paas.AppRef, id, why, by string) error
	Resume(ctx context.Context, ref paas.AppRef, id, by string) error
	Promote(ctx context.Context, ref paas.AppRef, id, by string) error
	// Once runs a task or cron of the serving release. Codes as above, and quota.
	Once(ctx context.Context, req paas.RunRequest) (paas.Run, error)
	// EndRun stops what runs of a job.
	EndRun(ctx context.Context, ref paas.AppRef, job, by string) error
}

// Blobs takes in the files of a source by their digests.
type Blobs interface {
	// Missing gives those of the digests that the server lacks. Code: invalid.
	Missing(ctx context.Context, digests []string) ([]string, error)
	// Receive stores the entries of a tar.gz, each named sha256/DIGEST of its content, and gives
	// their number. After an error nothing of the entry it broke in is left. Codes: invalid, quota.
	Receive(ctx context.Context, r io.Reader) (int, error)
}

// Builds turns sources into artifacts.
type Builds interface {
	// Start begins a build, or gives the one that is under way for the same source.
	// Codes: invalid (the source's blobs are not all here).
	Start(ctx context.Context, job paas.BuildJob) (paas.BuildJob, error)
	// Build gives a build. Code: not_found.
	Build(ctx context.Context, id string) (paas.BuildJob, error)
}

// Artifacts reads what was built. Code: not_found.
type Artifacts interface {
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, int64, error)
}

// Logs reads what instances, builders and the platform write. It calls emit, from one goroutine, until
// there is no more or, with Follow, until ctx ends; an error of emit ends it too. The lines of a part are
// emit's until it returns. Codes: invalid, not_found, unavailable.
type Logs interface {
	Logs(ctx context.Context, query paas.LogQuery, emit func(paas.LogPart) error) error
}

// Hub wakes readers of the events table. The channel gets a value, or is full already, when there
// is something new; it says nothing about what. It ends with ctx.
type Hub interface {
	Subscribe(ctx context.Context) <-chan struct{}
}

// Servers knows the Crumpet servers that share the store.
type Servers interface {
	Servers(ctx context.Context) ([]paas.Server, error)
	// Leading says whether this one runs the loops.
	Leading() bool
}

// Backend is something the server can't do its work without, by name.
type Backend struct {
	Name string
	Ping func(ctx context.Context) error
}
