package jobspec_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestAmendChangesCountsAndTagsOnly(t *testing.T) {
	t.Parallel()
	rendered, in := golden(t, "references")
	text := jobspec.Encode(rendered)
	stored, err := jobspec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	s := in.Release.Spec
	s.Processes[0].Routes = []paas.Route{{Host: "new.example.com", Path: "/", Port: "grpc-in"}}
	s.Processes[0].Memory = 999 // not a count nor a tag: must not get in

	got := jobspec.Amend(stored, map[string]int{"web": 5, "stranger": 3}, s, "")
	want, err := jobspec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	want.TaskGroups[0].Count = new(5)
	want.TaskGroups[0].Services[0].Tags = nil
	want.TaskGroups[0].Services[1].Tags = []string{"urlprefix-new.example.com/"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("more than counts and tags changed:\n%s", diff)
	}
	if diff := cmp.Diff(string(text), string(jobspec.Encode(stored))); diff != "" {
		t.Errorf("the stored job was written to:\n%s", diff)
	}
}

func TestAmendWithTheSameSpecGivesTheStoredBytes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"web", "references", "static", "worker"} {
		rendered, in := golden(t, name)
		stored, err := jobspec.Decode(jobspec.Encode(rendered))
		if err != nil {
			t.Fatal(err)
		}
		got := jobspec.Encode(jobspec.Amend(stored, in.Counts, in.Release.Spec, ""))
		if diff := cmp.Diff(string(jobspec.Encode(rendered)), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestForcesNamesTheKeyThatDiffers(t *testing.T) {
	t.Parallel()
	for key, edit := range map[string]func(*jobspec.Input, *paas.Process){
		"": func(in *jobspec.Input, p *paas.Process) {
			in.Counts = map[string]int{"web": 9}
			in.Slot = paas.Green
			in.Release.Number = 8
			p.Instances = 9
			p.Strategy = paas.StopFirst
			p.Routes = append(p.Routes, paas.Route{Host: "b.example.com", Path: "/", Port: "http"})
		},
		"process.web.env.COUNT": func(_ *jobspec.Input, p *paas.Process) { p.Env["COUNT"] = paas.Literal("4") },
		"process.web.env.NEW":   func(_ *jobspec.Input, p *paas.Process) { p.Env["NEW"] = paas.Literal("") },
		"process.web.env.GRPC":  func(_ *jobspec.Input, p *paas.Process) { delete(p.Env, "GRPC") },
		"process.web.env.SHARED": func(in *jobspec.Input, _ *paas.Process) {
			in.Release.Spec.Env["SHARED"] = paas.Literal("${other}")
		},
		"process.web.command":          func(_ *jobspec.Input, p *paas.Process) { p.Command = p.Command[:2] },
		"process.web.cpu":              func(_ *jobspec.Input, p *paas.Process) { p.CPU++ },
		"process.web.memory":           func(_ *jobspec.Input, p *paas.Process) { p.Memory++ },
		"process.web.health.readiness": func(_ *jobspec.Input, p *paas.Process) { p.Health.Readiness.Path = "/other" },
		"process.web.port":             func(_ *jobspec.Input, p *paas.Process) { p.Ports = append(p.Ports, paas.Port{Name: "x"}) },
		"process.web.route":            func(_ *jobspec.Input, p *paas.Process) { p.Routes[0].Host = "first.example.com" },
		"process.web.restart.attempts": func(_ *jobspec.Input, p *paas.Process) { p.Restart.Attempts++ },
		"process.web.restart.delay":    func(_ *jobspec.Input, p *paas.Process) { p.Restart.Delay++ },
		"process.web.startup":          func(_ *jobspec.Input, p *paas.Process) { p.Startup *= 2 },
		"process.web.min_healthy":      func(_ *jobspec.Input, p *paas.Process) { p.MinHealthy = 4 * time.Second },
		"process.web.shutdown_delay":   func(_ *jobspec.Input, p *paas.Process) { p.ShutdownDelay++ },
		"process.web.kill_timeout":     func(_ *jobspec.Input, p *paas.Process) { p.KillTimeout++ },
		"process":                      func(_ *jobspec.Input, p *paas.Process) { p.Name = "other" },
		"artifact":                     func(in *jobspec.Input, _ *paas.Process) { in.Release.Artifact = in.Release.Runtime },
		"crumpet":                      func(in *jobspec.Input, _ *paas.Process) { in.Driver = "raw_exec" },
	} {
		old, _ := golden(t, "references")
		_, in := golden(t, "references")
		edit(&in, &in.Release.Spec.Processes[0])
		got, forced := jobspec.Forces(old, jobspec.Job(in))
		if got != key || forced != (key != "") {
			t.Errorf("got %q, %t; want %q", got, forced, key)
		}
	}
}

func TestDecodeRefusesWhatIsNoJobOfOurs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", "{}", "null", `{"ID":"a.blue","Name":"a.blue","Namespace":"t","TaskGroups":[{"Name":"web","Count":1}]}`,
		`{"ID":"a.blue","Name":"a.blue","Namespace":"t","TaskGroups":[null]}`,
	} {
		if job, err := jobspec.Decode([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, job)
		}
	}
}

