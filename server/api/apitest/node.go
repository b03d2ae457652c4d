package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// nodeViews are two nodes; p.drain is the wish for the second to be empty.
func (p *Platform) nodeViews() []paas.NodeView {
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	node := func(id, name string) paas.Node {
		return paas.Node{ID: id, Name: name, Datacenter: "dc1", Pool: "default", Address: "10.0.0." + id[:1], Status: paas.NodeReady, Eligible: true, Since: since}
	}
	views := []paas.NodeView{{Node: node("1a2b", "node-1"), Instances: 2}, {Node: node("2c3d", "node-2")}}
	for n := range views {
		if d, ok := p.drains[views[n].ID]; ok {
			views[n].Drain, views[n].Eligible = &d, false
			if d.State == paas.DrainDone {
				views[n].Instances = 0
			}
		}
	}
	return views
}

// Nodes and what follows implement api.Nodes. A drain takes a step each time it is asked about.
func (p *Platform) Nodes(context.Context) (views []paas.NodeView, err error) {
	p.locked(func() { views = p.nodeViews() })
	return views, nil
}

func (p *Platform) Node(_ context.Context, name string) (view paas.NodeView, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if view, err = p.nodeView(name); err != nil || view.Drain == nil {
		return view, err
	}
	d := *view.Drain
	switch d.State {
	case paas.DrainLeaving:
		d.State, d.Reason = paas.DrainDraining, "One of our instances is there still."
	case paas.DrainDraining, paas.DrainDone:
		d.State, d.Reason = paas.DrainDone, ""
	}
	p.drains[view.ID] = d
	return view, nil
}

func (p *Platform) nodeView(name string) (paas.NodeView, error) {
	return lookup(p.nodeViews(), func(v paas.NodeView) bool { return slices.Contains([]string{v.ID, v.Name}, name) },
		"The cluster has no node %q.", name)
}

func (p *Platform) Drain(_ context.Context, name, by string) (paas.NodeView, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	view, err := p.nodeView(name)
	if err != nil {
		return view, err
	}
	p.drains[view.ID] = paas.Drain{NodeID: view.ID, Node: view.Name, By: by, State: paas.DrainLeaving, Reason: "default/shop walks to other nodes."}
	return p.nodeView(name)
}

func (p *Platform) Undo(_ context.Context, name, _ string) (paas.NodeView, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	view, err := p.nodeView(name)
	if err != nil {
		return view, err
	}
	delete(p.drains, view.ID)
	return p.nodeView(name)
}
