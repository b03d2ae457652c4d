package nomad_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestMeasureReadsWhatAnAllocationTakes(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("namespace") != "acme" {
			http.Error(w, "Unknown allocation", http.StatusNotFound)
			return
		}
		body := map[string]string{
			"/v1/client/allocation/a1/stats": `{"ResourceUsage":{"CpuStats":{"TotalTicks":120.5},"MemoryStats":{"RSS":1048576,"Usage":9}},"Tasks":{"web":{}},"Timestamp":1763892000000000000}`,
			"/v1/client/allocation/a2/stats": `{"ResourceUsage":{"CpuStats":{"TotalTicks":1},"MemoryStats":{"Usage":2097152,"Measured":["Usage"]}},"Tasks":{"web":{}},"Timestamp":1763892000000000000}`,
			"/v1/client/allocation/a3/stats": `{"Tasks":{"web":{}},"Timestamp":1763892000000000000}`,
			// As of a client that can't measure.
			"/v1/client/allocation/a4/stats": `{"ResourceUsage":{"CpuStats":{"TotalTicks":0},"MemoryStats":{"RSS":0}},"Tasks":{},"Timestamp":0}`,
		}[r.URL.Path]
		if body == "" {
			http.Error(w, "Unknown allocation", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, body)
	})
	at := time.Unix(1763892000, 0).UTC()
	for alloc, want := range map[string]paas.Measured{
		"a1": {At: at, CPU: 120.5, Memory: 1 << 20}, "a2": {At: at, CPU: 1, Memory: 2 << 20}, "a3": {At: at},
	} {
		got, err := c.Measure(t.Context(), "acme", alloc)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", alloc, diff)
		}
	}
	if _, err := c.Measure(t.Context(), "acme", "a4"); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("one that is not measured: %v", err)
	}
	if _, err := c.Measure(t.Context(), "acme", "none"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestRoomsAreWhatNodesHaveWithoutWhatTheyKeep(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("resources") != "true" {
			t.Errorf("%s asks without resources", r.URL)
		}
		switch r.URL.Path {
		case "/v1/nodes":
			_, _ = io.WriteString(w, `[
				{"ID":"n1","NodeResources":{"Cpu":{"CpuShares":4000},"Memory":{"MemoryMB":8000}},"ReservedResources":{"Cpu":{"CpuShares":500},"Memory":{"MemoryMB":1000}}},
				{"ID":"n2","NodeResources":{"Cpu":{"CpuShares":2000},"Memory":{"MemoryMB":4000}}}]`)
		case "/v1/allocations":
			task := `{"Cpu":{"CpuShares":100},"Memory":{"MemoryMB":64}}`
			_, _ = io.WriteString(w, `[
				{"ID":"a1","NodeID":"n1","ClientStatus":"running","AllocatedResources":{"Tasks":{"web":`+task+`,"side":`+task+`}}},
				{"ID":"a2","NodeID":"n1","ClientStatus":"pending","AllocatedResources":{"Tasks":{"web":`+task+`}}},
				{"ID":"a3","NodeID":"n1","ClientStatus":"complete","AllocatedResources":{"Tasks":{"web":`+task+`}}},
				{"ID":"a4","NodeID":"gone","ClientStatus":"running","AllocatedResources":{"Tasks":{"web":`+task+`}}}]`)
		}
	})
	got, err := c.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]paas.NodeCapacity{
		"n1": {
			CPU: paas.Extent{Total: 3500, Reserved: 300}, Memory: paas.Extent{Total: 7000, Reserved: 192},
			Instances: map[string]paas.Reserved{"a1": {CPU: 200, Memory: 128}, "a2": {CPU: 100, Memory: 64}},
		},
		"n2": {CPU: paas.Extent{Total: 2000}, Memory: paas.Extent{Total: 4000}, Instances: map[string]paas.Reserved{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
