package api_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestOneInstanceIsReplacedUnlessItIsTheOnlyOneThatServes(t *testing.T) {
	t.Parallel()
	p, c := execApp(t, nil)
	// Number 1 is the only one that serves: 0 is critical, 2 has failed.
	if _, err := c.RestartInstance(t.Context(), "shop", "1", "", false); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("the only one that serves: %v", err)
	}
	if _, err := c.RestartInstance(t.Context(), "shop", "worker.0", "", false); !strings.Contains(paas.MessageOf(err), "nothing of it would run") {
		t.Errorf("the only one of a process without a route: %v", err)
	}
	if i, err := c.RestartInstance(t.Context(), "shop", "0", "", false); err != nil || i.ID != "aaaa1111" {
		t.Errorf("one that does not serve: %+v %v", i, err)
	}
	if i, err := c.RestartInstance(t.Context(), "shop", "web[0]", "", false); err != nil || i.ID != "aaaa1111-next" {
		t.Errorf("as the logs name it: %+v %v", i, err)
	}
	if i, err := c.RestartInstance(t.Context(), "shop", "bbbb", "web", false); err != nil || i.ID != "bbbb2222" {
		t.Errorf("one beside the successor: %+v %v", i, err)
	}
	for name, code := range map[string]paas.Code{"2": paas.NotFound, "7": paas.NotFound, "aaaa1111": paas.NotFound} {
		got := paas.CodeOf(func() error { _, err := c.RestartInstance(t.Context(), "shop", name, "nope", true); return err }())
		if got != code {
			t.Errorf("%s: %s, want %s", name, got, code)
		}
	}
	events, err := p.Events(t.Context(), paas.EventFilter{Team: "default", App: "shop", Kinds: []paas.EventKind{paas.EventAppChanged}, Limit: 100})
	if err != nil || len(events) < 2 || events[0].Message != "tester restarts web[0]: another instance takes its place" || events[0].By != "tester" || events[0].Instance != "aaaa1111" {
		t.Errorf("%+v %v", events, err)
	}
}

func TestTheOnlyInstanceIsReplacedByForce(t *testing.T) {
	t.Parallel()
	p, c := execApp(t, nil)
	if i, err := c.RestartInstance(t.Context(), "shop", "1", "", true); err != nil || i.ID != "bbbb2222" {
		t.Errorf("%+v %v", i, err)
	}
	p.SetFate(apitest.Fate{State: paas.DeploymentRunning})
	if _, err := c.Restart(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RestartInstance(t.Context(), "shop", "0", "", true); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("while a deployment is under way: %v", err)
	}
}
