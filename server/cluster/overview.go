package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Rooms says what nodes have and what of that is reserved, by their ids. Code: unavailable.
type Rooms interface {
	Rooms(ctx context.Context) (map[string]paas.NodeCapacity, error)
}

// Routers says how every router is. Code unavailable where it is not known which there are.
type Routers interface {
	Routers(ctx context.Context) ([]paas.Router, error)
}

// OverviewConfig is what an Overview works with.
type OverviewConfig struct {
	Nodes   func(ctx context.Context) ([]paas.NodeView, error)
	Store   OverviewStore
	Rooms   Rooms
	Routers Routers
	// Versions ask a backend, by its name, for the version it is of.
	Versions map[string]func(ctx context.Context) (string, error)
	Now      func() time.Time // time.Now by default
}

// OverviewStore is what of the store an Overview shows.
type OverviewStore interface {
	Backends(ctx context.Context) ([]paas.Backend, error)
	// Running gives the instances of all apps that have not ended.
	Running(ctx context.Context) ([]paas.Instance, error)
}

// Overview looks at the machinery under all apps.
type Overview struct{ cfg OverviewConfig }

// NewOverview makes an Overview.
func NewOverview(cfg OverviewConfig) *Overview {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Overview{cfg}
}

// lookWithin bounds what is asked of each program: who does not answer in that time is shown as one that does not.
const lookWithin = 4 * time.Second

// Overview reads what the store knows, and asks Nomad and the routers side by side for what it does not. What does not
// answer is told in the answer; an error is the store's.
func (o *Overview) Overview(ctx context.Context) (paas.Platform, error) {
	nodes, err := o.cfg.Nodes(ctx)
	if err != nil {
		return paas.Platform{}, err
	}
	backends, err := o.cfg.Store.Backends(ctx)
	if err != nil {
		return paas.Platform{}, err
	}
	running, err := o.cfg.Store.Running(ctx)
	if err != nil {
		return paas.Platform{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var all sync.WaitGroup
	var rooms map[string]paas.NodeCapacity
	var routers []paas.Router
	all.Go(func() { rooms, _ = o.cfg.Rooms.Rooms(ctx) })       // without it the nodes say that nothing is known
	all.Go(func() { routers, _ = o.cfg.Routers.Routers(ctx) }) // the backend fabio has the reason
	versions := make([]string, len(backends))
	for i, b := range backends {
		if ask, ok := o.cfg.Versions[b.Name]; ok && b.OK {
			all.Go(func() { versions[i], _ = ask(ctx) }) // it is shown without
		}
	}
	all.Wait()
	p := paas.Platform{At: o.cfg.Now().UTC(), Routers: routers, Nodes: roomsOf(nodes, rooms, running)}
	for i, b := range backends {
		p.Backends = append(p.Backends, paas.BackendView{Backend: b, Version: versions[i], Next: nextStep(b)})
	}
	return p, nil
}

// roomsOf puts nodes together with what they have and who is on them. Pure.
func roomsOf(nodes []paas.NodeView, rooms map[string]paas.NodeCapacity, running []paas.Instance) []paas.NodeRoom {
	on := map[string][]paas.Tenant{}
	for _, i := range running {
		reserved := rooms[i.NodeID].Instances[i.ID]
		on[i.NodeID] = append(on[i.NodeID], paas.Tenant{
			Team: i.Team, App: i.App, Process: i.Process, Instance: i.ID, Slot: i.Slot, Index: i.Index, Release: i.Release,
			State: i.State, Health: i.Health, CPU: reserved.CPU, Memory: reserved.Memory,
		})
	}
	list := make([]paas.NodeRoom, 0, len(nodes))
	for _, n := range nodes {
		room, known := rooms[n.ID]
		tenants := on[n.ID]
		slices.SortFunc(tenants, func(a, b paas.Tenant) int {
			return cmp.Or(strings.Compare(a.Team, b.Team), strings.Compare(a.App, b.App), strings.Compare(a.Process, b.Process),
				strings.Compare(string(a.Slot), string(b.Slot)), cmp.Compare(a.Index, b.Index), strings.Compare(a.Instance, b.Instance))
		})
		list = append(list, paas.NodeRoom{NodeView: n, CPU: room.CPU, Memory: room.Memory, Known: known, Tenants: tenants})
	}
	return list
}

// nextStep says what to do about a backend that does not do its work, and what that means meanwhile.
func nextStep(b paas.Backend) string {
	if b.OK {
		return ""
	}
	steps := map[string]string{
		paas.BackendNomad:  "See `nomad server members` and `systemctl status nomad` on its servers. Running instances go on serving; nothing is placed, moved or scaled until it answers.",
		paas.BackendConsul: "See `consul members` and `systemctl status consul`. Routers keep the tables they have; no deployment goes on until it answers.",
		paas.BackendVault:  "See `vault status`: a sealed Vault is opened with `vault operator unseal`. Running instances go on; no new one starts that needs a secret.",
		paas.BackendFabio:  "See which router below does not answer, and `systemctl status fabio` there. Deployments wait for every router.",
	}
	step, known := steps[b.Name]
	if !known {
		return fmt.Sprintf("See that %s runs and can be reached from Crumpet's servers.", b.Name)
	}
	return step
}
