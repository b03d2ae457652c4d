package nomad_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const routersNodes = `[
  {"ID": "n1", "Name": "one", "Datacenter": "dc1", "NodePool": "default", "Status": "ready", "SchedulingEligibility": "eligible"},
  {"ID": "n2", "Name": "drained", "Datacenter": "dc1", "NodePool": "default", "Status": "ready", "SchedulingEligibility": "ineligible", "Drain": true},
  {"ID": "n3", "Name": "ineligible", "Datacenter": "dc1", "NodePool": "default", "Status": "ready", "SchedulingEligibility": "ineligible"},
  {"ID": "n4", "Name": "down", "Datacenter": "dc1", "NodePool": "default", "Status": "down", "SchedulingEligibility": "eligible"},
  {"ID": "n5", "Name": "of another pool", "Datacenter": "dc1", "NodePool": "gpu", "Status": "ready", "SchedulingEligibility": "eligible"},
  {"ID": "n6", "Name": "of another datacenter", "Datacenter": "west", "NodePool": "default", "Status": "ready", "SchedulingEligibility": "eligible"}
]`

const routersAllocs = `[
  {"ID": "a1", "NodeID": "n1", "NodeName": "one", "ClientStatus": "failed", "DesiredStatus": "run", "JobVersion": 2, "CreateTime": 1000000000, "TaskStates": {"fabio": {"State": "dead", "Failed": true, "Events": [
    {"Type": "Received", "DisplayMessage": "Task received by client"},
    {"Type": "Setup Failure", "DisplayMessage": "failed to derive a Vault token."},
    {"Type": "Not Restarting", "DisplayMessage": "Error was unrecoverable"}
  ]}}},
  {"ID": "a2", "NodeID": "n4", "NodeName": "down", "ClientStatus": "lost", "ClientDescription": "alloc is lost since its node is down", "DesiredStatus": "stop", "JobVersion": 1, "CreateTime": 2000000000}
]`

func TestTheRoutersJobIsReadWithWhatIsLeftOfItsInstances(t *testing.T) {
	t.Parallel()
	job := `{"ID": "fabio", "Type": "system", "Stop": false, "Version": 2, "NodePool": "default", "Datacenters": ["dc*"]}`
	for _, tt := range []struct {
		name, job string
		code      int
		want      *paas.RouterJob
	}{
		{"it runs", job, http.StatusOK, &paas.RouterJob{
			Version: 2, Nodes: []paas.Node{{ID: "n1", Name: "one"}},
			Instances: []paas.SystemInstance{
				{ID: "a1", NodeID: "n1", Node: "one", Client: "failed", Desired: "run", Version: 2, CreatedAt: time.Unix(1, 0), Said: "failed to derive a Vault token"},
				{ID: "a2", NodeID: "n4", Node: "down", Client: "lost", Desired: "stop", Version: 1, CreatedAt: time.Unix(2, 0), Said: "alloc is lost since its node is down"},
			},
		}},
		{"it is stopped", `{"ID": "fabio", "Type": "system", "Stop": true}`, http.StatusOK, nil},
		{"it is no job for every node", `{"ID": "fabio", "Type": "service", "Stop": false}`, http.StatusOK, nil},
		{"there is none", "job not found", http.StatusNotFound, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := server(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v1/job/fabio":
					if r.URL.Query().Get("namespace") != "crumpet--platform" {
						t.Errorf("the job is read in namespace %q", r.URL.Query().Get("namespace"))
					}
					w.WriteHeader(tt.code)
					_, _ = fmt.Fprint(w, tt.job)
				case "/v1/job/fabio/allocations":
					_, _ = fmt.Fprint(w, routersAllocs)
				case "/v1/nodes":
					_, _ = fmt.Fprint(w, routersNodes)
				default:
					t.Errorf("it asks for %s", r.URL.Path)
				}
			})
			got, err := c.RouterJob(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestANodeIsEvaluated(t *testing.T) {
	t.Parallel()
	asked := ""
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path
		_, _ = fmt.Fprint(w, `{"EvalIDs": ["e"]}`)
	})
	if err := c.EvaluateNode(t.Context(), "n1"); err != nil || asked != "PUT /v1/node/n1/evaluate" {
		t.Errorf("asked %s, %v", asked, err)
	}
}
