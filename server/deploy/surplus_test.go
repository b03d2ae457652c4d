package deploy_test

import (
	"slices"
	"testing"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestSurplus(t *testing.T) {
	t.Parallel()
	runs := func(slot paas.Slot, states ...paas.InstanceState) (some []paas.Instance) {
		for _, state := range states {
			some = append(some, paas.Instance{Slot: slot, Process: "web", State: state})
		}
		return some
	}
	two := paas.Slotted{Index: 20, Counts: map[string]int{"web": 2}}
	tests := map[string]struct {
		row       paas.Slotted
		placed    uint64 // the index of the job that Nomad looked at last
		instances []paas.Instance
		want      []paas.Slot
	}{
		"as asked for":                   {two, 20, runs(paas.Blue, paas.InstanceRunning, paas.InstancePending), nil},
		"those that end do not count":    {two, 20, runs(paas.Blue, paas.InstanceRunning, paas.InstanceRunning, paas.InstanceStopping, paas.InstanceLost, paas.InstanceFailed, paas.InstanceComplete), nil},
		"one more":                       {two, 20, runs(paas.Blue, paas.InstanceRunning, paas.InstanceRunning, paas.InstancePending), []paas.Slot{paas.Blue}},
		"all of a slot that is emptied":  {paas.Slotted{Index: 20, Counts: map[string]int{"web": 0}}, 20, runs(paas.Blue, paas.InstanceRunning), []paas.Slot{paas.Blue}},
		"of a process that is no more":   {paas.Slotted{Index: 20, Counts: map[string]int{}}, 20, runs(paas.Blue, paas.InstanceRunning), []paas.Slot{paas.Blue}},
		"those of another slot":          {two, 20, runs(paas.Green, paas.InstanceRunning, paas.InstanceRunning, paas.InstanceRunning), nil},
		"Nomad has not looked yet":       {two, 19, runs(paas.Blue, paas.InstanceRunning, paas.InstanceRunning, paas.InstanceRunning), nil},
		"a slot that was not registered": {paas.Slotted{}, 0, runs(paas.Blue, paas.InstanceRunning), nil},
	}
	for name, tt := range tests {
		snap := paas.Snapshot{
			Slots: map[paas.Slot]paas.Slotted{paas.Blue: tt.row}, Jobs: map[paas.Slot]paas.JobFact{paas.Blue: {Index: tt.placed}}, Instances: tt.instances,
		}
		if got := deploy.Surplus(snap); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestWhatNomadForgotToStopIsStopped(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() {
		for _, i := range c.instances {
			i.ID += "-again"
			c.instances[i.ID] = i
			break
		}
	})
	c.look(shop)
	c.until("what is too much is gone", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["blue"] == 2 })
	c.set(func() {
		if c.evaluations != 1 {
			t.Errorf("Nomad was asked %d times", c.evaluations)
		}
	})
}
