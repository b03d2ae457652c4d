package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// shop is an app with two web instances, all well.
func shop() paas.Snapshot {
	spec := paas.Spec{App: "shop", Processes: []paas.Process{{
		Name: "web", Instances: 2, Routes: []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}},
	}}}
	return paas.Snapshot{
		App:      paas.App{Team: "default", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}},
		Releases: map[int]paas.Release{1: {Number: 1, Spec: spec}, 2: {Number: 2, Spec: spec}},
		Slots:    map[paas.Slot]paas.Slotted{paas.Blue: {Counts: map[string]int{"web": 2}}},
		Instances: []paas.Instance{
			{ID: "a", Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
			{ID: "b", Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
		},
		Routes: []paas.RouteFact{{Host: "shop.localhost", Path: "/", State: paas.RouteAnswering}},
	}
}

func routeURL(r paas.Route) string { return "http://" + r.Host + r.Path }

func TestOneWordForAnApp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*paas.Snapshot)
		word   wire.AppState
		reason string // a part of it
	}{
		"all well": {func(*paas.Snapshot) {}, wire.AppRunning, ""},
		"first deployment waits": {func(s *paas.Snapshot) {
			s.App.Release, s.Instances = 0, nil
			s.Deployments = []paas.Deployment{{Release: 1, State: paas.DeploymentPending}}
		}, wire.AppPending, ""},
		"first deployment walks": {func(s *paas.Snapshot) {
			s.App.Release, s.Instances = 0, nil
			s.Deployments = []paas.Deployment{{Release: 1, State: paas.DeploymentRunning}}
		}, wire.AppDeploying, ""},
		"first deployment failed": {func(s *paas.Snapshot) { s.App.Release, s.Instances = 0, nil }, wire.AppFailing, ""},
		"a deployment walks":      {func(s *paas.Snapshot) { s.Deployments = []paas.Deployment{{Release: 2, State: paas.DeploymentRunning}} }, wire.AppDeploying, ""},
		"a deployment without room": {func(s *paas.Snapshot) {
			s.Deployments = []paas.Deployment{{Release: 2, State: paas.DeploymentPaused, Reason: "no node has 4096 MB of free memory"}}
		}, wire.AppDeploying, "no node has 4096 MB of free memory."},
		"one of two": {func(s *paas.Snapshot) {
			s.Instances[1].Health, s.Instances[1].Reason = paas.HealthCritical, "the check of port http got 500"
		}, wire.AppDegraded, "the check of port http got 500."},
		"one is missing": {func(s *paas.Snapshot) { s.Instances = s.Instances[:1] }, wire.AppDegraded, "1 of 2 instances are healthy."},
		"none, and one has failed": {func(s *paas.Snapshot) {
			s.Instances = s.Instances[:1]
			s.Instances[0].State, s.Instances[0].Health, s.Instances[0].Reason = paas.InstanceFailed, paas.HealthUnknown, "web exited 3 times with code 1"
		}, wire.AppFailing, "web exited 3 times with code 1."},
		"none yet": {func(s *paas.Snapshot) {
			for i := range s.Instances {
				s.Instances[i].State, s.Instances[i].Health = paas.InstancePending, paas.HealthUnknown
			}
		}, wire.AppPending, "0 of 2"},
		"no room": {func(s *paas.Snapshot) {
			s.Instances = s.Instances[:1]
			s.Jobs = map[paas.Slot]paas.JobFact{paas.Blue: {Blocked: "no node has 900 MHz free"}}
		}, wire.AppDegraded, "no node has 900 MHz free."},
		"a route in no table": {func(s *paas.Snapshot) { s.Routes = nil }, wire.AppDegraded, "shop.localhost/"},
		"stopping":            {func(s *paas.Snapshot) { s.App.Stopped = true }, wire.AppStopped, "2 instances are still stopping."},
		"stopped":             {func(s *paas.Snapshot) { s.App.Stopped, s.Instances = true, nil }, wire.AppStopped, ""},
		"scaled to nothing":   {func(s *paas.Snapshot) { s.App.Counts["web"], s.Instances = 0, nil }, wire.AppStopped, "scaled to 0"},
		"being destroyed":     {func(s *paas.Snapshot) { s.App.Deleting = true }, wire.AppStopped, "destroyed"},
		"an old instance that failed tells nothing of this release": {func(s *paas.Snapshot) {
			s.Instances = append(s.Instances, paas.Instance{Process: "web", Release: 0, State: paas.InstanceFailed, Reason: "old"})
		}, wire.AppRunning, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shop()
			c.change(&s)
			got := api.StatusOf(s, routeURL)
			if got.Status != c.word || !strings.Contains(got.Reason, c.reason) || (c.reason == "" && got.Reason != "") {
				t.Errorf("%s %q, want %s %q", got.Status, got.Reason, c.word, c.reason)
			}
		})
	}
}

func TestStatusHasTheShapeThatIsPromised(t *testing.T) {
	t.Parallel()
	s := shop()
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s.Instances = s.Instances[:1]
	s.Instances[0].Node, s.Instances[0].Since, s.Instances[0].Restarts, s.Instances[0].NextTry = "node-1", since, 2, &since
	live := s.Releases[1]
	live.CreatedAt, live.CreatedBy, live.Commit, live.Note = since.Add(-time.Hour), "ann", "c0ffee", "faster"
	s.Releases[1] = live
	text, err := json.Marshal(api.StatusOf(s, routeURL))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"app":"shop","team":"default","status":"degraded","health":"degraded","reason":"1 of 2 instances are healthy.","release":1,"slot":"blue","origin":{"created_at":"2026-11-22T11:00:00Z","created_by":"ann","commit":"c0ffee","note":"faster"},` +
		`"processes":[{"name":"web","wanted":2,"running":1,"healthy":1}],` +
		`"instances":[{"id":"a","process":"web","slot":"blue","release":1,"state":"running","health":"healthy","node":"node-1","since":"2026-11-22T12:00:00Z","index":0,"restarts":2,"next_try":"2026-11-22T12:00:00Z"}],` +
		`"routes":[{"host":"shop.localhost","path":"/","url":"http://shop.localhost/","state":"answering"}],"bindings":[],"deployment":null}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}
