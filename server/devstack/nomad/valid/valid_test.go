package valid_test

import (
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/valid"
)

func job(edit func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task)) *nomadapi.Job {
	t := &nomadapi.Task{Name: "web", Driver: "exec", Config: map[string]any{"command": "x"}}
	g := &nomadapi.TaskGroup{Name: new("web"), Tasks: []*nomadapi.Task{t}}
	j := &nomadapi.Job{ID: new("app"), Name: new("app"), Datacenters: []string{"*"}, TaskGroups: []*nomadapi.TaskGroup{g}}
	if edit != nil {
		edit(j, g, t)
	}
	j.Canonicalize()
	return j
}

// The conformance table compares the texts with Nomad's own; here stands that a fault is found at all.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	if faults := valid.Job(job(nil)); len(faults) > 0 {
		t.Fatalf("a job that is right has faults: %v", faults)
	}
	for want, edit := range map[string]func(j *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task){
		"Job ID contains a space": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.ID = new("a b") },
		"Missing job datacenters": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Datacenters = []string{} },
		"is not served":           func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Type = new("system") },
		"Only one task may": func(_ *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task) {
			t.Leader = true
			g.Tasks = append(g.Tasks, t)
		},
		"redefines 'web'": func(_ *nomadapi.Job, g *nomadapi.TaskGroup, t *nomadapi.Task) { g.Tasks = append(g.Tasks, t) },
		"no lifecycle hook": func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
			t.Lifecycle = &nomadapi.TaskLifecycle{}
		},
		"minimum DiskMB value is": func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
			g.EphemeralDisk = &nomadapi.EphemeralDisk{SizeMB: new(1)}
		},
		"requires an RTarget": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
			j.Constraints = []*nomadapi.Constraint{{LTarget: "a", Operand: "="}}
		},
		"Version constraint is": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
			j.Constraints = []*nomadapi.Constraint{{LTarget: "a", Operand: "version", RTarget: "x"}}
		},
		"at task level": func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
			t.Constraints = []*nomadapi.Constraint{{Operand: "distinct_hosts"}}
		},
		"same destination as 1": func(_ *nomadapi.Job, _ *nomadapi.TaskGroup, t *nomadapi.Task) {
			t.Templates = []*nomadapi.Template{{EmbeddedTmpl: new("a"), DestPath: new("b")}, {EmbeddedTmpl: new("c"), DestPath: new("b")}}
		},
		"is not compatible with": func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
			g.Services = []*nomadapi.Service{{Name: "a", PortLabel: "80", Checks: []nomadapi.ServiceCheck{{Type: "tcp", Interval: time.Second, Timeout: time.Second, OnUpdate: "ignore", CheckRestart: &nomadapi.CheckRestart{Limit: 1}}}}}
		},
		"not supported for check": func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
			g.Services = []*nomadapi.Service{{Name: "a", Checks: []nomadapi.ServiceCheck{{Type: "script", TaskName: "web", Command: "x", Interval: time.Second, Timeout: time.Second, FailuresBeforeCritical: 2}}}}
		},
		"must be between [1, 100]": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) { j.Priority = new(101) },
		"Only cron or crons may be": func(j *nomadapi.Job, _ *nomadapi.TaskGroup, _ *nomadapi.Task) {
			j.Type, j.Periodic = new("batch"), &nomadapi.PeriodicConfig{Spec: new("@daily"), Specs: []string{"@daily"}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if faults := strings.Join(valid.Job(job(edit)), "\n"); !strings.Contains(faults, want) {
				t.Errorf("got %q", faults)
			}
		})
	}
}

func TestWarningsAreCounted(t *testing.T) {
	t.Parallel()
	j := job(func(_ *nomadapi.Job, g *nomadapi.TaskGroup, _ *nomadapi.Task) {
		g.Services = []*nomadapi.Service{{Name: "a"}, {Name: "b", TaskName: "web"}}
	})
	want := "2 warnings:\n\n* group \"web\" references task \"web\" in a service definition, but the task has no shutdown_delay set\n" +
		"* group \"web\" defines services, but neither the group nor any of its tasks have shutdown_delay set"
	if got := valid.Warned(valid.Warnings(j)); got != want {
		t.Errorf("got %q", got)
	}
	if got := valid.Warned(valid.Warnings(job(nil))); got != "" {
		t.Errorf("got %q", got)
	}
}
