package watch_test

import (
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// said is an event that tells by its message only.
func said(kind, message string) *nomadapi.TaskEvent {
	return &nomadapi.TaskEvent{Type: kind, DisplayMessage: message, Details: map[string]string{}}
}

func TestEachEventThatTellsHasItsCause(t *testing.T) {
	t.Parallel()
	liveness := event(nomadapi.TaskRestartSignal, "restart_reason", `healthcheck: check "liveness" unhealthy`)
	for name, tt := range map[string]struct {
		events []*nomadapi.TaskEvent
		want   paas.Cause
	}{
		"nothing has happened":    {[]*nomadapi.TaskEvent{event("Received"), event("Started")}, ""},
		"an exit":                 {[]*nomadapi.TaskEvent{event("Started"), event("Terminated", "exit_code", "2")}, paas.CauseExit},
		"a signal":                {[]*nomadapi.TaskEvent{event("Started"), event("Terminated", "exit_code", "139", "signal", "11")}, paas.CauseSignal},
		"out of memory":           {[]*nomadapi.TaskEvent{event("Started"), event("Terminated", "signal", "9", "oom_killed", "true")}, paas.CauseOutOfMemory},
		"an end that was ordered": {[]*nomadapi.TaskEvent{event("Started"), event("Killing"), event("Terminated", "signal", "15")}, ""},
		"the last that tells":     {[]*nomadapi.TaskEvent{event("Terminated", "exit_code", "1"), event("Driver Failure", "driver_error", `binary "local/x" could not be found`)}, paas.CauseCommandMissing},
		"liveness":                {[]*nomadapi.TaskEvent{event("Started"), liveness, event("Terminated", "signal", "9")}, paas.CauseLiveness},
		"a restart that a person asked for": {
			[]*nomadapi.TaskEvent{event("Started"), event(nomadapi.TaskRestartSignal, "restart_reason", "User requested"), event("Terminated", "signal", "15")}, "",
		},
		"no such program":        {[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "fork/exec ./nope: no such file or directory")}, paas.CauseCommandMissing},
		"no program at all":      {[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "fork/exec ./readme: permission denied")}, paas.CauseNotExecutable},
		"no such user":           {[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "failed to identify user nobody2: user: unknown user nobody2")}, paas.CauseUserMissing},
		"no such folder":         {[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "chdir /nope: no such file or directory")}, paas.CauseFolderMissing},
		"a driver's own trouble": {[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "cgroups are not mounted")}, paas.CauseSetupFailed},
		"an artifact gone":       {[]*nomadapi.TaskEvent{event(nomadapi.TaskArtifactDownloadFailed, "download_error", "bad response code: 404")}, paas.CauseArtifactMissing},
		"an artifact refused":    {[]*nomadapi.TaskEvent{event(nomadapi.TaskArtifactDownloadFailed, "download_error", "bad response code: 403")}, paas.CauseArtifactDenied},
		"another artifact":       {[]*nomadapi.TaskEvent{event(nomadapi.TaskArtifactDownloadFailed, "download_error", "Checksums did not match for x.")}, paas.CauseArtifactChecksum},
		"an artifact's server":   {[]*nomadapi.TaskEvent{event(nomadapi.TaskArtifactDownloadFailed, "download_error", "dial tcp 127.0.0.1:17: connection refused")}, paas.CauseArtifactFailed},
		"a template that waits":  {[]*nomadapi.TaskEvent{event("Received"), said("Template", "Missing: kv.block(x)")}, paas.CauseTemplateFailed},
		"a template that waited": {[]*nomadapi.TaskEvent{said("Template", "Missing: kv.block(x)"), event("Started")}, ""},
		"a secret that is not there": {
			[]*nomadapi.TaskEvent{event("Received"), said("Template", "Missing: vault.read(crumpet/data/apps/default/shop/config.v3)")}, paas.CauseVaultFailed,
		},
		"a sealed Vault":        {[]*nomadapi.TaskEvent{event("Received"), said("Template", "Code: 503. Errors: * Vault is sealed")}, paas.CauseVaultSealed},
		"a token of Vault":      {[]*nomadapi.TaskEvent{event(nomadapi.TaskSetupFailure, "setup_error", "failed to derive Vault token: role not found")}, paas.CauseVaultFailed},
		"a hook":                {[]*nomadapi.TaskEvent{said("Task hook failed", "logmon: failed to start")}, paas.CauseSetupFailed},
		"killed for a template": {[]*nomadapi.TaskEvent{event("Killing", "fails_task", "true")}, paas.CauseSetupFailed},
		"not valid":             {[]*nomadapi.TaskEvent{event(nomadapi.TaskFailedValidation)}, paas.CauseSetupFailed},
		"no disk":               {[]*nomadapi.TaskEvent{event("Disk Resources Exceeded")}, paas.CauseNoDisk},
	} {
		if got := watch.Cause(&nomadapi.TaskState{Events: tt.events}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if got := watch.Cause(nil); got != "" {
		t.Errorf("without a task: %q", got)
	}
}

// A cause is what the reason beside it says: whoever has one has the other.
func TestAnInstanceCarriesTheCauseOfItsReason(t *testing.T) {
	t.Parallel()
	with := func(status string, web *nomadapi.TaskState, proxy ...*nomadapi.TaskEvent) *nomadapi.AllocationListStub {
		a := running("a", 0, after(0))
		a.ClientStatus, a.TaskStates["web"] = status, web
		if len(proxy) > 0 {
			a.TaskStates["proxy"] = &nomadapi.TaskState{State: "dead", Failed: true, Events: proxy}
		}
		return a
	}
	up := &nomadapi.TaskState{State: "running", StartedAt: after(0), Events: []*nomadapi.TaskEvent{started}}
	for name, tt := range map[string]struct {
		alloc  *nomadapi.AllocationListStub
		checks []paas.Check
		want   paas.Cause
	}{
		"it failed":           {with("failed", &nomadapi.TaskState{State: "dead", Failed: true, Events: []*nomadapi.TaskEvent{started, exited("1")}}), nil, paas.CauseExit},
		"its sidecar did":     {with("failed", &nomadapi.TaskState{State: "dead", Events: []*nomadapi.TaskEvent{started, exited("0")}}, started, exited("8")), nil, paas.CauseSidecar},
		"both did":            {with("failed", &nomadapi.TaskState{State: "dead", Failed: true, Events: []*nomadapi.TaskEvent{started, exited("1")}}, started, exited("8")), nil, paas.CauseExit},
		"its node is lost":    {with("lost", up), nil, paas.CauseNodeDown},
		"it waits":            {with("pending", &nomadapi.TaskState{State: "pending", Events: []*nomadapi.TaskEvent{said("Template", "Missing: x")}}), nil, paas.CauseTemplateFailed},
		"nothing listens":     {with("running", up), answers("", "dial tcp 127.0.0.1:23456: connect: connection refused"), paas.CauseNeverListens},
		"it answers late":     {with("running", up), answers("", "dial tcp 127.0.0.1:23456: i/o timeout"), paas.CauseCheckSlow},
		"it answers an error": {with("running", up), answers("", "HTTP GET http://127.0.0.1:23456/: 500 Internal Server Error Output: no"), paas.CauseCheckFailing},
		"the one that passes says nothing": {
			with("running", up),
			append(answers("startup", "HTTP GET http://127.0.0.1:23456/: 404 Not Found", paas.CheckPassing), answers("readiness", "dial tcp 127.0.0.1:23456: i/o timeout")...), paas.CauseCheckSlow,
		},
		"its start is not over": {with("running", up), answers("startup", "HTTP GET http://127.0.0.1:23456/: 503 Service Unavailable"), paas.CauseStartupLimit},
		"all is well":           {with("running", up), answers("", "", paas.CheckPassing), ""},
	} {
		f := newFolder(100)
		f.at(after(0), watch.Seen{Checks: &watch.Checks{Index: 1, List: tt.checks}})
		f.at(after(time.Second), allocations(1, tt.alloc))
		f.at(after(5*time.Second), watch.Seen{})
		all := f.facts.Instances()
		if len(all) != 1 || all[0].Cause != tt.want || (all[0].Reason == "") != (tt.want == "") {
			t.Errorf("%s: %+v, want the cause %q", name, all, tt.want)
		}
	}
}

// answers is a check of shop's instance with what it printed; critical unless said.
func answers(name, output string, status ...paas.CheckStatus) []paas.Check {
	c := paas.Check{
		Service: paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue},
		Alloc:   "a", Port: "http", Name: name, Status: paas.CheckCritical, Output: output,
	}
	if len(status) > 0 {
		c.Status = status[0]
	}
	return []paas.Check{c}
}

func TestAProgramThatListensElsewhereIsToldFromOneThatDoesNot(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]paas.Cause{"127.0.0.1:8080": paas.CauseElsewhere, "10.0.0.9:23456": paas.CauseElsewhere} {
		f := newFolder(100)
		f.at(after(0), allocations(1, running("a", 0, epoch)))
		f.at(after(time.Second), watch.Seen{Checks: &watch.Checks{Index: 1, List: answers("", "")}})
		f.at(after(2*time.Second), watch.Seen{Looks: map[string]watch.Look{"a": {
			Addresses: []string{address}, Output: "dial tcp 127.0.0.1:23456: connect: connection refused", At: after(2 * time.Second),
		}}})
		if got := f.facts.Instances()[0]; got.Cause != want {
			t.Errorf("%s: %q (%s), want %q", address, got.Cause, got.Reason, want)
		}
	}
}
