package deploy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Nomad stops the highest index whatever its health: a step's smaller count waits until what stays is
// healthy.
func TestNothingHealthyIsTakenAwayForWhatFailed(t *testing.T) {
	t.Parallel()
	failed := func(index int) paas.Instance { return web(index, paas.InstanceFailed, paas.HealthUnknown) }
	pending := func(index int) paas.Instance { return web(index, paas.InstancePending, paas.HealthUnknown) }
	part := func(percent int) func(*paas.Deployment) {
		return func(d *paas.Deployment) { d.Steps[0].Share = &percent }
	}
	back := func(d *paas.Deployment) { d.Abort = true }
	counts := func(blue, green int) map[paas.Slot]map[string]int {
		return map[paas.Slot]map[string]int{paas.Blue: {"web": blue}, paas.Green: {"web": green}}
	}
	tests := map[string]struct {
		scene scene
		edit  func(*paas.Deployment)
		late  bool
		want  map[paas.Slot]map[string]int
	}{
		"all are healthy": {
			scene: scene{steps: []paas.Step{step(1, 1)}, wanted: 2, green: []paas.Instance{healthy(0)}, blue: []paas.Instance{healthy(0), healthy(1)}},
			want:  counts(1, 1),
		},
		"the one that would stay has failed since the step was decided": {
			scene: scene{steps: []paas.Step{step(1, 1)}, wanted: 2, green: []paas.Instance{healthy(0)}, blue: []paas.Instance{failed(0), pending(0), healthy(1)}},
			want:  counts(2, 1),
		},
		"for so long that it won't come back": {
			scene: scene{steps: []paas.Step{step(1, 1)}, wanted: 2, green: []paas.Instance{healthy(0)}, blue: []paas.Instance{failed(0), pending(0), healthy(1)}},
			late:  true, want: counts(1, 1),
		},
		"nothing healthy is in the slot": {
			scene: scene{steps: []paas.Step{step(2, 0)}, wanted: 2, green: []paas.Instance{healthy(0), healthy(1)}, blue: []paas.Instance{pending(0), pending(1)}},
			want:  counts(0, 2),
		},
		"back home, the new one that is healthy stays until the old one is there": {
			scene: scene{steps: []paas.Step{step(1, 2)}, wanted: 2, green: []paas.Instance{pending(0), healthy(1)}, blue: []paas.Instance{healthy(0), pending(1)}},
			edit:  back, want: counts(2, 2),
		},
		"where a rule parts the requests each slot has its part to serve": {
			scene: scene{steps: []paas.Step{step(2, 1)}, wanted: 2, green: []paas.Instance{healthy(0), healthy(1)}, blue: []paas.Instance{pending(0), healthy(1)}},
			edit:  part(50), want: counts(2, 2),
		},
		"what has no requests any more may go": {
			scene: scene{steps: []paas.Step{step(2, 1)}, wanted: 2, green: []paas.Instance{healthy(0), healthy(1)}, blue: []paas.Instance{pending(0), healthy(1)}},
			edit:  part(100), want: counts(1, 2),
		},
		"what is dark serves for nobody": {
			scene: scene{steps: []paas.Step{step(2, 1)}, wanted: 2, green: []paas.Instance{healthy(0), healthy(1)}, blue: []paas.Instance{pending(0), healthy(1)}},
			edit:  part(0), want: counts(2, 2),
		},
		"a process that stops first is asked to be gone": {
			scene: scene{steps: []paas.Step{step(0, 0)}, wanted: 1, stop: true, blue: []paas.Instance{healthy(0)}},
			want:  counts(0, 0),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, snap := tt.scene.build()
			if tt.edit != nil {
				tt.edit(&d)
				snap.Deployments[0] = d
			}
			now := noon.Add(time.Second)
			if tt.late {
				now = noon.Add(30*time.Second + deploy.StepLimit + time.Second)
			}
			got, reason := deploy.Spare(deploy.World(snap), snap, now)
			if diff := cmp.Diff(tt.want, got.Slots); diff != "" {
				t.Error(diff)
			}
			if spared := !cmp.Equal(deploy.World(snap).Slots, got.Slots); spared != (reason != "") {
				t.Errorf("it says %q", reason)
			}
		})
	}
}
