package why_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/why"
)

// link gives the text of a chain's first link of a kind, "" without one.
func link(w paas.Why, kind paas.LinkKind) string {
	for _, l := range w.Chain {
		if l.Kind == kind {
			return l.Text
		}
	}
	return ""
}

func TestEachLinkIsOneLine(t *testing.T) {
	t.Parallel()
	f := failing(shop())
	f.LastLine = "\tpanic:\tno database\n"
	f.Instances[0].Restarts = 2
	f.Instances[0].Checks[0].Output = "refused\nby peer"
	got := why.Explain(f, now)
	if text := link(got, paas.LinkLog); text != "panic: no database" {
		t.Errorf("the log line is %q", text)
	}
	if text := link(got, paas.LinkTask); !strings.HasSuffix(text, " (started again 2 times)") {
		t.Errorf("the task is %q", text)
	}
	if text := link(got, paas.LinkCheck); text != "critical: refused by peer" {
		t.Errorf("the check is %q", text)
	}
}

func TestADeploymentHasAStepWhileItWalks(t *testing.T) {
	t.Parallel()
	d := paas.Deployment{
		ID: "d1", Cause: "push", Release: 13, Slot: paas.Green, State: paas.DeploymentReverted, Abort: true,
		Trouble: paas.CauseExit, Reason: "web exited", Steps: []paas.Step{{}}, StepAt: ago(time.Second),
	}
	f := shop()
	f.Deployments = []paas.Deployment{d}
	if text := link(why.Explain(f, now), paas.LinkDeployment); text != "push is reverted: web exited" {
		t.Errorf("one that has ended: %q", text)
	}
	d.State, d.Abort, d.Reason, d.Trouble = paas.DeploymentRunning, false, "", ""
	f.Snapshot.Deployments = []paas.Deployment{d}
	if text := link(why.Explain(f, now), paas.LinkDeployment); text != "push is running, step 1 of 1" {
		t.Errorf("one under way: %q", text)
	}
}

func TestAnEndedDeploymentSaysWhoEndedIt(t *testing.T) {
	t.Parallel()
	for reason, says := range map[string]string{
		"aborted by root":     "release 13 was ended because it was aborted by root",
		"the app was stopped": "release 13 was ended because the app was stopped",
	} {
		f := shop()
		f.Deployments = []paas.Deployment{{
			ID: "d1", Release: 13, Slot: paas.Green, State: paas.DeploymentCanceled, Cancel: true, Abort: true, Reason: reason, StepAt: ago(time.Second),
		}}
		if got := why.Explain(f, now); got.Cause != paas.CauseCanceled || !strings.Contains(got.Summary, says) {
			t.Errorf("%s: %s: %s", reason, got.Cause, got.Summary)
		}
	}
}

func TestARouteIsShownWithItsTargets(t *testing.T) {
	t.Parallel()
	f := shop()
	if text := link(why.Explain(f, now), paas.LinkRoute); text != "answering, at 10.0.0.4:23311" {
		t.Errorf("one target: %q", text)
	}
	f.Snapshot.Routes[0].Targets = append(f.Snapshot.Routes[0].Targets, "10.0.0.5:23311")
	if text := link(why.Explain(f, now), paas.LinkRoute); text != "answering, 2 targets" {
		t.Errorf("two: %q", text)
	}
}

// crowded has a second process, all of whose instances run, and Nomad without a node for one of web's.
func crowded() why.Facts {
	f := shop()
	release := f.Snapshot.Releases[12]
	release.Spec.Processes = append(release.Spec.Processes, paas.Process{Name: "worker", Instances: 1})
	f.Snapshot.Releases[12] = release
	f.Snapshot.App.Counts = map[string]int{"web": 3, "worker": 1}
	row := f.Snapshot.Slots[paas.Blue]
	row.Counts = f.Snapshot.App.Counts
	f.Snapshot.Slots[paas.Blue] = row
	worker := f.Instances[0]
	worker.ID, worker.Process = "worker00", "worker"
	f.Instances = append(f.Instances[1:], worker)
	f.Snapshot.Jobs[paas.Blue] = paas.JobFact{Slot: paas.Blue, Index: 1, Eval: "e1", Blocked: "no node is ready to run web", Cause: paas.CauseNoNode}
	return f
}

func TestOnlyTheProcessThatLacksInstancesIsNamed(t *testing.T) {
	t.Parallel()
	f := crowded()
	f.Nodes[0].Draining = true
	got := why.Explain(f, now)
	if got.Cause != paas.CauseNodeDraining || !strings.Contains(got.Summary, "node one is being drained, and no other has a place for web (") {
		t.Errorf("%s: %s", got.Cause, got.Summary)
	}
	if text := link(got, paas.LinkEvaluation); text != "Nomad could not place every instance of job shop.blue" {
		t.Errorf("the evaluation is %q", text)
	}
}

func TestANodeThatIsOnlyDownIsNotClosedByAnybody(t *testing.T) {
	t.Parallel()
	f := crowded()
	f.Nodes = append(f.Nodes, paas.Node{ID: "n2", Name: "two", Status: paas.NodeDown}, paas.Node{ID: "n3", Name: "three", Status: paas.NodeReady})
	if got := why.Explain(f, now); got.Cause != paas.CauseNodeIneligible || !strings.Contains(got.Summary, "node three takes nothing new") {
		t.Errorf("%s: %s", got.Cause, got.Summary)
	}
}

