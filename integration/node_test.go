package integration_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// TestNodes: four instances on two nodes, under load. Nomad's own drain, and the death of a client's process, cost
// nothing. The death of a whole machine costs what its instances had been asked for, or were still asked for until
// their checks had failed: Fabio does not ask another instance.
func TestNodes(t *testing.T) {
	t.Parallel()
	d := startNodes(t, 2)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "1"`, "instances = 4\n    shutdown_delay = \"5s\"")
	d.ok(app, "push")
	rate, _ := size()
	spread := func(first, second int) {
		t.Helper()
		d.until(2*time.Minute, "the instances are where they should be", func() bool {
			by := d.healthyOn("sick")
			return by["dev"] == first && by["dev-2"] == second
		})
	}
	spread(2, 2)

	load := startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	d.drain("dev-2")
	spread(4, 0)
	load.end(t)

	d.eligible("dev-2", true)
	d.ok(app, "restart")
	spread(2, 2)
	lost := d.instancesOn("sick", "dev-2")
	load = startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	killed := time.Now()
	d.killClient("dev-2")
	d.givenUp("dev-2")
	t.Logf("the node of a client that was killed is given up after %s", time.Since(killed).Round(100*time.Millisecond))
	spread(4, 0)
	t.Logf("its instances are replaced after %s", time.Since(killed).Round(100*time.Millisecond))
	d.reviveNode("dev-2")
	d.until(time.Minute, "what lived on has ended, or goes on in place of what replaced it", func() bool {
		kept := d.instancesOn("sick", "dev-2")
		for _, p := range d.processes() {
			if slices.ContainsFunc(lost, func(alloc string) bool { return p.belongs(alloc) && !slices.Contains(kept, alloc) }) {
				return false
			}
		}
		by := d.healthyOn("sick")
		return by["dev"]+by["dev-2"] == 4
	})
	load.end(t)

	d.ok(app, "restart")
	spread(2, 2)
	load = startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	killed = time.Now()
	d.killNode("dev-2")
	d.until(time.Minute, "the dead instances get no more requests", func() bool {
		failed := load.failed.Load()
		time.Sleep(2 * time.Second) // of silence
		return failed > 0 && load.failed.Load() == failed
	})
	t.Logf("a machine was lost: %d of %d requests failed until its checks had, %s after", load.failed.Load(), load.sent.Load(), time.Since(killed).Round(100*time.Millisecond))
	load.stop()
	<-load.done
	load = startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)
	spread(4, 0)
	load.end(t)
}

// TestTheOnlyNode: an app on the only node has nowhere to walk. The drain says so, and begins no deployment that could
// only turn back; the app goes on serving, and the drain goes on when there is another node.
func TestTheOnlyNode(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "1"`, "instances = 2")
	d.ok(app, "push")
	rate, _ := size()
	load := startLoad(t, d.info.Router, "sick.localhost", rate, 100_000)

	d.ok("", "node", "drain", "dev", "--detach")
	var list struct{ Items []paas.NodeView }
	drain := func() *paas.Drain {
		d.json(&list, "", "nodes", "--json")
		return list.Items[0].Drain
	}
	d.until(time.Minute, "the drain says that it can't go on", func() bool {
		n := drain()
		return n != nil && n.State == paas.DrainLeaving && strings.Contains(n.Reason, "can't walk: no other node takes instances. ")
	})
	if reason := drain().Reason; !strings.Contains(reason, "default/sick") || !strings.Contains(reason, "`crumpet node drain dev --undo`") {
		t.Errorf("the drain says %q", reason)
	}
	d.ok("", "node", "undrain", "dev")
	if n := d.node("dev"); n.Drain || n.SchedulingEligibility != "eligible" {
		t.Errorf("undone, the node is %+v", n)
	}
	if story := d.story("sick"); strings.Contains(story, "leaves node dev") || strings.Contains(story, "reverted") {
		t.Errorf("it was told to walk:\n%s", story)
	}
	d.ok(app, "restart") // there is room for a walk on the node itself again
	load.end(t)
}

// healthyOn counts the running, healthy instances of an app by the name of their node.
func (d *dev) healthyOn(app string) map[string]int {
	d.t.Helper()
	by := map[string]int{}
	for _, i := range d.status(app).Instances {
		if i.State == "running" && i.Health == "healthy" {
			by[i.Node]++
		}
	}
	return by
}

// instancesOn are the ids of the running instances of an app on a node.
func (d *dev) instancesOn(app, node string) (ids []string) {
	d.t.Helper()
	for _, i := range d.status(app).Instances {
		if i.State == "running" && i.Node == node {
			ids = append(ids, i.ID)
		}
	}
	return ids
}
