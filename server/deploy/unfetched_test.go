package deploy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const refused = "web could not fetch its artifact: 127.0.0.1:4780: connection refused"

// without is an instance that lacks its artifact, as it was first seen so long after noon.
func without(state paas.InstanceState, seen time.Duration) paas.Instance {
	i := web(0, state, paas.HealthUnknown)
	i.ID, i.StartedAt, i.Cause, i.Reason = fmt.Sprint(state, seen), nil, paas.CauseArtifactFailed, refused
	i.Since, i.Placed = noon.Add(seen), uint64(seen)
	return i
}

func TestAReleaseIsNotToBlameForAServerThatIsAway(t *testing.T) {
	t.Parallel()
	canary := []paas.Step{step(1, 2), step(1, 2), step(2, 0)}
	share := 50
	canary[1].Share = &share
	denied := without(paas.InstanceFailed, time.Second)
	denied.Cause, denied.Reason = paas.CauseArtifactMissing, "web could not fetch its artifact: bad response code: 404"
	second := healthy(0)
	second.Placed = uint64(time.Hour)
	for name, tt := range map[string]struct {
		green []paas.Instance
		led   time.Duration
		at    time.Duration
		abort string
	}{
		"given up within seconds, while none answered":                          {[]paas.Instance{without(paas.InstanceFailed, 15*time.Second)}, 0, 40 * time.Second, ""},
		"and not put right within the limit":                                    {[]paas.Instance{without(paas.InstanceFailed, 15*time.Second)}, 0, 76 * time.Second, refused},
		"given up and placed again, as often as there was time":                 {[]paas.Instance{without(paas.InstanceFailed, 15*time.Second), without(paas.InstanceFailed, 40*time.Second), without(paas.InstancePending, 60*time.Second)}, 0, 76 * time.Second, refused},
		"for longer than the limit, but this server has just begun":             {[]paas.Instance{without(paas.InstanceFailed, 15*time.Second), without(paas.InstancePending, 10*time.Minute)}, 10 * time.Minute, 10*time.Minute + 30*time.Second, ""},
		"pending since before this server began":                                {[]paas.Instance{without(paas.InstancePending, time.Second)}, time.Hour, time.Hour + 30*time.Second, ""},
		"and still there when it has led for long enough":                       {[]paas.Instance{without(paas.InstancePending, time.Second)}, time.Hour, time.Hour + 61*time.Second, refused},
		"failed for it once, and another has taken its place":                   {[]paas.Instance{without(paas.InstanceFailed, 15*time.Second), second}, 0, time.Hour, ""},
		"what no server has is lost, and does not come":                         {[]paas.Instance{denied}, 0, 2 * time.Second, denied.Reason},
		"what no server has is lost, also when this one has just begun to lead": {[]paas.Instance{denied}, time.Second, 2 * time.Second, denied.Reason},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, snap := scene{steps: canary, step: 1, wanted: 2, green: tt.green, blue: []paas.Instance{healthy(0), healthy(1)}}.build()
			held := noon.Add(time.Second)
			d.HeldAt = &held
			if tt.led > 0 {
				snap.Led = noon.Add(tt.led)
			}
			v := deploy.Next(d, snap, noon.Add(tt.at))
			if (v.Move == deploy.Abort) != (tt.abort != "") || (tt.abort != "" && v.Reason != tt.abort) {
				t.Errorf("%+v, want to turn back for %q", v, tt.abort)
			}
		})
	}
}

// The only server is away for ten minutes, and Nomad gives the canary's instance up meanwhile: when the server is
// back the canary is whole again, and is held as before.
func TestACanaryOutlivesTheServer(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	stop := c.boot()
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	stop()
	var lost paas.Instance
	c.set(func() {
		for at, i := range c.instances {
			if i.Slot == paas.Green {
				i.State, i.Health, i.PassingAt, i.Since = paas.InstanceFailed, paas.HealthUnknown, nil, c.clock()
				i.Cause, i.Reason = paas.CauseArtifactFailed, refused
				lost, c.instances[at] = i, i
			}
		}
	})
	known := func(id string, cause paas.Cause) {
		c.look(shop)
		c.until("the store knows of "+id, func() (paas.Deployment, bool) {
			snap, err := c.store.Snapshot(t.Context(), shop)
			return paas.Deployment{}, err == nil && slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool { return i.ID == id && i.Cause == cause })
		})
	}
	known(lost.ID, paas.CauseArtifactFailed)
	c.ahead.Add(int64(10 * time.Minute))
	c.boot()
	c.later(0) // looked at again
	c.set(func() {
		next, now := lost, c.clock()
		next.ID, next.Placed, next.Previous = "ffff", lost.Placed+1, lost.ID
		next.State, next.Health, next.Cause, next.Reason = paas.InstanceRunning, paas.HealthHealthy, "", ""
		next.CreatedAt, next.StartedAt, next.PassingAt, next.Since = now, &now, &now, now
		c.instances[next.ID] = next
	})
	known("ffff", "")
	c.later(0) // and by turns that began when it was known
	c.heldAt(id, 50)
	c.later(10 * time.Minute) // the one that was given up is history
	c.promote(id)
	if d := c.ended(id); d.State != paas.DeploymentHealthy {
		t.Errorf("%s: %q", d.State, d.Reason)
	}
}
