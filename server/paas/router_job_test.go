package paas_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestARouterIsLackingWhereItIsToRunAndNoneIsAlive(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	of := func(id, client, desired string, age time.Duration) paas.SystemInstance {
		return paas.SystemInstance{ID: id, NodeID: "n1", Node: "one", Client: client, Desired: desired, CreatedAt: at.Add(-age)}
	}
	bare := map[string]string{"n1": ""}
	for name, tt := range map[string]struct {
		instances []paas.SystemInstance
		givenUp   []string          // ids
		lacking   map[string]string // ids by node
	}{
		"it runs":                            {[]paas.SystemInstance{of("a", "running", "run", 1)}, nil, nil},
		"it failed":                          {[]paas.SystemInstance{of("a", "failed", "run", 1)}, []string{"a"}, map[string]string{"n1": "a"}},
		"it failed twice":                    {[]paas.SystemInstance{of("a", "failed", "run", 2), of("b", "failed", "run", 1), of("c", "failed", "run", 3)}, []string{"b"}, map[string]string{"n1": "b"}},
		"its successor starts":               {[]paas.SystemInstance{of("a", "failed", "run", 2), of("b", "pending", "run", 1)}, nil, nil},
		"its successor is on a silent node":  {[]paas.SystemInstance{of("a", "failed", "run", 2), of("b", "unknown", "run", 1)}, nil, nil},
		"somebody stopped it":                {[]paas.SystemInstance{of("a", "failed", "stop", 1)}, nil, bare},
		"it was lost with its node":          {[]paas.SystemInstance{of("a", "lost", "stop", 1)}, nil, bare},
		"Nomad has forgotten what was there": {nil, nil, bare},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var givenUp []string
			for _, i := range paas.GivenUp(tt.instances) {
				givenUp = append(givenUp, i.ID)
			}
			if diff := cmp.Diff(tt.givenUp, givenUp); diff != "" {
				t.Error("given up:", diff)
			}
			var lacking map[string]string
			for id, i := range (paas.RouterJob{Nodes: []paas.Node{{ID: "n1", Name: "one"}}, Instances: tt.instances}).Lacking() {
				lacking = map[string]string{id: i.ID}
				if i.Node != "one" {
					t.Errorf("it is on node %q", i.Node)
				}
			}
			if diff := cmp.Diff(tt.lacking, lacking); diff != "" {
				t.Error("lacking:", diff)
			}
			if none := (paas.RouterJob{Instances: tt.instances}).Lacking(); len(none) != 0 {
				t.Errorf("on a node that takes nothing %v is lacking", none)
			}
		})
	}
}
