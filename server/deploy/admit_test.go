package deploy_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What the operator does not allow in a nomad block is refused before anything is written, by a push
// and by its plan.
func TestANomadBlockNeedsTheOperatorsPolicy(t *testing.T) {
	t.Parallel()
	s, dep := newSim()
	r := request(spec(1, "hi"), "a")
	r.Spec.Processes[0].NomadTask = paas.Fragment(`{"Driver":"raw_exec"}`)
	_, pushed := dep.Deploy(t.Context(), r)
	_, planned := dep.Plan(t.Context(), r)
	for what, err := range map[string]error{"push": pushed, "plan": planned} {
		faults := paas.FaultsOf(err)
		if paas.CodeOf(err) != paas.Forbidden || len(faults) != 1 {
			t.Fatalf("%s: %v", what, err)
		}
		if f := faults[0]; !strings.HasPrefix(f.Location, "process.web.nomad") || !strings.Contains(f.Message, "nomad_fragments") {
			t.Errorf("%s: %+v", what, f)
		}
	}
	if s.app != nil {
		t.Errorf("the app was written: %+v", s.app)
	}
}
