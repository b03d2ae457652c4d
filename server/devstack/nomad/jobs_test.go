package nomad_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"
)

const forever = "exec sleep 1000"

func TestARegisteredJobRuns(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	out := s.register(t, job("app.blue", 2, forever))
	s.until(t, "the evaluation completes", func() bool {
		e, _, err := s.Evaluations().Info(out.EvalID, nil)
		return err == nil && e.Status == "complete"
	})
	allocs := s.running(t, "app.blue", 2)
	if allocs["app.blue.web[0]"] == nil || allocs["app.blue.web[1]"] == nil {
		t.Errorf("got %v", allocs)
	}
	s.until(t, "they are healthy", func() bool {
		for _, a := range s.allocs(t, "app.blue") {
			if a.DeploymentStatus == nil || !*a.DeploymentStatus.Healthy {
				return false
			}
		}
		return true
	})
	j, _, err := s.Jobs().Info("app.blue", nil)
	if err != nil || *j.Status != "running" || *j.Version != 0 || *j.JobModifyIndex != out.JobModifyIndex {
		t.Errorf("got %+v, %v", j, err)
	}
	if d, _, err := s.Jobs().LatestDeployment("app.blue", nil); err != nil || d != nil {
		t.Errorf("got a deployment %v, %v", d, err)
	}
	sum, _, err := s.Jobs().Summary("app.blue", nil)
	if err != nil || sum.Summary["web"].Running != 2 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestRegisterIsCompareAndSet(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	first := s.register(t, job("app", 0, forever))
	for name, tc := range map[string]struct {
		id    string
		index uint64
		want  string
	}{
		"a stale index":            {"app", 99, fmt.Sprintf("Enforcing job modify index 99: job exists with conflicting job modify index: %d", first.JobModifyIndex)},
		"zero for one that exists": {"app", 0, "Enforcing job modify index 0: job already exists"},
		"an index for none":        {"other", 7, "Enforcing job modify index 7: job does not exist"},
	} {
		_, _, err := s.Jobs().EnforceRegister(job(tc.id, 0, forever), tc.index, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "500") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	same := s.register(t, job("app", 0, forever))
	if same.EvalID == "" || same.EvalID == first.EvalID {
		t.Error("an identical register makes an evaluation")
	}
	if got := s.versions(t, "app"); !slices.Equal(got, []uint64{0}) {
		t.Errorf("an identical register made versions %v", got)
	}
	j, _, err := s.Jobs().Info("app", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Jobs().EnforceRegister(job("app", 0, "echo other"), *j.JobModifyIndex, nil); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Jobs().EnforceRegister(job("new", 0, forever), 0, nil); err != nil {
		t.Error(err)
	}
	// What was read from the API is the same job.
	j, _, err = s.Jobs().Info("app", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.register(t, j)
	if got := s.versions(t, "app"); !slices.Equal(got, []uint64{1, 0}) {
		t.Errorf("versions %v", got)
	}
}

func (s *stack) versions(t *testing.T, id string) (out []uint64) {
	t.Helper()
	versions, _, _, err := s.Jobs().Versions(id, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		out = append(out, *v.Version)
	}
	return out
}

func TestAPlanChangesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	plan, _, err := s.Jobs().Plan(job("app", 2, forever), true, nil)
	if err != nil || plan.JobModifyIndex != 0 || plan.Diff.Type != "Added" || plan.Annotations.DesiredTGUpdates["web"].Place != 2 {
		t.Fatalf("got %+v, %v", plan, err)
	}
	if jobs, _, err := s.Jobs().List(nil); err != nil || len(jobs) != 0 {
		t.Errorf("jobs %v, %v", jobs, err)
	}
	index := s.register(t, job("app", 2, forever)).JobModifyIndex
	s.running(t, "app", 2)
	for name, tc := range map[string]struct {
		job  *nomadapi.Job
		diff string
		want nomadapi.DesiredUpdates
	}{
		"the same":      {job("app", 2, forever), "None", nomadapi.DesiredUpdates{Ignore: 2}},
		"one more":      {job("app", 3, forever), "Edited", nomadapi.DesiredUpdates{InPlaceUpdate: 2, Place: 1}},
		"one less":      {job("app", 1, forever), "Edited", nomadapi.DesiredUpdates{InPlaceUpdate: 1, Stop: 1}},
		"another task":  {job("app", 2, "echo; exec sleep 1"), "Edited", nomadapi.DesiredUpdates{DestructiveUpdate: 2}},
		"none any more": {job("app", 0, forever), "Edited", nomadapi.DesiredUpdates{Stop: 2}},
	} {
		plan, _, err := s.Jobs().Plan(tc.job, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, *plan.Annotations.DesiredTGUpdates["web"]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if plan.Diff.Type != tc.diff || plan.JobModifyIndex != index {
			t.Errorf("%s: diff %s, index %d", name, plan.Diff.Type, plan.JobModifyIndex)
		}
	}
}

func TestADiffNamesWhatChanged(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, server("web", 0))
	changed := server("web", 1)
	changed.TaskGroups[0].Services[0].Tags = []string{"v2"}
	task := changed.TaskGroups[0].Tasks[0]
	task.Env = map[string]string{"A": "1"}
	task.Config["args"] = []string{"serve", "other"}
	task.Resources.MemoryMB = new(128)
	plan, _, err := s.Jobs().Plan(changed, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	g := plan.Diff.TaskGroups[0]
	field := func(f *nomadapi.FieldDiff) string {
		return fmt.Sprintf("%s %s %s>%s %v", f.Type, f.Name, f.Old, f.New, f.Annotations)
	}
	var walk func(prefix string, fields []*nomadapi.FieldDiff, objects []*nomadapi.ObjectDiff)
	walk = func(prefix string, fields []*nomadapi.FieldDiff, objects []*nomadapi.ObjectDiff) {
		for _, f := range fields {
			got = append(got, prefix+field(f))
		}
		for _, o := range objects {
			walk(prefix+o.Type+" "+o.Name+": ", o.Fields, o.Objects)
		}
	}
	walk("", g.Fields, g.Objects)
	walk(fmt.Sprint("task ", g.Tasks[0].Annotations, " "), g.Tasks[0].Fields, g.Tasks[0].Objects)
	want := []string{
		"Edited Count 0>1 [forces create]",
		"Edited Service: Edited Tags: Added Tags >v2 []",
		"Edited Service: Edited Tags: Deleted Tags v1> []",
		"task [forces create/destroy update] Added Env[A] >1 []",
		"task [forces create/destroy update] Edited Config: Edited args[1] ${NOMAD_ADDR_http}>other []",
		"task [forces create/destroy update] Edited Resources: Edited MemoryMB 100>128 []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnInPlaceUpdateKeepsTheProcess(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, forever))
	before := s.running(t, "app", 1)["app.web[0]"]
	s.register(t, job("app", 2, forever))
	s.running(t, "app", 2)
	after := s.allocs(t, "app")["app.web[0]"]
	if after.ID != before.ID || after.JobVersion != 1 || after.TaskStates["web"].Restarts != 0 {
		t.Errorf("%s v%d became %s v%d", before.ID, before.JobVersion, after.ID, after.JobVersion)
	}
	s.register(t, job("app", 2, "echo new; "+forever))
	s.until(t, "both are new", func() bool {
		now := s.allocs(t, "app")
		return len(now) == 2 && now["app.web[0]"].ID != before.ID && now["app.web[0]"].JobVersion == 2
	})
	old, _, err := s.Allocations().Info(before.ID, nil)
	if err != nil || old.DesiredStatus != "stop" || old.DesiredDescription != "alloc is being updated due to job update" || old.NextAllocation == "" {
		t.Errorf("the old one: %+v, %v", old, err)
	}
}

func TestABlockedEvaluationIsPlacedWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	s := start(t, nil) // 1000 MB
	big := func(id string, count int) *nomadapi.Job {
		j := job(id, count, forever)
		j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(600)
		return j
	}
	s.register(t, big("blue", 1))
	s.running(t, "blue", 1)
	if plan, _, err := s.Jobs().Plan(big("green", 1), false, nil); err != nil || plan.FailedTGAllocs["web"].DimensionExhausted["memory"] != 1 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	out := s.register(t, big("green", 1))
	var e *nomadapi.Evaluation
	s.until(t, "the evaluation completes", func() bool {
		var err error
		e, _, err = s.Evaluations().Info(out.EvalID, nil)
		return err == nil && e.Status == "complete"
	})
	if e.BlockedEval == "" || e.QueuedAllocations["web"] != 1 || e.FailedTGAllocs["web"].NodesExhausted != 1 {
		t.Errorf("got %+v", e)
	}
	if j, _, err := s.Jobs().Info("green", nil); err != nil || *j.Status != "pending" {
		t.Errorf("status %s, %v", *j.Status, err)
	}
	s.register(t, big("green", 0))
	s.until(t, "the blocked evaluation is canceled", func() bool {
		b, _, err := s.Evaluations().Info(e.BlockedEval, nil)
		return err == nil && b.Status == "canceled"
	})
	s.register(t, big("green", 1))
	s.register(t, big("blue", 0))
	s.running(t, "green", 1)
}

func TestADeregisteredJobEnds(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, forever))
	s.running(t, "app", 1)
	eval, _, err := s.Jobs().Deregister("app", false, nil)
	if err != nil || eval == "" {
		t.Fatal(eval, err)
	}
	s.until(t, "the job is dead", func() bool {
		j, _, err := s.Jobs().Info("app", nil)
		return err == nil && *j.Status == "dead" && *j.Stop
	})
	if _, _, err := s.Jobs().Deregister("app", true, nil); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Jobs().Info("app", nil)
	var unexpected nomadapi.UnexpectedResponseError
	if err == nil || !strings.Contains(err.Error(), "job not found") {
		t.Errorf("got %v (%v)", err, unexpected)
	}
	if eval, _, err := s.Jobs().Deregister("never", false, nil); err != nil || eval != "" {
		t.Errorf("got %q, %v", eval, err)
	}
}

func TestAJobWithFaultsIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("a b", 1, forever)
	j.TaskGroups[0].Tasks[0].Driver = ""
	_, _, err := s.Jobs().Register(j, nil)
	for _, want := range []string{"2 errors occurred", "Job ID contains a space", "Task web validation failed", "Missing task driver"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	batch := job("batch", 1, forever)
	batch.Type = new("batch")
	if out, _, err := s.Jobs().Validate(batch, nil); err != nil || len(out.ValidationErrors) != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, _, err := s.Jobs().Register(job("x", 1, forever), &nomadapi.WriteOptions{Namespace: "nope"}); err == nil || !strings.Contains(err.Error(), "nonexistent namespace") {
		t.Errorf("got %v", err)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	if _, err := s.Namespaces().Register(&nomadapi.Namespace{Name: "team"}, nil); err != nil {
		t.Fatal(err)
	}
	team := job("app", 0, forever)
	team.Namespace = new("team")
	s.register(t, team)
	s.register(t, job("app", 0, "true"))
	for namespace, want := range map[string]int{"": 1, "team": 1, "*": 2, "none": 0} {
		jobs, _, err := s.Jobs().List(&nomadapi.QueryOptions{Namespace: namespace})
		if err != nil || len(jobs) != want {
			t.Errorf("namespace %q has %d jobs, %v", namespace, len(jobs), err)
		}
	}
}

func TestScaleMakesAVersionEachTime(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 0, forever))
	for range 2 {
		if _, _, err := s.Jobs().Scale("app", "web", new(1), "", false, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.running(t, "app", 1)
	if got := s.versions(t, "app"); !slices.Equal(got, []uint64{2, 1, 0}) {
		t.Errorf("versions %v", got)
	}
}

func TestBlockingQueriesWaitForAChange(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 0, forever))
	_, meta, err := s.Jobs().List(nil)
	if err != nil || meta.LastIndex == 0 || !meta.KnownLeader {
		t.Fatalf("got %+v, %v", meta, err)
	}
	_, again, err := s.Jobs().List(&nomadapi.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: 50 * time.Millisecond})
	if err != nil || again.LastIndex < meta.LastIndex {
		t.Errorf("got %+v, %v", again, err)
	}
	type answer struct {
		jobs  []*nomadapi.JobListStub
		index uint64
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		jobs, after, err := s.Jobs().List(&nomadapi.QueryOptions{WaitIndex: again.LastIndex, WaitTime: time.Minute})
		if err != nil {
			answers <- answer{err: err}
			return
		}
		answers <- answer{jobs, after.LastIndex, err}
	}()
	s.register(t, job("other", 0, forever))
	select {
	case a := <-answers:
		if a.err != nil || a.index <= again.LastIndex {
			t.Errorf("got %+v", a)
		}
	case <-time.After(20 * time.Second):
		t.Error("the query did not return")
	}
}

func TestWhatIsNotServedSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	_, err := s.Raw().Query("/v1/acl/tokens", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "501") || !strings.Contains(err.Error(), "/v1/acl/tokens") {
		t.Errorf("got %v", err)
	}
}