func TestPlacementReason(t *testing.T) {
	t.Parallel()
	job, _ := golden(t, "web")
	for name, c := range map[string]struct {
		metric *nomadapi.AllocationMetric
		want   string
	}{
		"nothing failed": {nil, ""},
		"memory": {
			&nomadapi.AllocationMetric{NodesEvaluated: 1, NodesExhausted: 1, DimensionExhausted: map[string]int{"memory": 1}},
			"no node has 64 MB of free memory, which web needs",
		},
		"cpu, and nodes that do not fit": {
			&nomadapi.AllocationMetric{NodesEvaluated: 3, NodesExhausted: 1, NodesFiltered: 2, DimensionExhausted: map[string]int{"cpu": 1}},
			"no node has 100 MHz of free cpu, which web needs (1 of 3 nodes are full, 2 do not fit otherwise)",
		},
		"ports": {
			&nomadapi.AllocationMetric{NodesEvaluated: 2, DimensionExhausted: map[string]int{"network: port collision": 2}},
			"no node has room for web: network: port collision on 2 nodes",
		},
		"driver": {
			&nomadapi.AllocationMetric{NodesEvaluated: 1, NodesFiltered: 1, ConstraintFiltered: map[string]int{"missing drivers": 1}},
			`no node can run tasks under the driver "exec", which web needs`,
		},
		"constraint": {
			&nomadapi.AllocationMetric{NodesEvaluated: 1, NodesFiltered: 1, ConstraintFiltered: map[string]int{"missing network": 1}},
			"no node fits web: missing network on 1 node",
		},
		"no node": {&nomadapi.AllocationMetric{}, "no node is ready to run web"},
		"disk": {
			&nomadapi.AllocationMetric{NodesEvaluated: 1, DimensionExhausted: map[string]int{"disk": 1}},
			"no node has enough free disk, which web needs",
		},
		"distinct hosts": {
			&nomadapi.AllocationMetric{NodesEvaluated: 2, NodesFiltered: 2, ConstraintFiltered: map[string]int{"distinct_hosts": 2}},
			"every node that fits has an instance already, and web wants distinct hosts (distinct_hosts on 2 nodes)",
		},
	} {
		if got := jobspec.PlacementReason(map[string]*nomadapi.AllocationMetric{"web": c.metric}, job); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	s := full()
	s.Placement.Pool = "gpu"
	s.Processes[0].CPU, s.Processes[0].Cores = 0, 3
	job = jobspec.Job(rendering(s))
	for dimension, want := range map[string]string{
		"memory": "no node has 192 MB of free memory, which web needs", // with its two sidecars
		"cores":  "no node has 3 whole free cores, which web needs",
		"disk":   "no node has 200 MB of free disk, which web needs",
		"":       `no node is ready to run web in the node pool "gpu" and the datacenters dc1, dc2`,
	} {
		m := &nomadapi.AllocationMetric{NodesEvaluated: 1, DimensionExhausted: map[string]int{dimension: 1}}
		if dimension == "" {
			m = &nomadapi.AllocationMetric{NodePool: "gpu"}
		}
		if got := jobspec.PlacementReason(map[string]*nomadapi.AllocationMetric{"web": m}, job); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	exhausted := &nomadapi.AllocationMetric{NodesEvaluated: 1, DimensionExhausted: map[string]int{"memory": 1}}
	if got := jobspec.PlacementReason(map[string]*nomadapi.AllocationMetric{"web": exhausted}, nil); got != "no node has enough free memory, which web needs" {
		t.Errorf("without a job: %q", got)
	}
}
