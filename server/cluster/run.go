package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How often drains are looked at without having been woken.
const (
	Glance = time.Second // while one is under way
	Idle   = 30 * time.Second
	Again  = time.Minute // after an app was told to walk, for one that has turned back, and Nomad to drain
	Seldom = time.Hour   // at most, for an app that turned back again and again: each time waits twice as long
)

// asked is how often an app was told to walk off nodes, and when last.
type asked struct {
	at    time.Time
	times int
}

// next is when it may be told again.
func (a asked) next() time.Time { return a.at.Add(doubled(Again, Seldom, a.times-1)) }

// doubled is a wait that has been doubled so many times, and is not longer than longest.
func doubled(wait, longest time.Duration, times int) time.Duration {
	for range times {
		wait = min(2*wait, longest)
	}
	return wait
}

// Run makes the wishes for nodes so until ctx ends, under the leader's epoch. The error is only for a lead
// that was lost.
func (c *Cluster) Run(ctx context.Context, epoch int64) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
		}
		open, err := c.Turn(ctx, epoch)
		switch {
		case ctx.Err() != nil:
			return nil
		case paas.CodeOf(err) == paas.Conflict:
			return fmt.Errorf("drain nodes: %w", err)
		case err != nil:
			c.log.WarnContext(ctx, "nodes not drained", "err", err)
			timer.Reset(Glance)
		case open:
			timer.Reset(Glance)
		default:
			timer.Reset(Idle)
		}
	}
}

// Turn takes every drain that is under way one step further; open says whether there is any.
func (c *Cluster) Turn(ctx context.Context, epoch int64) (open bool, err error) {
	drains, err := c.cfg.Store.Drains(ctx)
	if err != nil || len(drains) == 0 {
		return false, err
	}
	nodes, err := c.cfg.Store.Nodes(ctx)
	if err != nil {
		return false, err
	}
	known := map[string]paas.Node{}
	for _, n := range nodes {
		known[n.ID] = n
	}
	for _, d := range drains {
		if d.State == paas.DrainDone {
			continue
		}
		open = true
		next, err := c.step(ctx, d, known)
		if err != nil {
			return open, err
		}
		if next == d {
			continue
		}
		var events []paas.Event
		if next.State != d.State {
			words := map[paas.DrainState]string{paas.DrainDraining: "Nomad drains node " + d.Node, paas.DrainDone: "node " + d.Node + " is empty"}
			events = append(events, c.event("", "%s", words[next.State]))
			c.log.InfoContext(ctx, "drain went on", "node", d.Node, "state", next.State)
		}
		if err := c.cfg.Store.PutDrain(ctx, epoch, next, events...); err != nil && paas.CodeOf(err) != paas.NotFound {
			return open, err
		}
	}
	return open, nil
}

// step does what one drain needs now, and gives how far it is.
func (c *Cluster) step(ctx context.Context, d paas.Drain, nodes map[string]paas.Node) (paas.Drain, error) {
	node := nodes[d.NodeID]
	if node.ID == "" {
		d.State, d.Reason, d.EndedAt = paas.DrainDone, "The node has left the cluster.", c.ended()
		return d, nil
	}
	if node.Eligible {
		d.State = paas.DrainLeaving
		d.Reason = "Nomad is to place no new instances there."
		return d, c.cfg.Scheduler.SetEligible(ctx, node.ID, false)
	}
	waits, err := c.prepare(ctx, d, node, nodes)
	if err != nil {
		return d, err
	}
	if len(waits) > 0 && d.State == paas.DrainLeaving {
		d.Reason = waits.String()
		return d, nil
	}
	if d.State == paas.DrainLeaving { // its end is seen only once it has begun
		d.State, d.Reason = paas.DrainDraining, ""
		return d, c.cfg.Scheduler.Drain(ctx, node.ID)
	}
	loads, err := c.cfg.Store.NodeLoads(ctx)
	if err != nil {
		return d, err
	}
	if n := loads[node.ID]; n > 0 {
		d.Reason = fmt.Sprintf("%d of our instances are there still.", n)
		if n == 1 {
			d.Reason = "One of our instances is there still."
		}
		return d, nil
	}
	if node.Draining {
		d.Reason = "Nomad has not finished."
		return d, c.remind(ctx, node.ID)
	}
	delete(c.empty, node.ID)
	d.State, d.Reason, d.EndedAt = paas.DrainDone, "", c.ended()
	return d, nil
}

// remind has Nomad look again at a node that it drains and that has been empty of ours for a while: it may have
// missed the end of the last allocation (see Next).
func (c *Cluster) remind(ctx context.Context, node string) error {
	now := c.cfg.Now()
	since, known := c.empty[node]
	if !known {
		c.empty[node] = now
	}
	if !known || now.Sub(since) < Again {
		return nil
	}
	c.empty[node] = now
	return c.cfg.Scheduler.Drain(ctx, node)
}

func (c *Cluster) ended() *time.Time {
	now := c.cfg.Now()
	return &now
}

// prepare has apps walk that would lose their last instance, and says what is waited for.
func (c *Cluster) prepare(ctx context.Context, d paas.Drain, node paas.Node, nodes map[string]paas.Node) (waits, error) {
	refs, err := c.cfg.Store.Tenants(ctx, node.ID)
	if err != nil {
		return nil, err
	}
	where := sync.OnceValue(func() places { return c.places(ctx, node, nodes) })
	var list waits
	for _, ref := range refs {
		snap, err := c.cfg.Store.Snapshot(ctx, ref)
		if paas.CodeOf(err) == paas.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		verdict := Next(snap, node)
		if verdict == (Verdict{}) {
			delete(c.asked, ref)
		}
		switch {
		case verdict.Wait != "":
			list = append(list, wait{text: verdict.Wait})
		case verdict.Walk && d.State == paas.DrainLeaving:
			w, err := c.walk(ctx, d, snap, where())
			if err != nil {
				return nil, err
			}
			list = append(list, w)
		}
	}
	return list, nil
}

// walk has an app walk off a node, unless it would only turn back.
func (c *Cluster) walk(ctx context.Context, d paas.Drain, snap paas.Snapshot, at places) (wait, error) {
	ref := snap.App.Ref()
	if why := at.without(snap); why != "" {
		return wait{text: fmt.Sprintf("%s can't walk: %s", ref, why), next: fmt.Sprintf(
			"It goes on by itself when there is: take another machine, or let one take instances again (`crumpet nodes` lists them). `crumpet node drain %s --undo` ends it.", d.Node)}, nil
	}
	told := c.asked[ref]
	if told.times > 0 && c.cfg.Now().Before(told.next()) {
		return wait{text: fmt.Sprintf("%s could not walk to other nodes (`crumpet events %s` says why), and tries again at %s", ref, ref.App, told.next().UTC().Format("15:04:05 UTC"))}, nil
	}
	c.asked[ref] = asked{c.cfg.Now(), told.times + 1}
	_, err := c.cfg.Deployer.Leave(ctx, ref, d.Node, d.By)
	if err != nil && paas.CodeOf(err) != paas.Conflict {
		return wait{}, fmt.Errorf("walk %s off node %s: %w", ref, d.Node, err)
	}
	return wait{text: fmt.Sprintf("%s walks to other nodes", ref)}, nil
}
