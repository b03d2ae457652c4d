package why_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/why"
)

var now = time.Date(2026, 11, 23, 14, 2, 30, 0, time.UTC)

func ago(d time.Duration) time.Time     { return now.Add(-d) }
func agoPtr(d time.Duration) *time.Time { t := ago(d); return &t }

// shop is an app of three web instances whose release 12 serves.
func shop() why.Facts {
	web := paas.Process{
		Name: "web", Instances: 3, Startup: 30 * time.Second, Ports: []paas.Port{{Name: "http"}},
		Routes: []paas.Route{{Host: "shop.example.com", Path: "/", Port: "http"}},
		Health: paas.Probes{Readiness: &paas.Probe{Type: paas.ProbeHTTP, Port: "http", Path: "/healthz"}},
	}
	f := why.Facts{Ref: paas.AppRef{Team: "default", App: "shop"}, Known: true}
	f.Snapshot = paas.Snapshot{
		App:      paas.App{Team: "default", Name: "shop", Live: paas.Blue, Release: 12, Counts: map[string]int{"web": 3}},
		Releases: map[int]paas.Release{12: {Team: "default", App: "shop", Number: 12, Spec: paas.Spec{App: "shop", Processes: []paas.Process{web}}}},
		Slots:    map[paas.Slot]paas.Slotted{paas.Blue: {Team: "default", App: "shop", Slot: paas.Blue, Release: 12, Counts: map[string]int{"web": 3}, First: 1, Index: 1}},
		Jobs:     map[paas.Slot]paas.JobFact{paas.Blue: {Slot: paas.Blue, Index: 1}},
		Routes:   []paas.RouteFact{{Host: "shop.example.com", Path: "/", State: paas.RouteAnswering, Targets: []string{"10.0.0.4:23311"}, Since: ago(time.Hour)}},
	}
	f.Nodes = []paas.Node{{ID: "n1", Name: "one", Status: paas.NodeReady, Eligible: true, Since: ago(time.Hour)}}
	for n := range 3 {
		f.Instances = append(f.Instances, paas.Instance{
			ID: "0000000" + string(rune('a'+n)), Team: "default", App: "shop", Process: "web", Slot: paas.Blue, Index: n, Release: 12,
			State: paas.InstanceRunning, Health: paas.HealthHealthy, Node: "one", NodeID: "n1",
			CreatedAt: ago(time.Hour), StartedAt: agoPtr(time.Hour), PassingAt: agoPtr(time.Hour), Since: ago(time.Hour),
		})
	}
	f.Snapshot.Instances = f.Instances
	return f
}

// following has release 13 wait for a slot that an instance of a deployment before it has not left.
func following(before paas.Deployment) why.Facts {
	f := shop()
	f.Instances = append(f.Instances, paas.Instance{
		ID: "00000011", Process: "web", Slot: paas.Green, Release: before.Release, State: paas.InstanceStopping, CreatedAt: ago(time.Hour),
	})
	next := paas.Deployment{ID: "next", Release: 13, State: paas.DeploymentPending, CreatedAt: ago(time.Second)}
	f.Snapshot.Deployments = []paas.Deployment{next}
	f.Deployments = []paas.Deployment{next, before}
	return f
}

// failing has the check of all instances fail.
func failing(f why.Facts) why.Facts {
	for n := range f.Instances {
		i := &f.Instances[n]
		i.Health, i.Cause, i.PassingAt, i.Since = paas.HealthCritical, paas.CauseCheckFailing, nil, ago(19*time.Second)
		i.Reason = "web answers its health check /healthz with 500 Internal Server Error"
		i.Checks = []paas.CheckFact{{
			Name: "readiness", Status: paas.CheckCritical, Since: ago(19 * time.Second),
			Output: "HTTP GET http://10.0.0.4:23311/healthz: 500 Internal Server Error Output: no database",
		}}
	}
	return f
}

func TestTheSentenceSaysWhatWhySinceWhenAndWhatToTry(t *testing.T) {
	t.Parallel()
	f := failing(shop())
	f.LastLine = "no database"
	got := why.Explain(f, now)
	want := "release 12 is not serving because all 3 web instances fail their readiness check: GET /healthz answered 500 Internal Server Error at " +
		"10.0.0.4:23311 (since 14:02:11 UTC); last log line \"no database\"; try `crumpet logs shop --process web`"
	if got.Summary != want {
		t.Errorf("got  %s\nwant %s", got.Summary, want)
	}
	if got.Serving || got.Cause != paas.CauseCheckFailing || got.App != "shop" || got.Team != "default" {
		t.Errorf("%+v", got)
	}
	var kinds []string
	for _, l := range got.Chain {
		kinds = append(kinds, string(l.Kind))
	}
	if chain := strings.Join(kinds, " "); chain != "release evaluation placement allocation task check log" {
		t.Errorf("the chain is %s", chain)
	}
}

