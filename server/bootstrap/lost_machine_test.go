package bootstrap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
)

func TestWhatALostMachineHadIsTakenOutOfConsulBeforeTheNewOneStarts(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	agents.catalog = map[string]int{"client-1": 3, "client-2": 2}
	mustUp(t, w.run(), bootstrap.Options{})
	if len(agents.catalog) != 2 {
		t.Fatalf("up with nothing lost leaves %v in the catalog", agents.catalog)
	}
	lost := w.hosts["client-1"]
	clear(lost.files)
	clear(lost.notes)
	changes, err := bootstrap.Plan(t.Context(), w.run(), agentSteps(), bootstrap.Options{})
	if err != nil || !slices.ContainsFunc(changes, func(c bootstrap.Change) bool {
		return c.Machine == "client-1" && strings.HasPrefix(c.Text, "take 3 services of the machine that had this name before")
	}) {
		t.Errorf("the plan for a machine that was lost has %v, %v", changes, err)
	}
	mustUp(t, w.run(), bootstrap.Options{})
	if agents.catalog["client-1"] != 0 || agents.catalog["client-2"] != 2 {
		t.Errorf("then the catalog has %v", agents.catalog)
	}
}
