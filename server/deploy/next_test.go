package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// scene is a walk from release 1 in blue to release 2 in green, with one process web.
type scene struct {
	step   int
	steps  []paas.Step
	since  time.Duration // at this step
	wanted int
	green  []paas.Instance
	blue   []paas.Instance
	routed []paas.Instance // that stand in every router
	any    []paas.Instance // that stand in some router
	state  paas.RouteState
	stop   bool // stop-first
	job    paas.JobFact
}

func (s scene) build() (paas.Deployment, paas.Snapshot) {
	rel := spec(s.wanted, "hi")
	rel.Processes[0].Routes = []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}}
	if s.stop {
		rel.Processes[0].Strategy = paas.StopFirst
	}
	d := paas.Deployment{
		ID: "d1", Team: "default", App: "shop", Release: 2, Previous: 1, Slot: paas.Green, From: paas.Blue,
		State: paas.DeploymentRunning, Steps: s.steps, Step: s.step, Wanted: map[string]int{"web": s.wanted},
		CreatedAt: noon, StepAt: noon,
	}
	for i := range s.green {
		s.green[i].Slot, s.green[i].Release = paas.Green, 2
	}
	for i := range s.blue {
		s.blue[i].Slot, s.blue[i].Release = paas.Blue, 1
	}
	addresses := func(list []paas.Instance) []string {
		var all []string
		for _, i := range list {
			all = append(all, fmt.Sprintf("%s:%d", i.Ports["http"].Host, i.Ports["http"].Port))
		}
		return all
	}
	if s.job.Index == 0 {
		s.job.Index = 20
	}
	if s.any == nil {
		s.any = s.routed
	}
	return d, paas.Snapshot{
		App:         paas.App{Team: "default", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": s.wanted}},
		Releases:    map[int]paas.Release{1: {Spec: rel}, 2: {Spec: rel}},
		Slots:       map[paas.Slot]paas.Slotted{paas.Blue: {Slot: paas.Blue, Release: 1}, paas.Green: {Slot: paas.Green, Release: 2, Index: 20}},
		Deployments: []paas.Deployment{d},
		Instances:   append(s.green, s.blue...),
		Jobs:        map[paas.Slot]paas.JobFact{paas.Green: s.job},
		Routes: []paas.RouteFact{{
			Host: "shop.localhost", Path: "/", State: s.state, Targets: addresses(s.routed), Any: addresses(s.any),
		}},
	}
}

func web(index int, state paas.InstanceState, health paas.Health) paas.Instance {
	serial := index + 100*len(health)
	started := noon.Add(time.Second)
	i := paas.Instance{
		ID: fmt.Sprint(health, index), Team: "default", App: "shop", Process: "web", Index: index, State: state, Health: health,
		Ports:     map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 20000 + serial}},
		CreatedAt: started, StartedAt: &started, Since: started,
	}
	if health == paas.HealthHealthy || health == paas.HealthPassing {
		i.PassingAt = &started
	}
	return i
}

func healthy(index int) paas.Instance { return web(index, paas.InstanceRunning, paas.HealthHealthy) }

func step(green, blue int) paas.Step {
	return paas.Step{New: map[string]int{"web": green}, Old: map[string]int{"web": blue}}
}

