package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SpecText gives the text that a release was pushed with.
func (p *Platform) SpecText(_ context.Context, r paas.Release) (paas.SpecText, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range slices.Backward(p.releases[r.Ref()]) {
		if other.Number <= r.Number && other.SpecDigest == r.SpecDigest && other.Source != nil {
			return *other.Source, nil
		}
	}
	return paas.SpecText{}, paas.Errorf(paas.NotFound, "The text of the spec was not kept.")
}

// Measure implements api.Meter: every instance takes a quarter of what it may; of one on node-2 nothing is known.
func (p *Platform) Measure(_ context.Context, snap paas.Snapshot) (list []paas.InstanceUsage) {
	now := time.Now().UTC()
	for _, i := range snap.Instances {
		u := paas.InstanceUsage{
			Instance: i.ID, Process: i.Process, Slot: i.Slot, Release: i.Release, Index: i.Index, Node: i.Node,
			CPULimit: 100, MemoryLimit: 64, MemoryMax: 128,
		}
		if u.Known = i.Node != "node-2"; u.Known {
			u.CPU, u.Memory, u.At = 25, 16, &now
		} else {
			u.Reason = "Node node-2 does not answer."
		}
		list = append(list, u)
	}
	return list
}

// Templates implements api.Launches.
func (p *Platform) Templates() []paas.Template {
	return []paas.Template{
		{Name: "go-web", Title: "Web app in Go", Description: "A page and a worker.", Needs: []string{}, Commands: []string{"crumpet init --template go-web NAME"}},
		{Name: "guestbook", Title: "Guestbook", Description: "A page with a database.", Needs: []string{"postgres"}, Commands: []string{"crumpet init --template guestbook NAME"}},
	}
}

// Launch gives a launch whose build is under way.
func (p *Platform) Launch(_ context.Context, r paas.LaunchRequest) (paas.Launch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := lookup(p.Templates(), func(t paas.Template) bool { return t.Name == r.Template }, "There is no template %q.", r.Template); err != nil {
		return paas.Launch{}, err
	}
	if _, taken := p.apps[r.Ref]; taken {
		return paas.Launch{}, paas.Errorf(paas.Conflict, "There is an app %q already. Choose another name.", r.Ref.App)
	}
	l := paas.Launch{Team: r.Ref.Team, App: r.Ref.App, Template: r.Template, Build: "b1", State: paas.LaunchBuilding, CreatedAt: time.Now().UTC(), CreatedBy: r.By}
	p.launches[r.Ref] = l
	return l, nil
}

// Launched gives what Launch began.
func (p *Platform) Launched(_ context.Context, ref paas.AppRef) (paas.Launch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.launches[ref]; ok {
		return l, nil
	}
	return paas.Launch{}, paas.Errorf(paas.NotFound, "App %q was not made of a template.", ref.App)
}

// Overview implements api.Overview: Fabio does not answer, the rest is well.
func (p *Platform) Overview(ctx context.Context) (paas.Platform, error) {
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	views, err := p.Nodes(ctx)
	o := paas.Platform{
		At: since.Add(time.Hour),
		Backends: []paas.BackendView{
			{Backend: paas.Backend{Name: paas.BackendNomad, OK: true, Since: since}, Version: "2.0.6"},
			{Backend: paas.Backend{Name: paas.BackendFabio, Reason: "The router at http://10.0.0.1:9998 refuses connections.", Since: since}, Next: "Start Fabio there."},
		},
		Routers: []paas.Router{{Address: "http://10.0.0.1:9998", Reason: "The router at http://10.0.0.1:9998 refuses connections.", Routes: 7, Apps: 3, ReadAt: &since}},
	}
	for _, v := range views {
		o.Nodes = append(o.Nodes, paas.NodeRoom{NodeView: v, CPU: paas.Extent{Total: 4000, Reserved: 1000}, Memory: paas.Extent{Total: 8192, Reserved: 512}, Known: true})
	}
	return o, err
}

// Backends implements api.Store: Fabio does not answer.
func (p *Platform) Backends(context.Context) (list []paas.Backend, err error) {
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return []paas.Backend{
		{Name: paas.BackendFabio, Reason: "The router at http://10.0.0.1:9998 refuses connections.", Since: since},
		{Name: paas.BackendNomad, OK: true, Since: since},
	}, nil
}

// SetFindings says what the doctor finds from now on.
func (p *Platform) SetFindings(list ...paas.PlatformFinding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.findings = list
}

// Checkup implements api.Doctor: three servers of Nomad, of which one leads.
func (p *Platform) Checkup(context.Context) (paas.Checkup, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	ends := at.Add(90 * 24 * time.Hour)
	c := paas.Checkup{
		At: at, TookMS: 12, Findings: slices.Clone(p.findings),
		Agents:       []paas.NomadAgent{{Name: "node-1", Node: "n1", Address: "10.0.0.1:4646", Client: true, Version: "2.0.6", Consul: "node-1", MinPort: 20000, MaxPort: 32000, Settings: &paas.AgentSettings{MaxKillTimeout: time.Minute}}},
		Certificates: []paas.Certificate{{Of: paas.BackendNomad, Where: "10.0.0.1:4646", Subject: "server.global.nomad", Ends: &ends}},
		Leases:       []paas.Lease{{Of: paas.BackendVault, Ends: &ends, Renewable: true}},
	}
	q := paas.Quorum{Program: paas.BackendNomad, Leader: "one", Version: "2.0.6"}
	for _, name := range []string{"one", "two", "three"} {
		q.Servers = append(q.Servers, paas.QuorumServer{Name: name, Address: "10.0.0.1:4647", Version: "2.0.6", Leader: name == q.Leader, Voter: true, Healthy: true})
	}
	if c.Quorums = []paas.Quorum{q}; len(c.Findings) > 0 {
		c.Worst = c.Findings[0].Severity
	}
	return c, nil
}