func TestTheDeepestCauseWins(t *testing.T) {
	t.Parallel()
	walk := paas.Deployment{ID: "d1", Release: 13, Previous: 12, Slot: paas.Green, From: paas.Blue, State: paas.DeploymentRunning, Steps: []paas.Step{{}}, StepAt: ago(time.Second)}
	tests := map[string]struct {
		facts   func() why.Facts
		cause   paas.Cause
		serving bool
		says    string
	}{
		"nothing is wrong":          {shop, paas.CauseServingFine, true, "every instance is healthy (3 web)"},
		"nobody ever pushed it":     {func() why.Facts { return why.Facts{Ref: paas.AppRef{Team: "default", App: "x"}} }, paas.CauseNeverPushed, false, "team default has no app x"},
		"one check of three fails":  {func() why.Facts { f, g := shop(), failing(shop()); f.Instances[1] = g.Instances[1]; return f }, paas.CauseCheckFailing, true, "release 12 is serving with 2 of 3 web instances, because 1 of 3 web instances fails its readiness check"},
		"the node hides the checks": {func() why.Facts { f := failing(shop()); f.Nodes[0].Status = paas.NodeDown; return f }, paas.CauseNodeDown, false, "node one is down"},
		"Nomad hides the node": {func() why.Facts {
			f := failing(shop())
			f.Nodes[0].Status = paas.NodeDown
			return ill(f, paas.BackendNomad, "nomad does not answer.")
		}, paas.CauseNomadDown, false, "nomad does not answer"},
		"without Consul it may well": {func() why.Facts {
			return ill(ill(shop(), paas.BackendConsul, "consul is gone."), paas.BackendFabio, "no router.")
		}, paas.CauseConsulDown, true, "release 12 is serving, but consul is gone"},
		"without a router it does not": {func() why.Facts { return ill(shop(), paas.BackendFabio, "no router.") }, paas.CauseRouterDown, false, "no router"},
		"a stop hides all":             {func() why.Facts { f := failing(shop()); f.Snapshot.App.Stopped = true; return f }, paas.CauseStopped, false, "stopped"},
		"a sealed Vault hides the template": {func() why.Facts {
			return ill(pending(shop(), paas.CauseTemplateFailed, `{"Vault":{}}`), paas.BackendVault, "Vault is sealed.")
		}, paas.CauseVaultSealed, false, "Vault is sealed"},
		"a sealed Vault does not matter to who needs none": {func() why.Facts {
			return ill(pending(shop(), paas.CauseTemplateFailed, ""), paas.BackendVault, "Vault is sealed.")
		}, paas.CauseTemplateFailed, false, "a template"},
		"the loop hides the exit": {func() why.Facts {
			f := pending(shop(), paas.CauseExit, "")
			for n := range f.Instances {
				f.Instances[n].Crashes, f.Instances[n].NextTry = 4, agoPtr(-10*time.Second)
			}
			return f
		}, paas.CauseCrashLoop, false, "the next try is at 14:02:40 UTC"},
		"the one that was placed anew shows why it was": {func() why.Facts {
			f := shop()
			f.Instances[0].State, f.Instances[0].Cause, f.Instances[0].Reason = paas.InstanceFailed, paas.CauseOutOfMemory, "web was killed: out of memory (64 MiB)"
			next := f.Instances[1]
			next.ID, next.Index, next.Previous, next.State, next.CreatedAt, next.PassingAt = "fresh", 0, f.Instances[0].ID, paas.InstancePending, ago(time.Second), nil
			f.Instances = append(f.Instances, next)
			return f
		}, paas.CauseOutOfMemory, true, "out of memory (64 MiB)"},
		"it has time left to listen": {func() why.Facts {
			f := pending(shop(), paas.CauseNeverListens, "")
			for n := range f.Instances {
				f.Instances[n].State, f.Instances[n].StartedAt = paas.InstanceRunning, agoPtr(10*time.Second)
			}
			return f
		}, paas.CauseStarting, false, "has until 14:02:50 UTC"},
		"a deployment that has just begun": {func() why.Facts { f := shop(); f.Snapshot.Deployments = []paas.Deployment{walk}; return f }, paas.CauseDeploying, true, "release 12 is serving; release 13 is not serving yet because its deployment is at step 1 of 1"},
		"a deployment that waits for what was before it in its slot": {func() why.Facts {
			return following(paas.Deployment{Release: 11, State: paas.DeploymentHealthy})
		}, paas.CauseDeploying, true, "release 13 is not serving yet because it waits for the instance of release 11 to stop"},
		"a deployment that waits for the one it took the place of": {func() why.Facts {
			return following(paas.Deployment{Release: 11, State: paas.DeploymentCanceled, Abort: true, Trouble: paas.CauseSuperseded, Reason: "superseded by release 13"})
		}, paas.CauseSuperseded, true, "it waits for the instance of release 11 to stop, which was superseded by release 13"},
		"a deployment whose place a later one takes": {func() why.Facts {
			f, d := shop(), walk
			d.Abort, d.Trouble, d.Reason = true, paas.CauseSuperseded, "superseded by release 14"
			f.Snapshot.Deployments = []paas.Deployment{d, {Release: 14, State: paas.DeploymentPending}}
			return f
		}, paas.CauseSuperseded, true, "release 13 is being turned back because it was superseded by release 14"},
		"a deployment that a person paused": {func() why.Facts {
			f, d := shop(), walk
			d.State, d.Waits, d.Reason = paas.DeploymentPaused, paas.WaitPause, "paused by root"
			f.Snapshot.Deployments = []paas.Deployment{d}
			return f
		}, paas.CausePaused, true, "release 12 is serving; release 13 is held: paused by root"},
		"one that was turned back keeps its cause": {func() why.Facts {
			f, d := shop(), walk
			d.State, d.Trouble, d.Reason, d.Abort = paas.DeploymentReverted, paas.CauseExit, "web exited 3 times with code 1", true
			f.Deployments = []paas.Deployment{d}
			return f
		}, paas.CauseExit, true, "release 12 is serving; release 13 was turned back because web exited 3 times with code 1"},
		"trouble of what serves hides it": {func() why.Facts {
			f, d := failing(shop()), walk
			d.State, d.Trouble, d.Reason = paas.DeploymentReverted, paas.CauseExit, "web exited"
			f.Deployments = []paas.Deployment{d}
			return f
		}, paas.CauseCheckFailing, false, "release 12 is not serving"},
		"a closed node rather than none": {func() why.Facts {
			f := shop()
			f.Instances, f.Nodes[0].Eligible = nil, false
			f.Snapshot.Jobs[paas.Blue] = paas.JobFact{Slot: paas.Blue, Index: 1, Blocked: "no node is ready to run web", Cause: paas.CauseNoNode}
			return f
		}, paas.CauseNodeIneligible, false, "node one takes nothing new"},
		"somebody's change is only told": {func() why.Facts {
			f := shop()
			f.Events = []paas.Event{{ID: 3, Time: ago(time.Minute), Kind: paas.EventDrift, Message: "somebody else changed shop.blue"}}
			return f
		}, paas.CauseDrift, true, "release 12 is serving, but somebody else changed shop.blue"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := why.Explain(tt.facts(), now)
			if got.Cause != tt.cause || got.Serving != tt.serving || !strings.Contains(got.Summary, tt.says) {
				t.Errorf("%s, serving %t: %s\nwant %s, serving %t: ... %s ...", got.Cause, got.Serving, got.Summary, tt.cause, tt.serving, tt.says)
			}
		})
	}
}

func ill(f why.Facts, name, reason string) why.Facts {
	f.Backends = append(f.Backends, paas.Backend{Name: name, Reason: reason, Since: ago(time.Minute)})
	return f
}

// pending has no instance started yet, for a cause.
func pending(f why.Facts, cause paas.Cause, fragment string) why.Facts {
	release := f.Snapshot.Releases[12]
	release.Spec.Processes[0].NomadTask = paas.Fragment(fragment)
	for n := range f.Instances {
		i := &f.Instances[n]
		i.State, i.Health, i.PassingAt, i.StartedAt, i.Cause, i.Reason = paas.InstancePending, paas.HealthUnknown, nil, nil, cause, "web is in trouble"
	}
	return f
}
