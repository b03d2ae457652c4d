package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/cluster"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// machinery is what an overview looks at: Consul does not answer.
type machinery struct{ silent bool }

func (machinery) nodes(context.Context) ([]paas.NodeView, error) {
	return []paas.NodeView{{Node: paas.Node{ID: "n-1", Name: "node-1"}, Instances: 2}, {Node: paas.Node{ID: "n-2", Name: "node-2"}}}, nil
}

func (machinery) Backends(context.Context) ([]paas.Backend, error) {
	return []paas.Backend{{Name: paas.BackendConsul, Reason: "Consul does not answer.", Since: noon}, {Name: paas.BackendNomad, OK: true, Since: noon}}, nil
}

func (machinery) Running(context.Context) ([]paas.Instance, error) {
	return []paas.Instance{
		{ID: "i2", Team: "red", App: "shop", Process: "web", Slot: paas.Blue, Index: 1, Release: 3, NodeID: "n-1", State: paas.InstanceRunning, Health: paas.HealthHealthy},
		{ID: "i1", Team: "blue", App: "api", Process: "web", Slot: paas.Green, NodeID: "n-1", State: paas.InstancePending},
	}, nil
}

func (m machinery) Rooms(ctx context.Context) (map[string]paas.NodeCapacity, error) {
	if m.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return map[string]paas.NodeCapacity{
		"n-1": {
			CPU: paas.Extent{Total: 4000, Reserved: 350}, Memory: paas.Extent{Total: 8000, Reserved: 400},
			Instances: map[string]paas.Reserved{"i1": {CPU: 100, Memory: 64}, "i2": {CPU: 200, Memory: 128}, "other": {CPU: 50, Memory: 208}},
		},
		"n-2": {CPU: paas.Extent{Total: 4000}, Memory: paas.Extent{Total: 8000}},
	}, nil
}

func (m machinery) Routers(ctx context.Context) ([]paas.Router, error) {
	if m.silent {
		return nil, paas.Errorf(paas.Unavailable, "No router is known.")
	}
	return []paas.Router{{Address: "http://10.0.0.1:9998", OK: true, Routes: 7}}, nil
}

func overview(m machinery) *cluster.Overview {
	return cluster.NewOverview(cluster.OverviewConfig{
		Nodes: m.nodes, Store: m, Rooms: m, Routers: m, Now: func() time.Time { return noon },
		Versions: map[string]func(context.Context) (string, error){
			paas.BackendNomad:  func(context.Context) (string, error) { return "2.0.6", nil },
			paas.BackendConsul: func(context.Context) (string, error) { return "never asked", nil },
		},
	})
}

func TestTheOverviewPutsNodesTogetherWithWhatIsOnThem(t *testing.T) {
	t.Parallel()
	got, err := overview(machinery{}).Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n1 := got.Nodes[0]
	if !n1.Known || n1.CPU != (paas.Extent{Total: 4000, Reserved: 350}) || n1.Memory.Reserved != 400 || got.Nodes[1].CPU.Total != 4000 || len(got.Nodes[1].Tenants) != 0 {
		t.Errorf("%+v", got.Nodes)
	}
	want := []paas.Tenant{
		{Team: "blue", App: "api", Process: "web", Instance: "i1", Slot: paas.Green, State: paas.InstancePending, CPU: 100, Memory: 64},
		{Team: "red", App: "shop", Process: "web", Instance: "i2", Slot: paas.Blue, Index: 1, Release: 3, State: paas.InstanceRunning, Health: paas.HealthHealthy, CPU: 200, Memory: 128},
	}
	if diff := cmp.Diff(want, n1.Tenants); diff != "" {
		t.Error(diff)
	}
	consul, nomad := got.Backends[0], got.Backends[1]
	if consul.OK || !strings.Contains(consul.Next, "consul members") || consul.Version != "" || !consul.Since.Equal(noon) {
		t.Errorf("%+v", consul)
	}
	if nomad.Next != "" || nomad.Version != "2.0.6" {
		t.Errorf("%+v", nomad)
	}
	if len(got.Routers) != 1 || got.Routers[0].Routes != 7 {
		t.Errorf("%+v", got.Routers)
	}
}

func TestTheOverviewIsShownWhileNomadIsSilent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := overview(machinery{silent: true}).Overview(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Nodes) != 2 || got.Nodes[0].Known || len(got.Nodes[0].Tenants) != 2 || len(got.Routers) != 0 || len(got.Backends) != 2 {
		t.Errorf("%+v", got)
	}
}
