package watch_test

import (
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

func TestCheckReasonNamesTheProbe(t *testing.T) {
	t.Parallel()
	web := paas.Process{Name: "web", Ports: []paas.Port{{Name: "http"}}, Health: paas.Probes{
		Startup:   &paas.Probe{Type: paas.ProbeExec, Command: []string{"./warm"}},
		Readiness: &paas.Probe{Type: paas.ProbeHTTP, Path: "/ready", Port: "http"},
		Liveness:  &paas.Probe{Type: paas.ProbeHTTP, Path: "/live", Port: "http"},
	}}
	asked := watch.Look{Output: "HTTP GET http://10.0.0.5:23456/ready: 200 OK"}
	for _, tt := range []struct {
		name, check, output string
		want                string
	}{
		{"a program inside", "startup", "the cache\n is cold", "the startup probe of web fails: the cache is cold"},
		{"what a program inside says of others is not ours", "startup", "postgres: connection refused", "the startup probe of web fails: postgres: connection refused"},
		{"liveness", "liveness", "HTTP GET http://10.0.0.5:23456/live: 500 Internal Server Error Output: stuck", "web answers its liveness probe /live with 500 Internal Server Error"},
		{"a look asks for readiness only", "liveness", "", ""},
		{"readiness", "readiness", "", ""},
		{"a port that no probe asks for", "listening", "dial tcp 10.0.0.5:23456: i/o timeout", "web does not answer its health check in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := watch.CheckReason(web, paas.Check{Name: tt.check, Port: "http", Output: tt.output}, paas.Endpoint{Host: "10.0.0.5", Port: 23456}, watch.Look{})
			if tt.check == "readiness" || tt.output == "" {
				got = watch.CheckReason(web, paas.Check{Name: tt.check, Port: "http", Output: tt.output}, paas.Endpoint{Host: "10.0.0.5", Port: 23456}, asked)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// probed is shop with a process that has two checks, and a sidecar.
func probed() *folder {
	a := app("shop", 100)
	rel := a.Releases[3]
	rel.Spec.Processes[0].Health.Liveness = &paas.Probe{Type: paas.ProbeExec, Command: []string{"./alive"}}
	a.Releases[3] = rel
	a.Jobs[paas.Blue].TaskGroups[0].Services = []*nomadapi.Service{{Checks: []nomadapi.ServiceCheck{{Name: "readiness"}, {Name: "liveness"}}}}
	f := &folder{facts: watch.KnownFacts(nil, nil, nil, nil)}
	f.in = f.in.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{{Team: "acme", App: "shop"}: a}})
	return f
}

func TestAnInstanceIsHealthyOnceAllItsChecksPass(t *testing.T) {
	t.Parallel()
	f := probed()
	f.at(after(0), allocations(1, running("a", 0, after(0))))
	f.at(after(0), checks(1, "a", paas.CheckPassing))
	f.at(after(10*time.Second), watch.Seen{})
	if got := f.health(t); got != paas.HealthUnknown {
		t.Errorf("with one of two checks it is %s, want unknown", got)
	}
	f.at(after(11*time.Second), checks(2, "a", paas.CheckPassing, paas.CheckCritical))
	if got := f.health(t); got != paas.HealthCritical {
		t.Errorf("with one of two passing it is %s, want critical", got)
	}
	f.at(after(12*time.Second), checks(3, "a", paas.CheckPassing, paas.CheckPassing))
	f.at(after(15*time.Second), watch.Seen{})
	if got := f.health(t); got != paas.HealthHealthy {
		t.Errorf("with both passing it is %s, want healthy", got)
	}
}

func TestASidecarThatKeepsFailingShowsInTheReason(t *testing.T) {
	t.Parallel()
	with := func(status string, proxy *nomadapi.TaskState) *nomadapi.AllocationListStub {
		a := running("a", 0, after(0))
		a.ClientStatus = status
		a.TaskStates["proxy"] = proxy
		if status == "failed" {
			a.TaskStates["web"].Events = []*nomadapi.TaskEvent{started, {Type: nomadapi.TaskSiblingFailed}}
			a.TaskStates["web"].State = "dead"
		}
		return a
	}
	for _, tt := range []struct {
		name  string
		alloc *nomadapi.AllocationListStub
		at    time.Duration
		want  string
	}{
		{"it runs", with("running", &nomadapi.TaskState{State: "running", StartedAt: after(0), Events: []*nomadapi.TaskEvent{started}}), time.Hour, ""},
		{"it waits for its restart", with("running", &nomadapi.TaskState{State: "pending", StartedAt: after(0), Events: []*nomadapi.TaskEvent{started, exited("7")}}), time.Hour, "sidecar proxy of web exited with code 7"},
		{"it was just restarted", with("running", &nomadapi.TaskState{State: "running", StartedAt: after(time.Hour - time.Second), Events: []*nomadapi.TaskEvent{started, exited("7"), started}}), time.Hour, "sidecar proxy of web exited with code 7"},
		{"it was restarted long ago", with("running", &nomadapi.TaskState{State: "running", StartedAt: after(time.Minute), Events: []*nomadapi.TaskEvent{started, exited("7"), started}}), time.Hour, ""},
		{"it ended the instance", with("failed", &nomadapi.TaskState{State: "dead", Failed: true, Events: []*nomadapi.TaskEvent{started, exited("8")}}), time.Hour, "sidecar proxy of web exited with code 8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := probed()
			f.at(after(0), checks(1, "a", paas.CheckPassing, paas.CheckPassing))
			f.at(after(tt.at), allocations(1, tt.alloc))
			f.at(after(tt.at+3*time.Second), watch.Seen{})
			all := f.facts.Instances()
			if len(all) != 1 || all[0].Reason != tt.want {
				t.Errorf("%+v, want reason %q", all, tt.want)
			}
		})
	}
}
