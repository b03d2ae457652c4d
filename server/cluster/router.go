package cluster

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How often routers are looked at, and tried again.
const (
	RouterGlance = 15 * time.Second
	RouterAgain  = 30 * time.Second // after it was missed first; each time waits twice as long
	RouterSeldom = 10 * time.Minute // at most; a router that has lived for as long begins anew
)

// RouterScheduler is what is asked of Nomad.
type RouterScheduler interface {
	// RouterJob gives nil where routers are no job of the platform's, or it is stopped.
	RouterJob(ctx context.Context) (*paas.RouterJob, error)
	// EvaluateNode has Nomad look once more at what is to run on a node.
	EvaluateNode(ctx context.Context, node string) error
}

// RouterStore is where it is told. Code conflict: another server leads.
type RouterStore interface {
	EmitAs(ctx context.Context, epoch int64, events ...paas.Event) error
}

// ReviverConfig is what a Reviver works with; all but Log and Now are required.
type ReviverConfig struct {
	Scheduler RouterScheduler
	Store     RouterStore
	Log       *slog.Logger
	Now       func() time.Time // time.Now by default
}

// Reviver has Nomad try routers again that it has given up: it never does so by itself. It does nothing where an operator
// has stopped the job, drains a node or made it ineligible, or while routers of two versions run.
type Reviver struct {
	cfg   ReviverConfig
	log   *slog.Logger
	tries map[string]tried // by the node's id; used by Run's goroutine only
}

// tried is how often Nomad was asked to look at a node that lacks its router, and when last: when it was missed, at first.
type tried struct {
	at    time.Time
	times int
}

func (t tried) next() time.Time { return t.at.Add(doubled(RouterAgain, RouterSeldom, t.times)) }

// NewReviver makes a Reviver; Run starts it.
func NewReviver(cfg ReviverConfig) *Reviver {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Reviver{cfg: cfg, log: cfg.Log.With("component", "reviver")}
}

// Run looks after routers until ctx ends, under the leader's epoch. The error is only for a lead that was lost.
func (r *Reviver) Run(ctx context.Context, epoch int64) error {
	r.tries = nil // of an earlier lead of this server: others have tried since
	ticker := time.NewTicker(RouterGlance)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		switch err := r.Turn(ctx, epoch); {
		case ctx.Err() != nil:
			return nil
		case paas.CodeOf(err) == paas.Conflict:
			return fmt.Errorf("look after routers: %w", err)
		case err != nil:
			r.log.WarnContext(ctx, "routers not looked after", "err", err)
		}
	}
}

// Turn has Nomad look again where a router is due to be tried.
func (r *Reviver) Turn(ctx context.Context, epoch int64) error {
	job, err := r.cfg.Scheduler.RouterJob(ctx)
	if err != nil {
		return err
	}
	lacking, tries := due(job, r.tries, r.cfg.Now())
	r.tries = tries
	if len(lacking) == 0 {
		return nil
	}
	// Nomad then looks at all nodes of the job.
	if err := r.cfg.Scheduler.EvaluateNode(ctx, lacking[0].NodeID); err != nil {
		return err
	}
	var events []paas.Event
	for _, was := range lacking {
		if was.ID == "" { // where Nomad has kept nothing it may know that the node is none for it
			continue
		}
		n := tries[was.NodeID].times
		r.log.InfoContext(ctx, "had nomad try a router again", "node", was.Node, "alloc", was.ID, "attempt", n, "reason", was.Said)
		events = append(events, paas.Event{Time: r.cfg.Now(), Kind: paas.EventNodeState, Message: fmt.Sprintf(
			"the router on node %s was given up by Nomad, which tries it again (attempt %d): %s", was.Node, n, cmp.Or(was.Said, "it did not say why it ended"))})
	}
	return r.cfg.Store.EmitAs(ctx, epoch, events...)
}

// due gives the nodes that lack a router, if one of them is to be tried now: all are, then. after is how often each was
// tried, with what is due now. A router that ends again soon is one that was tried, and not one that is missed first. Pure.
func due(job *paas.RouterJob, before map[string]tried, now time.Time) (lacking []paas.SystemInstance, after map[string]tried) {
	if job == nil {
		return nil, nil
	}
	after = maps.Clone(before)
	maps.DeleteFunc(after, func(node string, _ tried) bool { return settled(job, node, now) })
	if after == nil {
		after = map[string]tried{}
	}
	if job.Updating() {
		return nil, after
	}
	is, ripe := job.Lacking(), false
	for node := range is {
		if _, known := after[node]; !known {
			after[node] = tried{at: now}
		}
		ripe = ripe || !now.Before(after[node].next())
	}
	if !ripe {
		return nil, after
	}
	for node, was := range is {
		after[node] = tried{at: now, times: after[node].times + 1}
		lacking = append(lacking, was)
	}
	slices.SortFunc(lacking, func(a, b paas.SystemInstance) int { return strings.Compare(a.Node+" "+a.NodeID, b.Node+" "+b.NodeID) })
	return lacking, after
}

// settled says whether a node is none for routers now, or has one that has lived for long.
func settled(job *paas.RouterJob, node string, now time.Time) bool {
	return !slices.ContainsFunc(job.Nodes, func(n paas.Node) bool { return n.ID == node }) ||
		slices.ContainsFunc(job.Instances, func(i paas.SystemInstance) bool {
			return i.NodeID == node && i.Alive() && now.Sub(i.CreatedAt) > RouterSeldom
		})
}
