package paas_test

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// wished is an app with two routed web instances in blue and one worker; green is empty.
func wished(instances ...paas.Instance) paas.Snapshot {
	return paas.Snapshot{
		App: paas.App{Team: "acme", Name: "shop", Live: paas.Blue, Release: 3, Counts: map[string]int{"web": 2, "worker": 1}},
		Releases: map[int]paas.Release{3: {Number: 3, Spec: paas.Spec{Processes: []paas.Process{
			{Name: "web", Routes: []paas.Route{{Host: "shop.localhost", Path: "/"}}}, {Name: "worker"},
		}}}},
		Slots: map[paas.Slot]paas.Slotted{
			paas.Blue:  {Slot: paas.Blue, Release: 3, Counts: map[string]int{"web": 2, "worker": 1}},
			paas.Green: {Slot: paas.Green, Release: 2, Counts: map[string]int{"web": 0, "worker": 0}},
		},
		Instances: instances,
	}
}

type change = func(*paas.Instance)

func place(process string, index int, changes ...change) paas.Instance {
	i := paas.Instance{
		ID: process + string(rune('0'+index)), Process: process, Index: index, Slot: paas.Blue, Release: 3,
		State: paas.InstanceRunning, Health: paas.HealthHealthy, CreatedAt: time.Unix(100, 0),
	}
	for _, c := range changes {
		c(&i)
	}
	return i
}

func begun(i *paas.Instance)    { i.Health = paas.HealthCritical }
func pending(i *paas.Instance)  { i.State, i.Health = paas.InstancePending, paas.HealthUnknown }
func failed(i *paas.Instance)   { i.State, i.Health = paas.InstanceFailed, paas.HealthUnknown }
func lost(i *paas.Instance)     { i.State, i.Health = paas.InstanceLost, paas.HealthUnknown }
func stopping(i *paas.Instance) { i.State = paas.InstanceStopping }
func ended(i *paas.Instance)    { i.Exits = 1 }
func looping(i *paas.Instance)  { i.Crashes = paas.CrashLoop }
func overdue(i *paas.Instance)  { i.Health, i.Overdue = paas.HealthCritical, true }
func green(i *paas.Instance)    { i.Slot, i.Release, i.ID = paas.Green, 4, "g"+i.ID }
func before(i *paas.Instance)   { i.ID, i.CreatedAt = "before "+i.ID, time.Unix(50, 0) }

func TestTheHealthOfAnAppIsOneWord(t *testing.T) {
	t.Parallel()
	web0, web1, worker := place("web", 0), place("web", 1), place("worker", 0)
	walk := func(s paas.Snapshot) paas.Snapshot {
		s.Deployments = []paas.Deployment{{Release: 4, Previous: 3, Slot: paas.Green, From: paas.Blue, Wanted: s.App.Counts}}
		return s
	}
	first := func(instances ...paas.Instance) paas.Snapshot {
		s := wished(instances...)
		s.App.Release, s.App.Live, s.App.Counts = 0, "", map[string]int{}
		s.Deployments = []paas.Deployment{{Release: 3, Slot: paas.Blue, Wanted: map[string]int{"web": 2, "worker": 1}}}
		return s
	}
	stopped := func(instances ...paas.Instance) paas.Snapshot {
		s := wished(instances...)
		s.App.Stopped = true
		return s
	}
	blocked := wished(web0, worker)
	blocked.Jobs = map[paas.Slot]paas.JobFact{paas.Blue: {Blocked: "no node has room"}}
	none := wished()
	none.Jobs = blocked.Jobs
	zero := wished()
	zero.App.Counts = map[string]int{"web": 0, "worker": 0}

	tests := []struct {
		name string
		snap paas.Snapshot
		want paas.AppHealth
	}{
		{"every wanted instance serves", wished(web0, web1, worker), paas.AppHealthy},
		{"more serve than are wanted", wished(web0, web1, place("web", 0, green), worker), paas.AppHealthy},
		{"one is stopping and another serves in its place", wished(web0, place("web", 1, stopping), place("web", 1, green), worker), paas.AppHealthy},
		{"a surplus of one process makes up for no other", wished(web0, web1, place("web", 0, green)), paas.AppDegraded},
		{"one of two has failed", wished(web0, place("web", 1, failed), worker), paas.AppDegraded},
		{"one of two was lost and its successor starts", wished(web0, place("web", 1, lost, before), place("web", 1, pending), worker), paas.AppDegraded},
		{"one of two answers its check no more", wished(web0, place("web", 1, begun), worker), paas.AppDegraded},
		{"no room for one of two", blocked, paas.AppDegraded},
		{"the worker alone is gone", wished(web0, web1, place("worker", 0, failed)), paas.AppDegraded},
		{"no web serves, the worker does", wished(place("web", 0, failed), place("web", 1, failed), worker), paas.AppDown},
		{"no room for any", none, paas.AppDown},
		{"nothing is there", wished(), paas.AppDown},
		{"none answers within its startup time", wished(place("web", 0, overdue), place("web", 1, overdue), worker), paas.AppDown},
		{"one is in a crash loop and the other serves", wished(web0, place("web", 1, failed, looping), worker), paas.AppCrashing},
		{"it flaps: just now all serve", wished(web0, place("web", 1, looping), worker), paas.AppCrashing},
		{"all are in a crash loop", wished(place("web", 0, pending, looping), place("web", 1, pending, looping), worker), paas.AppCrashing},
		{"a crash loop that was replaced is over", wished(web0, place("web", 1, failed, looping, before), web1, worker), paas.AppHealthy},
		{"the new release loops, the old one serves", walk(wished(web0, web1, worker, place("web", 0, green, pending, looping))), paas.AppHealthy},
		{"the new release starts while the old one serves", walk(wished(web0, web1, worker, place("web", 0, green, pending))), paas.AppHealthy},
		{"it is being scaled out", walk(wished(web0, place("web", 1, begun), worker)), paas.AppStarting},
		{"it starts for the first time", first(place("web", 0, begun), place("web", 1, pending)), paas.AppStarting},
		{"nothing was placed yet of the first release", first(), paas.AppStarting},
		{"the first release ended once", first(place("web", 0, pending, ended), place("web", 1, pending)), paas.AppDown},
		{"the first release loops", first(place("web", 0, pending, looping)), paas.AppCrashing},
		{"it was started again", wished(place("web", 0, pending), place("web", 1, begun), place("worker", 0, pending)), paas.AppStarting},
		{"it is stopped", stopped(), paas.AppStopped},
		{"it is stopped and its instances end", stopped(place("web", 0, stopping, looping)), paas.AppStopped},
		{"it is scaled to nothing", zero, paas.AppStopped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := paas.HealthOf(tt.snap); got != tt.want {
				t.Errorf("HealthOf = %s, want %s", got, tt.want)
			}
		})
	}
}
