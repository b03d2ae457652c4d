package service_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
)

// text is a Nomad job with a template in each of n tasks of a group web.
func text(t *testing.T, template string, n int) []byte {
	t.Helper()
	type tmpl struct{ EmbeddedTmpl string }
	type task struct {
		Name      string
		Templates []tmpl
	}
	tasks := []task{{Name: "plain"}}
	for range n {
		tasks = append(tasks, task{"a", []tmpl{{template}, {template}}})
	}
	b, err := json.Marshal(map[string]any{"ID": "shop.blue", "Name": "shop.blue", "Namespace": "default", "TaskGroups": []any{map[string]any{"Name": "web", "Count": 1, "Tasks": tasks}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOldCredentialsStayWhileSomebodyMayHaveThem(t *testing.T) {
	t.Parallel()
	const literal = `{{ with secret "crumpet/data/apps/default/shop/bindings/jobs?version=GEN" }}x{{ end }}`
	const follows = `{{ with nomadVar "nomad/jobs" }}{{ with secret (printf "database/creds/crumpet-default--shop--jobs--%s" (index . "shop--jobs").Value) }}x{{ end }}{{ end }}`
	at := func(generation string) string { return strings.ReplaceAll(literal, "GEN", generation) }
	running := func(slot paas.Slot, created time.Time) paas.Instance {
		return paas.Instance{Slot: slot, Process: "web", State: paas.InstanceRunning, CreatedAt: created}
	}
	row := func(text []byte, n int) paas.Slotted {
		return paas.Slotted{Release: 7, Job: text, Counts: map[string]int{"web": n}}
	}
	b := paas.Binding{Team: "default", App: "shop", Name: "jobs", Kind: paas.KindBroker, Generation: 2, Retiring: []int{1}, RotatedAt: noon}
	after, before := noon.Add(time.Minute), noon.Add(-time.Minute)
	for name, c := range map[string]struct {
		snap func(*paas.Snapshot)
		why  string
		jobs map[string]int
	}{
		"nobody runs":                       {func(*paas.Snapshot) {}, "", nil},
		"the live slot names the old":       {func(s *paas.Snapshot) { s.Slots[paas.Blue] = row(text(t, at("1"), 1), 1) }, "slot blue of release 7", nil},
		"the live slot names the new":       {func(s *paas.Snapshot) { s.Slots[paas.Blue] = row(text(t, at("2"), 1), 1) }, "", nil},
		"one that only begins like the old": {func(s *paas.Snapshot) { s.Slots[paas.Blue] = row(text(t, at("12"), 1), 1) }, "", nil},
		"another app's binding of that name": {func(s *paas.Snapshot) {
			s.Slots[paas.Blue] = row(text(t, `{{ secret "x/data/apps/default/shop/bindings/mail?version=1" }}`, 1), 1)
		}, "", nil},
		"an empty slot names the old": {func(s *paas.Snapshot) { s.Slots[paas.Green] = row(text(t, at("1"), 1), 0) }, "", nil},
		"a slot that empties names the old": {func(s *paas.Snapshot) {
			s.Slots[paas.Green] = row(text(t, at("1"), 1), 0)
			i := running(paas.Green, before)
			i.State = paas.InstanceStopping
			s.Instances = []paas.Instance{i}
		}, "slot green", nil},
		"an instance from before runs on in a slot that names the new": {func(s *paas.Snapshot) {
			s.Slots[paas.Data] = row(text(t, at("2"), 1), 1)
			s.Instances = []paas.Instance{running(paas.Data, before)}
		}, "still runs", nil},
		"an instance from after": {func(s *paas.Snapshot) {
			s.Slots[paas.Blue] = row(text(t, at("2"), 1), 1)
			s.Instances = []paas.Instance{running(paas.Blue, after)}
		}, "", nil},
		"a cron names the old": {func(s *paas.Snapshot) {
			s.Sides["shop.cron.x"] = paas.Side{Kind: paas.JobCron, Name: "x", Text: text(t, at("1"), 1), Stands: true}
		}, "cron \"x\"", nil},
		"a cron that went named it": {func(s *paas.Snapshot) { s.Sides["shop.cron.x"] = paas.Side{Text: text(t, at("1"), 1), Stop: "over"} }, "", nil},
		"a task that is over named it": {func(s *paas.Snapshot) {
			s.Sides["shop.run.x"] = paas.Side{Kind: paas.JobRun, Job: "shop.run.x", Text: text(t, at("1"), 1), Stands: true}
			s.Runs = []paas.Run{{ID: "r", Job: "shop.run.x", State: paas.RunComplete, CreatedAt: before}}
		}, "", nil},
		"a task that runs names it": {func(s *paas.Snapshot) {
			s.Sides["shop.run.x"] = paas.Side{Kind: paas.JobRun, Job: "shop.run.x", Name: "x", Text: text(t, at("1"), 1), Stands: true}
			s.Runs = []paas.Run{{ID: "r", Job: "shop.run.x", State: paas.RunRunning, CreatedAt: before}}
		}, "run \"x\"", nil},
		"a run from before": {func(s *paas.Snapshot) {
			s.Runs = []paas.Run{{ID: "r", Name: "x", State: paas.RunRunning, CreatedAt: before}}
		}, "run of x", nil},
		"a run that is over": {func(s *paas.Snapshot) {
			s.Runs = []paas.Run{{ID: "r", Name: "x", State: paas.RunComplete, CreatedAt: before}}
		}, "", nil},
		"programs that follow the variable": {func(s *paas.Snapshot) {
			s.Slots[paas.Blue] = row(text(t, follows, 2), 1)
			s.Instances = []paas.Instance{running(paas.Blue, before), running(paas.Blue, after), running(paas.Green, after)}
		}, "", map[string]int{"shop.blue": 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snap := paas.Snapshot{App: paas.App{Team: "default", Name: "shop", Live: paas.Blue}, Slots: map[paas.Slot]paas.Slotted{}, Sides: map[string]paas.Side{}}
			c.snap(&snap)
			jobs, why, err := service.Holders(snap, b, 1, jobspec.Reads)
			if err != nil || c.why == "" && why != "" || !strings.Contains(why, c.why) {
				t.Errorf("why %q, want %q; %v", why, c.why, err)
			}
			if c.jobs == nil {
				c.jobs = map[string]int{}
			}
			if diff := cmp.Diff(c.jobs, jobs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAWalkIsBegunOnceForEachGeneration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reads   map[string][]int
		binding func(*paas.Binding)
		snap    func(*paas.Snapshot)
		cause   string
		carried []int
	}{
		"the programs have it":                        {map[string][]int{"jobs": {2}}, nil, nil, "", nil},
		"they follow it":                              {map[string][]int{"jobs": {}}, nil, nil, "", nil},
		"they do not have it":                         {map[string][]int{}, nil, nil, "bind jobs", []int{2}},
		"they have an older one":                      {map[string][]int{"jobs": {1}}, nil, nil, "rotate jobs", []int{2}},
		"a walk was begun for it":                     {map[string][]int{"jobs": {1}}, func(b *paas.Binding) { b.Carried = 2 }, nil, "", nil},
		"one was begun for an older":                  {map[string][]int{"jobs": {1}}, func(b *paas.Binding) { b.Carried = 1 }, nil, "rotate jobs", []int{2}},
		"it has ended":                                {map[string][]int{"jobs": {2}}, func(b *paas.Binding) { b.State = paas.BindingEnded }, nil, "unbind jobs", []int{paas.CarriedEnd}},
		"it is ending, nobody has it":                 {map[string][]int{}, func(b *paas.Binding) { b.State = paas.BindingUnbinding }, nil, "", []int{paas.CarriedEnd}},
		"a walk was begun for its end":                {map[string][]int{"jobs": {2}}, func(b *paas.Binding) { b.State, b.Carried = paas.BindingEnded, paas.CarriedEnd }, nil, "", nil},
		"it is not ready":                             {map[string][]int{}, func(b *paas.Binding) { b.State, b.Generation = paas.BindingPending, 0 }, nil, "", nil},
		"another release declares it":                 {map[string][]int{}, func(b *paas.Binding) { b.Declared = true }, nil, "", nil},
		"the app is stopped":                          {map[string][]int{}, nil, func(s *paas.Snapshot) { s.App.Stopped = true }, "", nil},
		"a deployment is under way":                   {map[string][]int{}, nil, func(s *paas.Snapshot) { s.Deployments = []paas.Deployment{{ID: "d"}} }, "", nil},
		"the app does not serve yet":                  {map[string][]int{}, nil, func(s *paas.Snapshot) { s.App.Release = 0 }, "", nil},
		"its first credentials are staged, and ready": {map[string][]int{}, func(b *paas.Binding) { b.Carried = 2 }, nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := paas.Binding{Team: "default", App: "shop", Name: "jobs", State: paas.BindingReady, Generation: 2}
			if c.binding != nil {
				c.binding(&b)
			}
			snap := paas.Snapshot{
				App: paas.App{Team: "default", Name: "shop", Live: paas.Blue, Release: 1}, Releases: map[int]paas.Release{1: {Number: 1}},
				Slots: map[paas.Slot]paas.Slotted{paas.Blue: {Job: job(c.reads), Counts: map[string]int{"web": 1}}}, Bindings: []paas.Binding{b},
			}
			if c.snap != nil {
				c.snap(&snap)
			}
			moved, cause, err := service.Uncarried(snap, readJob)
			var carried []int
			for _, m := range moved {
				carried = append(carried, m.Carried)
			}
			if err != nil || cause != c.cause {
				t.Errorf("cause %q, want %q; %v", cause, c.cause, err)
			}
			if diff := cmp.Diff(c.carried, carried); diff != "" {
				t.Error(diff)
			}
		})
	}
}
