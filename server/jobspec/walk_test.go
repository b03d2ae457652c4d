package jobspec_test

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Walks are Crumpet's: Nomad makes no deployment of its own, tells the health that a drain waits for, and
// takes an instance out of Consul before it asks it to end.
func TestNomadKeepsOutOfWalks(t *testing.T) {
	t.Parallel()
	for _, slot := range []paas.Slot{paas.Blue, paas.Green} {
		in := rendering(full())
		in.Slot = slot
		job := jobspec.Job(in)
		if job.Update == nil || job.Update.MaxParallel == nil || *job.Update.MaxParallel != 0 {
			t.Errorf("%s: Nomad would make a deployment: %+v", slot, job.Update)
		}
		for _, g := range job.TaskGroups {
			if g.Update != nil && (g.Update.MaxParallel == nil || *g.Update.MaxParallel != 0) {
				t.Errorf("%s: Nomad would make a deployment of %s", slot, *g.Name)
			}
			if m := g.Migrate; m == nil || *m.MaxParallel != 1 || *m.MinHealthyTime > 5*time.Second {
				t.Errorf("%s: a drain of %s does not wait, or too long: %+v", slot, *g.Name, m)
			}
			if len(g.Services) > 0 && (g.ShutdownDelay == nil || *g.ShutdownDelay <= 0) {
				t.Errorf("%s: instances of %s end while routers lead to them", slot, *g.Name)
			}
			for _, s := range g.Services {
				if s.Name == "" || s.Provider != "consul" {
					t.Errorf("%s: the service %q of %s is %q's", slot, s.Name, *g.Name, s.Provider)
				}
			}
		}
	}
}