func TestNext(t *testing.T) {
	t.Parallel()
	rolling := []paas.Step{step(1, 2), step(2, 1), step(2, 0)}
	on := func(i paas.Instance, port int) paas.Instance {
		i.Ports = map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: port}}
		return i
	}
	failed := web(0, paas.InstanceFailed, paas.HealthUnknown)
	failed.Reason = "web exited 3 times with code 1"
	before := failed
	before.CreatedAt = noon.Add(-time.Minute)
	old := []paas.Instance{on(healthy(0), 1), on(healthy(1), 2)}
	tests := map[string]struct {
		scene scene
		want  deploy.Verdict
	}{
		"nothing new yet: hold": {
			scene{steps: rolling, wanted: 2, blue: old},
			deploy.Verdict{Reason: "web has 0 of 1 new instances healthy"},
		},
		"passing for too short a time does not count": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{web(0, paas.InstanceRunning, paas.HealthPassing)}},
			deploy.Verdict{Reason: "web has 0 of 1 new instances healthy"},
		},
		"healthy but in no router's table: hold, since taking an old one away would lose its share": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{healthy(0)}},
			deploy.Verdict{Reason: "web has 1 healthy instances that no route leads to yet"},
		},
		"healthy and routed: advance": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{healthy(0)}, routed: []paas.Instance{healthy(0)}},
			deploy.Verdict{Move: deploy.Advance},
		},
		"taking away would hit a healthy instance and leave a failed one: add first (slots.md A3)": {
			scene{
				steps: rolling, wanted: 2, green: []paas.Instance{healthy(0)}, routed: []paas.Instance{healthy(0)},
				blue: []paas.Instance{on(web(0, paas.InstanceRunning, paas.HealthCritical), 1), on(healthy(1), 2)},
			},
			deploy.Verdict{Move: deploy.Advance, AddFirst: true},
		},
		"a release whose every instance is sick may be taken away": {
			scene{
				steps: rolling, wanted: 2, green: []paas.Instance{healthy(0)}, routed: []paas.Instance{healthy(0)},
				blue: []paas.Instance{on(web(0, paas.InstanceRunning, paas.HealthCritical), 1), on(web(1, paas.InstanceRunning, paas.HealthCritical), 2)},
			},
			deploy.Verdict{Move: deploy.Advance},
		},
		"a failed new instance: abort with its reason": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{failed}},
			deploy.Verdict{Move: deploy.Abort, Reason: "web exited 3 times with code 1"},
		},
		"an instance that failed before the walk began is not its fault": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{before}},
			deploy.Verdict{Reason: "web has 0 of 1 new instances healthy"},
		},
		"not healthy at the startup limit: abort": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{web(0, paas.InstanceRunning, paas.HealthCritical)}, since: 32 * time.Second},
			deploy.Verdict{Move: deploy.Abort, Reason: "web was not healthy within its startup limit of 30s"},
		},
		"no room: paused": {
			scene{steps: rolling, wanted: 2, blue: old, job: paas.JobFact{Blocked: "no node has 64 MB of free memory", Index: 20}},
			deploy.Verdict{Reason: "no node has 64 MB of free memory", Paused: true},
		},
		"no room for an earlier register says nothing": {
			scene{steps: rolling, wanted: 2, blue: old, job: paas.JobFact{Blocked: "no node has 64 MB of free memory", Index: 19}},
			deploy.Verdict{Reason: "web has 0 of 1 new instances healthy"},
		},
		"healthy, but perhaps no more since the last register, of which nothing was heard": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{healthy(0)}, routed: []paas.Instance{healthy(0)}, job: paas.JobFact{Index: 19}},
			deploy.Verdict{Reason: "Nomad has not answered the last change yet"},
		},
		"nor will be heard": {
			scene{steps: rolling, wanted: 2, blue: old, green: []paas.Instance{healthy(0)}, routed: []paas.Instance{healthy(0)}, job: paas.JobFact{Index: 19}, since: deploy.StaleLimit},
			deploy.Verdict{Move: deploy.Advance},
		},
		"no room for too long: abort": {
			scene{steps: rolling, wanted: 2, blue: old, since: deploy.RoomLimit + time.Second, job: paas.JobFact{Blocked: "no node has 64 MB of free memory", Index: 20}},
			deploy.Verdict{Move: deploy.Abort, Reason: "no node has 64 MB of free memory"},
		},
		"the last step waits until the route answers": {
			scene{steps: rolling, step: 2, wanted: 2, green: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, routed: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, state: paas.RouteRouted},
			deploy.Verdict{Reason: "route shop.localhost/ does not answer yet"},
		},
		"and until no router leads to an old instance": {
			scene{
				steps: rolling, step: 2, wanted: 2, green: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, blue: old[:1], state: paas.RouteAnswering,
				routed: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, any: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8), old[0]},
			},
			deploy.Verdict{Reason: "route shop.localhost/ still leads to an old instance"},
		},
		"an old instance that has ended, whose address a new one got, is none that a router leads to": {
			scene{
				steps: rolling, step: 2, wanted: 2, green: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, state: paas.RouteAnswering,
				blue:   []paas.Instance{on(web(0, paas.InstanceComplete, paas.HealthUnknown), 8)},
				routed: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)},
			},
			deploy.Verdict{Move: deploy.Done},
		},
		"then it is done": {
			scene{
				steps: rolling, step: 2, wanted: 2, green: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)}, blue: old[:1], state: paas.RouteAnswering,
				routed: []paas.Instance{on(healthy(0), 7), on(healthy(1), 8)},
			},
			deploy.Verdict{Move: deploy.Done},
		},
		"stop-first waits until the old instances have ended": {
			scene{steps: []paas.Step{step(0, 0), step(2, 0)}, wanted: 2, stop: true, blue: []paas.Instance{web(0, paas.InstanceStopping, paas.HealthHealthy)}},
			deploy.Verdict{Reason: "web waits for 1 old instances to stop"},
		},
		"and then starts the new ones": {
			scene{steps: []paas.Step{step(0, 0), step(2, 0)}, wanted: 2, stop: true, blue: []paas.Instance{web(0, paas.InstanceComplete, paas.HealthHealthy)}},
			deploy.Verdict{Move: deploy.Advance},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, snap := tt.scene.build()
			if diff := cmp.Diff(tt.want, deploy.Next(d, snap, noon.Add(tt.scene.since))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAWalkBackFillsTheOldSlotBeforeItEmptiesTheNew(t *testing.T) {
	t.Parallel()
	back := []paas.Step{step(1, 2), step(0, 2)}
	d, snap := scene{steps: back, wanted: 2, blue: []paas.Instance{healthy(0)}, green: []paas.Instance{healthy(1)}}.build()
	d.Abort = true
	if v := deploy.Next(d, snap, noon); v.Move != deploy.Hold || !strings.Contains(v.Reason, "1 of 2 instances healthy") {
		t.Errorf("with one old instance healthy: %+v", v)
	}
	d, snap = scene{steps: back, wanted: 2, blue: []paas.Instance{healthy(0), healthy(1)}}.build()
	d.Abort = true
	if v := deploy.Next(d, snap, noon); v.Move != deploy.Advance {
		t.Errorf("with all old instances healthy: %+v", v)
	}
	d.Step = 1
	if v := deploy.Next(d, snap, noon); v.Move != deploy.Done {
		t.Errorf("at the last step: %+v", v)
	}
}

func TestWorld(t *testing.T) {
	t.Parallel()
	d, snap := scene{steps: []paas.Step{step(1, 2), step(2, 1), step(2, 0)}, step: 1, wanted: 2}.build()
	at := func(edit func(*paas.Snapshot)) deploy.Wanted {
		s := snap
		edit(&s)
		return deploy.World(s)
	}
	counts := func(blue, green int) map[paas.Slot]map[string]int {
		return map[paas.Slot]map[string]int{paas.Blue: {"web": blue}, paas.Green: {"web": green}}
	}
	tests := map[string]struct{ got, want deploy.Wanted }{
		"in the middle of a walk both slots hold what its step says, behind a fence": {
			at(func(*paas.Snapshot) {}), deploy.Wanted{Slots: counts(1, 2), Fence: d.ID},
		},
		"without a deployment the live slot holds what is wanted, the other nothing": {
			at(func(s *paas.Snapshot) { s.Deployments = nil }), deploy.Wanted{Slots: counts(2, 0)},
		},
		"a stopped app holds nothing": {
			at(func(s *paas.Snapshot) { s.Deployments, s.App.Stopped = nil, true }), deploy.Wanted{Slots: counts(0, 0)},
		},
		"nor does one that is to be destroyed": {
			at(func(s *paas.Snapshot) { s.Deployments, s.App.Deleting = nil, true }), deploy.Wanted{Slots: counts(0, 0)},
		},
		"a deployment that has not begun changes nothing": {
			at(func(s *paas.Snapshot) {
				pending := d
				pending.State = paas.DeploymentPending
				s.Deployments = []paas.Deployment{pending}
			}), deploy.Wanted{Slots: counts(2, 0)},
		},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAChangeInPlaceIsDoneOnlyOnceItIsRegistered(t *testing.T) {
	t.Parallel()
	d, snap := scene{steps: []paas.Step{step(1, 0)}, wanted: 1, green: []paas.Instance{healthy(0), healthy(1)}, routed: []paas.Instance{healthy(0), healthy(1)}, state: paas.RouteAnswering}.build()
	d.From = d.Slot
	if v := deploy.Next(d, snap, noon); v.Move != deploy.Hold || v.Reason != "the change has not been registered yet" {
		t.Errorf("before it is registered: %+v", v)
	}
	row := snap.Slots[d.Slot]
	row.Counts = map[string]int{"web": 1}
	snap.Slots[d.Slot] = row
	if v := deploy.Next(d, snap, noon); v.Move != deploy.Done {
		t.Errorf("once it is registered: %+v", v)
	}
}

func TestNoOldInstanceIsTakenAwayWhileNomadMovesOne(t *testing.T) {
	t.Parallel()
	on := func(i paas.Instance, port int, node string) paas.Instance {
		i.Ports, i.NodeID = map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: port}}, node
		return i
	}
	fresh := on(healthy(0), 3, "n2")
	d, snap := scene{
		steps: []paas.Step{step(1, 2), step(2, 1), step(2, 0)}, wanted: 2, green: []paas.Instance{fresh}, routed: []paas.Instance{fresh},
		blue: []paas.Instance{on(healthy(0), 1, "n1"), on(healthy(1), 2, "n2")},
	}.build()
	snap.Nodes = map[string]paas.Node{"n1": {ID: "n1", Name: "one", Draining: true}, "n2": {ID: "n2", Name: "two"}}
	want := deploy.Verdict{Reason: "node one is being drained: no old instance is taken away until the app has left it"}
	if got := deploy.Next(d, snap, noon.Add(10*time.Minute)); got.Move != deploy.Hold || got.Reason != want.Reason {
		t.Errorf("while one is drained: %+v, want %+v", got, want)
	}
	for n := range snap.Instances {
		if snap.Instances[n].NodeID == "n1" {
			snap.Instances[n].State = paas.InstanceComplete
		}
	}
	if got := deploy.Next(d, snap, noon.Add(time.Second)); got.Move == deploy.Hold && got.Reason == want.Reason {
		t.Errorf("when the app has left it: %+v, want it to go on", got)
	}
}
