package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store is where wishes for nodes are kept and facts are read.
type Store interface {
	Nodes(ctx context.Context) ([]paas.Node, error)
	// NodeLoads counts the instances on each node, by its id.
	NodeLoads(ctx context.Context) (map[string]int, error)
	// Tenants names the apps that have instances on a node.
	Tenants(ctx context.Context, node string) ([]paas.AppRef, error)
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Drains(ctx context.Context) ([]paas.Drain, error)
	// PutDrain fails with code conflict once another server leads, and not_found when the drain was ended
	// meanwhile; with epoch 0, a wish, with neither.
	PutDrain(ctx context.Context, epoch int64, d paas.Drain, events ...paas.Event) error
	DropDrain(ctx context.Context, node string, events ...paas.Event) error
}

// Scheduler tells Nomad what to do with a node.
type Scheduler interface {
	SetEligible(ctx context.Context, node string, eligible bool) error
	Drain(ctx context.Context, node string) error
	// EndDrain makes the node eligible again, too.
	EndDrain(ctx context.Context, node string) error
}

// Deployer walks an app to its other slot. Code conflict: it can't now.
type Deployer interface {
	Leave(ctx context.Context, ref paas.AppRef, node, by string) (paas.DeployResult, error)
}

// Config is what a Cluster works with; all but Log and Now are required.
type Config struct {
	Store     Store
	Scheduler Scheduler
	Rooms     Rooms
	Deployer  Deployer
	Log       *slog.Logger
	Now       func() time.Time // time.Now by default
}

// Cluster looks after nodes.
type Cluster struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // holds one signal: something changed

	// asked is how apps were told to walk; used by Run's goroutine only. One that turned back would else walk
	// again at once, for ever.
	asked map[paas.AppRef]asked
	// empty is since when nothing of ours is on a node that Nomad drains, or when it was reminded of that; used
	// by Run's goroutine only.
	empty map[string]time.Time
}

// New makes a Cluster; Run starts it.
func New(cfg Config) *Cluster {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Cluster{cfg: cfg, log: cfg.Log.With("component", "cluster"), wake: make(chan struct{}, 1), asked: map[paas.AppRef]asked{}, empty: map[string]time.Time{}}
}

// Wake asks for a turn now. It never blocks.
func (c *Cluster) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Nodes lists the nodes by name, each with the number of instances on it and the wish for it to be empty.
func (c *Cluster) Nodes(ctx context.Context) ([]paas.NodeView, error) {
	nodes, err := c.cfg.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	loads, err := c.cfg.Store.NodeLoads(ctx)
	if err != nil {
		return nil, err
	}
	drains, err := c.cfg.Store.Drains(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]paas.NodeView, len(nodes))
	for n, node := range nodes {
		views[n] = paas.NodeView{Node: node, Instances: loads[node.ID]}
		for _, d := range drains {
			if d.NodeID == node.ID {
				views[n].Drain = &d
			}
		}
	}
	return views, nil
}

// Node gives the node of that name, or of an id that begins so. Codes: not_found, conflict for several.
func (c *Cluster) Node(ctx context.Context, name string) (paas.NodeView, error) {
	views, err := c.Nodes(ctx)
	if err != nil {
		return paas.NodeView{}, err
	}
	var found []paas.NodeView
	for _, v := range views {
		if v.ID == name || v.Name == name || len(name) >= 4 && len(name) < len(v.ID) && v.ID[:len(name)] == name {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		return paas.NodeView{}, paas.Errorf(paas.NotFound, "The cluster has no node %q. `crumpet nodes` lists those there are.", name)
	case 1:
		return found[0], nil
	}
	return paas.NodeView{}, paas.Errorf(paas.Conflict, "%d nodes are called %q. Name one by its id.", len(found), name)
}

// Drain wishes a node to be empty. Asked again, it goes on with the wish that stands.
func (c *Cluster) Drain(ctx context.Context, name, by string) (paas.NodeView, error) {
	view, err := c.Node(ctx, name)
	if err != nil || view.Drain != nil && view.Drain.State != paas.DrainDone {
		return view, err
	}
	d := paas.Drain{NodeID: view.ID, Node: view.Name, By: by, State: paas.DrainLeaving, CreatedAt: c.cfg.Now()}
	if err := c.cfg.Store.PutDrain(ctx, 0, d, c.event(by, "node %s is to be drained, asked for by %s", view.Name, by)); err != nil {
		return view, err
	}
	c.Wake()
	view.Drain = &d
	return view, nil
}

// Undo lets a node take instances again, whoever had it drained.
func (c *Cluster) Undo(ctx context.Context, name, by string) (paas.NodeView, error) {
	view, err := c.Node(ctx, name)
	if err != nil {
		return view, err
	}
	// The wish goes first: as long as it stands, a turn would have the node drained again.
	if err := c.cfg.Store.DropDrain(ctx, view.ID, c.event(by, "node %s takes instances again, asked for by %s", view.Name, by)); err != nil {
		return view, err
	}
	if err := c.cfg.Scheduler.EndDrain(ctx, view.ID); err != nil {
		return view, err
	}
	view.Drain, view.Draining, view.Eligible = nil, false, true
	return view, nil
}

func (c *Cluster) event(by, format string, args ...any) paas.Event {
	return paas.Event{Time: c.cfg.Now(), Kind: paas.EventNodeState, By: by, Message: fmt.Sprintf(format, args...)}
}
