package deploy_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/deploy"
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

func TestVolumesAreRefusedWhereNothingCanBeMounted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for driver, refused := range map[string]bool{"raw_exec": true, "exec": false} {
		d := deploy.New(deploy.Config{Store: c.store, Scheduler: c, Rules: c, Artifacts: c, Storage: c, Nodes: c, Render: render, Now: c.clock, NewID: func() string { return "d1" }, Driver: driver})
		_, err := d.Plan(t.Context(), request(keeping(1, 1, "hi"), "a"))
		faults := paas.FaultsOf(err)
		switch {
		case !refused && err != nil:
			t.Errorf("%s: %v", driver, err)
		case refused && (paas.CodeOf(err) != paas.Invalid || len(faults) != 1 || faults[0].Location != "process.db.volume.data"):
			t.Errorf("%s: %v", driver, err)
		}
	}
}
