package jobspec_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// hatched renders the spec of full with one fragment of the group and one of its task.
func hatched(group, task string) *nomadapi.TaskGroup {
	s := full()
	s.Processes[0].NomadGroup, s.Processes[0].NomadTask = json.RawMessage(group), json.RawMessage(task)
	return jobspec.Job(rendering(s)).TaskGroups[0]
}

func TestFragmentsAreMergedLast(t *testing.T) {
	t.Parallel()
	plain := hatched("", "")
	got := hatched(
		`{"EphemeralDisk":{"Sticky":true},"Meta":{"a":"b"},"Migrate":{"MaxParallel":3},"Spreads":null}`,
		`{"Config":{"args":["other"],"cap_drop":["net_raw"]},"Driver":"docker","Env":{"OWN":"over","RAW":"${attr.x}"},"Resources":{"CPU":1234}}`,
	)
	want := *plain
	want.EphemeralDisk = &nomadapi.EphemeralDisk{Sticky: new(true), SizeMB: new(200)}
	want.Meta = map[string]string{"a": "b"}
	migrate := *plain.Migrate
	migrate.MaxParallel = new(3)
	want.Migrate, want.Spreads = &migrate, nil
	task := *plain.Tasks[0]
	task.Driver = "docker"
	task.Config = map[string]any{
		"command": "local/shop", "work_dir": "${NOMAD_TASK_DIR}/sub",
		"args": []any{"other"}, "cap_drop": []any{"net_raw"},
	}
	task.Env = maps.Clone(plain.Tasks[0].Env)
	task.Env["OWN"], task.Env["RAW"] = "over", "${attr.x}"
	resources := *task.Resources
	resources.CPU = new(1234)
	task.Resources = &resources
	want.Tasks = append([]*nomadapi.Task{&task}, plain.Tasks[1:]...)
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
}

// What ran on a node that was silent goes on, unless an app says otherwise.
func TestAnAppMaySayWhatBecomesOfSilentNodes(t *testing.T) {
	t.Parallel()
	plain := hatched("", "")
	if d := plain.Disconnect; d == nil || *d.LostAfter < time.Hour || !*d.Replace {
		t.Fatalf("without a word it is %+v", d)
	}
	with := func(group *nomadapi.TaskGroup) *nomadapi.Job {
		job := jobspec.Job(rendering(full()))
		job.TaskGroups[0] = group
		return job
	}
	before := *plain
	before.Disconnect = nil // as it was placed by a Crumpet that said nothing
	if key, _ := jobspec.Forces(with(&before), with(plain)); key != "crumpet" {
		t.Errorf("it is told as a change of %q", key)
	}
	sooner := hatched(`{"Disconnect":{"LostAfter":60000000000}}`, "")
	if d := sooner.Disconnect; *d.LostAfter != time.Minute || !*d.Replace {
		t.Errorf("with a time of its own it is %+v", d)
	}
	if key, _ := jobspec.Forces(with(plain), with(sooner)); !strings.Contains(key, "nomad.group") {
		t.Errorf("the app's own time is told as a change of %q", key)
	}
	for _, fragment := range []string{`{"Disconnect":null}`, `{"MaxClientDisconnect":60000000000}`, `{"PreventRescheduleOnLost":true}`, `{"StopAfterClientDisconnect":60000000000}`} {
		if d := hatched(fragment, "").Disconnect; d != nil {
			t.Errorf("%s leaves %+v", fragment, d)
		}
	}
}

func TestAFragmentThatDoesNotDecodeChangesNothing(t *testing.T) {
	t.Parallel()
	plain := hatched("", "")
	for _, wrong := range []string{`{`, `[]`, `"x"`, `null`, `{"Env":1,"Migrate":1}`, `{"Meta":["a"]}`, `{}`} {
		if diff := cmp.Diff(plain, hatched(wrong, wrong)); diff != "" {
			t.Errorf("%s: %s", wrong, diff)
		}
	}
}

func TestFragmentsAreListedByTheirKeys(t *testing.T) {
	t.Parallel()
	s := full()
	s.Processes[0].Sidecars[1].NomadTask = json.RawMessage(`{"A":1}`)
	s.Tasks[0].NomadTask = json.RawMessage(`{"B":2}`)
	s.Crons[0].NomadTask = json.RawMessage(`{"C":3}`)
	got := map[string]string{}
	var order []string
	for _, f := range jobspec.Fragments(s) {
		order = append(order, f.Key)
		got[f.Key] = string(f.JSON)
	}
	want := []string{
		"process.web.nomad.group", "process.web.nomad.task", "process.web.sidecar.tail.nomad.task",
		"task.migrate.nomad.task", "cron.report.nomad.task",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
	if got["task.migrate.nomad.task"] != `{"B":2}` || got["process.web.nomad.group"] != `{"Meta":{"team":"a"}}` {
		t.Errorf("got %v", got)
	}
}

func TestForbiddenNamesEachFieldThatNoEntryAllows(t *testing.T) {
	t.Parallel()
	s := full()
	s.Tasks[0].NomadTask = json.RawMessage(`{"Config":{},"User":"root"}`)
	for allowed, want := range map[string]string{
		"*":                                "",
		"group.* task.*":                   "",
		"":                                 "process.web.nomad.group.Meta process.web.nomad.task.Config process.web.nomad.task.Meta task.migrate.nomad.task.Config task.migrate.nomad.task.User",
		"group.Meta task.Config task.User": "process.web.nomad.task.Meta",
		"task.*":                           "process.web.nomad.group.Meta",
		"task.Meta group.Config":           "process.web.nomad.group.Meta process.web.nomad.task.Config task.migrate.nomad.task.Config task.migrate.nomad.task.User",
	} {
		var got []string
		for _, f := range jobspec.Forbidden(s, strings.Fields(allowed)) {
			got = append(got, f.Location)
			if field := f.Location[strings.LastIndexByte(f.Location, '.')+1:]; !strings.Contains(f.Message, "allow "+field) || !strings.Contains(f.Message, "nomad_fragments") {
				t.Errorf("the sentence %q does not say what to do about %s", f.Message, f.Location)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("allowed %q: %s", allowed, diff)
		}
	}
	if got := jobspec.Forbidden(paas.Spec{}, nil); got != nil {
		t.Errorf("a spec without fragments has %v", got)
	}
}

// Nomad 2.0.6-dev breaks off a request with an item null; a list without it is what was meant. The two
// templates are Crumpet's own.
func TestFragmentsHaveNoEmptyItems(t *testing.T) {
	t.Parallel()
	g := hatched(`{"Affinities":[null],"Constraints":[null,{"Operand":"distinct_hosts"}]}`, `{"Templates":[null],"Resources":{"Devices":[null,{"Name":"gpu"}]}}`)
	if len(g.Affinities) != 0 || len(g.Constraints) != 1 || len(g.Tasks[0].Templates) != 2 || len(g.Tasks[0].Resources.Devices) != 1 {
		t.Errorf("got %+v", g)
	}
}
