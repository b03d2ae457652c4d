package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store is what is read and dropped. Code conflict: another server leads, or the app changed meanwhile.
type Store interface {
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Ledger(ctx context.Context, ref paas.AppRef) (paas.Ledger, error)
	Save(ctx context.Context, epoch int64, change paas.Change) error
	Runs(ctx context.Context) ([]paas.Run, error)
	Observe(ctx context.Context, epoch int64, seen paas.Observation) error
	DropEvents(ctx context.Context, epoch int64, before time.Time) (more bool, err error)
	DropBuilds(ctx context.Context, epoch int64, before time.Time) (more bool, err error)
	NamedBlobs(ctx context.Context) (map[string]bool, error)
	UnfinishedBuilds(ctx context.Context) ([]paas.BuildJob, error)
}

// Blobs drops the content that is not named and was not sent or asked for since a time, and says how
// many blobs and bytes went.
type Blobs interface {
	Sweep(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error)
}

// Config is what a Retention needs. All fields but Log are required.
type Config struct {
	Store  Store
	Blobs  Blobs
	Limits Limits
	Every  time.Duration // between two looks
	Now    func() time.Time
	Log    *slog.Logger
}

// Retention looks at everything that is kept, again and again.
type Retention struct{ Config }

// New makes one; it does nothing until Run.
func New(c Config) *Retention {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("component", "retention")
	return &Retention{c}
}

// firstLook leaves a server that has just begun to lead to what is urgent.
const firstLook = time.Minute

// Run looks until ctx ends, under the leader's epoch.
func (r *Retention) Run(ctx context.Context, epoch int64) error {
	timer := time.NewTimer(min(firstLook, r.Every))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		r.Look(ctx, epoch)
		timer.Reset(r.Every)
	}
}

// Look lets go of everything that is stale now. What fails is logged, and tried again at the next look.
func (r *Retention) Look(ctx context.Context, epoch int64) {
	began := r.Now()
	for _, step := range []struct {
		what string
		do   func(context.Context, int64) error
	}{
		{"releases", r.releases},
		{"runs", r.runs},
		{"events", func(ctx context.Context, epoch int64) error {
			return whole(ctx, epoch, began.Add(-r.Limits.Events), r.Store.DropEvents)
		}},
		{"builds", func(ctx context.Context, epoch int64) error {
			return whole(ctx, epoch, began.Add(-r.Limits.Events), r.Store.DropBuilds)
		}},
		{"content", r.content},
	} {
		if err := step.do(ctx, epoch); err != nil && ctx.Err() == nil {
			r.Log.Warn("stale rows not dropped", "what", step.what, "err", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// whole repeats a drop until there is nothing left of it.
func whole(ctx context.Context, epoch int64, before time.Time, drop func(context.Context, int64, time.Time) (bool, error)) error {
	for ctx.Err() == nil {
		if more, err := drop(ctx, epoch, before); err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}

func (r *Retention) releases(ctx context.Context, epoch int64) error {
	refs, err := r.Store.Refs(ctx)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		err := r.app(ctx, epoch, ref)
		switch paas.CodeOf(err) { //nolint:exhaustive // the others are failures
		case "":
		case paas.NotFound, paas.Conflict: // it went, or somebody wrote it meanwhile: the next look is soon enough
			r.Log.Debug("app not looked at", "team", ref.Team, "app", ref.App, "err", err)
		default:
			return err
		}
	}
	return nil
}

// app reads the snapshot first: a release that is made after it is newer than all that is dropped, and
// one that is named after it moves the version.
func (r *Retention) app(ctx context.Context, epoch int64, ref paas.AppRef) error {
	snap, err := r.Store.Snapshot(ctx, ref)
	if err != nil {
		return err
	}
	ledger, err := r.Store.Ledger(ctx, ref)
	if err != nil {
		return err
	}
	change, stale := Stale(snap, ledger, r.Limits, r.Now())
	if !stale {
		return nil
	}
	if err := r.Store.Save(ctx, epoch, change); err != nil {
		return err
	}
	r.Log.Info("releases dropped", "team", ref.Team, "app", ref.App, "releases", len(change.DropReleases), "deployments", len(change.DropDeployments))
	return nil
}

func (r *Retention) runs(ctx context.Context, epoch int64) error {
	runs, err := r.Store.Runs(ctx)
	if err != nil {
		return err
	}
	ids := StaleRuns(runs, r.Limits, r.Now())
	if len(ids) == 0 {
		return nil
	}
	return r.Store.Observe(ctx, epoch, paas.Observation{GoneRuns: ids})
}

// content drops what nothing names. The names are read after releases and builds have gone; what a build
// that has not ended needs was asked for when it was made.
func (r *Retention) content(ctx context.Context, _ int64) error {
	before := r.Now().Add(-r.Limits.Content)
	builds, err := r.Store.UnfinishedBuilds(ctx)
	if err != nil {
		return err
	}
	for _, b := range builds {
		if since := b.CreatedAt.Add(-r.Limits.Content); since.Before(before) {
			before = since
		}
	}
	named, err := r.Store.NamedBlobs(ctx)
	if err != nil {
		return err
	}
	n, bytes, err := r.Blobs.Sweep(ctx, named, before)
	if n > 0 {
		r.Log.Info("content dropped", "blobs", n, "bytes", bytes)
	}
	return err
}