func TestAMoveNamesWhatBecameOfTheNode(t *testing.T) {
	t.Parallel()
	f := shop()
	before := f.Instances[0]
	before.ID, before.NodeID, before.Node, before.State, before.CreatedAt = "before00", "n2", "two", paas.InstanceComplete, ago(2*time.Hour)
	f.Instances[0].Previous, f.Instances[0].CreatedAt = before.ID, ago(time.Minute)
	f.Instances = append(f.Instances, before)
	for says, two := range map[string]paas.Node{
		"instead of before00 on node two, which is not eligible (":  {Status: paas.NodeReady},
		"instead of before00 on node two, which is being drained (": {Status: paas.NodeReady, Draining: true},
		"instead of before00 on node two, which is down (":          {Status: paas.NodeDown, Eligible: true},
		"instead of before00 on node two (":                         {Status: paas.NodeReady, Eligible: true},
	} {
		two.ID, two.Name = "n2", "two"
		f.Nodes = append(f.Nodes[:1:1], two)
		if got := why.Explain(f, now); got.Cause != paas.CauseRescheduled || !strings.Contains(got.Summary, says) {
			t.Errorf("want %q: %s: %s", says, got.Cause, got.Summary)
		}
	}
}

func TestAFlappingCheckCountsAllInstancesOfOneProcess(t *testing.T) {
	t.Parallel()
	f := crowded()
	f.Snapshot.Jobs[paas.Blue] = paas.JobFact{Slot: paas.Blue, Index: 1}
	f.Snapshot.App.Counts["web"] = 2
	f.Instances[0].Index, f.Instances[1].Index = 0, 1
	for n := range 3 {
		for _, id := range []string{f.Instances[0].ID, f.Instances[1].ID, "worker00"} {
			f.Events = append(f.Events, paas.Event{Kind: paas.EventInstanceHealth, Instance: id, Time: ago(time.Duration(60-10*n) * time.Second)})
		}
	}
	if got := why.Explain(f, now); got.Cause != paas.CauseCheckFlapping || !strings.Contains(got.Summary, "all 2 web instances pass and fail their checks by turns: their health changed 3 times in 1m0s") {
		t.Errorf("%s: %s", got.Cause, got.Summary)
	}
}

func TestAnAppThatIsNotThereSaysWhy(t *testing.T) {
	t.Parallel()
	gone := paas.Event{Kind: paas.EventAppChanged, App: "shop", Time: ago(time.Minute), Message: "app destroyed"}
	refused := paas.Event{ID: 4, Kind: paas.EventRouteRefused, App: "shop", Time: ago(time.Hour), Message: "Route x.example.com/ belongs to app \"store\"."}
	build := func(state paas.BuildState) paas.BuildJob {
		return paas.BuildJob{ID: "b1", State: state, Reason: "go build failed", CreatedAt: ago(time.Hour)}
	}
	for name, tt := range map[string]struct {
		build  paas.BuildJob
		events []paas.Event
		cause  paas.Cause
		says   string
	}{
		"nobody pushed it":                 {paas.BuildJob{}, nil, paas.CauseNeverPushed, "nothing was ever pushed under this name"},
		"it is being built":                {build(paas.BuildRunning), nil, paas.CauseNeverPushed, "its source is being built (since 13:02:30 UTC)"},
		"it is to be built":                {build(paas.BuildPending), nil, paas.CauseNeverPushed, "its source is being built"},
		"its push was left":                {build(paas.BuildDone), nil, paas.CauseNeverPushed, "what was built of it was not released"},
		"it could not be built":            {build(paas.BuildFailed), nil, paas.CauseBuildFailed, "its source could not be built"},
		"its route was taken":              {build(paas.BuildDone), []paas.Event{refused}, paas.CauseHostTaken, "Route x.example.com/ belongs"},
		"it was destroyed":                 {build(paas.BuildDone), []paas.Event{gone}, paas.CauseNeverPushed, "team default has no app shop: it was destroyed (since 14:01:30 UTC)"},
		"it was destroyed after a refusal": {build(paas.BuildFailed), []paas.Event{refused, gone}, paas.CauseNeverPushed, "it was destroyed"},
		"something else changed":           {paas.BuildJob{}, []paas.Event{{Kind: paas.EventAppChanged, Time: now}}, paas.CauseNeverPushed, "nothing was ever pushed"},
	} {
		got := why.Explain(why.Facts{Ref: paas.AppRef{Team: "default", App: "shop"}, Build: tt.build, Events: tt.events}, now)
		if got.Cause != tt.cause || got.Serving || !strings.Contains(got.Summary, tt.says) {
			t.Errorf("%s: %s: %s", name, got.Cause, got.Summary)
		}
	}
}

// Nothing is left of the instance, nor in its log: the deployment alone still knows why.
func TestAProgramThatCouldNotBeExecutedIsNamedWithoutALog(t *testing.T) {
	t.Parallel()
	f := shop()
	f.Deployments = []paas.Deployment{{
		ID: "d1", Release: 13, Slot: paas.Green, State: paas.DeploymentReverted, Abort: true, StepAt: ago(time.Second),
		Trouble: paas.CauseNotExecutable, Reason: `web could not be started: exec: "./bad": not a program that can be executed`,
	}}
	if got := why.Explain(f, now); got.Cause != paas.CauseNotExecutable || !strings.Contains(got.Summary, `because web could not be started: exec: "./bad"`) {
		t.Errorf("%s: %s", got.Cause, got.Summary)
	}
}
