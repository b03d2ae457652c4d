package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// sized is a process of a size.
func sized(name string, cpu, memory int, routes ...string) paas.Process {
	p := paas.Process{Name: name, Program: paas.Program{CPU: cpu, Memory: memory}}
	for _, host := range routes {
		p.Routes = append(p.Routes, paas.Route{Host: host, Path: "/"})
	}
	return p
}

// standing is an app that serves a spec.
func standing(spec paas.Spec, counts map[string]int) paas.Snapshot {
	return paas.Snapshot{
		Version: 1, App: paas.App{Team: "red", Name: "shop", Release: 1, Counts: counts},
		Releases: map[int]paas.Release{1: {Number: 1, Spec: spec}},
	}
}

func TestWhatAnAppWants(t *testing.T) {
	t.Parallel()
	web := sized("web", 100, 256, "a.example.com", "b.example.com")
	web.Sidecars = []paas.Sidecar{{Name: "side", Program: paas.Program{CPU: 10, Memory: 16}}}
	worker := sized("worker", 0, 64)
	worker.Cores = 2
	db := sized("db", 50, 100)
	db.Volumes = []paas.Volume{{Name: "data", Size: 1000}}
	nightly := paas.Cron{Name: "nightly", Program: paas.Program{CPU: 20, Memory: 32}}
	once := paas.Task{Name: "migrate", Program: paas.Program{CPU: 500, Memory: 500}}
	spec := paas.Spec{App: "shop", Processes: []paas.Process{web, worker, db}, Crons: []paas.Cron{nightly}, Tasks: []paas.Task{once}}
	counts := map[string]int{"web": 2, "worker": 1, "db": 1}
	whole := paas.Demand{
		Memory: 2*(256+16) + 64 + 100 + 32, CPU: 2*110 + 2*paas.CoreMHz + 50 + 20, Apps: 1, Instances: 4, Routes: 2, Storage: 1000,
	}
	fragmented := spec
	fragmented.Processes = []paas.Process{sized("web", 100, 256)}
	fragmented.Processes[0].NomadTask = paas.Fragment(`{"Resources":{"MemoryMB":2048,"CPU":900}}`)
	fragmented.Crons, fragmented.Tasks = nil, nil
	small := paas.Spec{App: "shop", Processes: []paas.Process{sized("api", 700, 100, "a.example.com")}}
	for name, c := range map[string]struct {
		edit func(s *paas.Snapshot)
		want paas.Demand
	}{
		"as it serves": {func(*paas.Snapshot) {}, whole},
		"stopped it keeps its routes and its volumes": {func(s *paas.Snapshot) {
			s.App.Stopped = true
			s.Volumes = []paas.HostVolume{{Process: "db", Volume: "data", Size: 900}}
		}, paas.Demand{Apps: 1, Routes: 2, Storage: 900}},
		"while it goes it keeps its volumes": {func(s *paas.Snapshot) {
			s.App.Deleting = true
			s.Volumes = []paas.HostVolume{{Process: "db", Volume: "data", Size: 900}}
		}, paas.Demand{Apps: 1, Storage: 900}},
		"volumes of instances that were scaled away": {func(s *paas.Snapshot) {
			s.Volumes = []paas.HostVolume{{Process: "db", Volume: "data", Size: 900}, {Process: "db", Volume: "data", Index: 3, Size: 800}, {Process: "old", Volume: "x", Size: 5}}
		}, whole.Add(paas.Demand{Storage: 805})},
		"the greater of each number while it walks": {func(s *paas.Snapshot) {
			s.Releases[2] = paas.Release{Number: 2, Spec: small}
			s.Deployments = []paas.Deployment{{Release: 2, State: paas.DeploymentRunning, Wanted: map[string]int{"api": 10}}}
		}, paas.Demand{Memory: 1000, CPU: 7000, Apps: 1, Instances: 10, Routes: 2, Storage: 1000}},
		"not what it walks back from": {func(s *paas.Snapshot) {
			s.Releases[2] = paas.Release{Number: 2, Spec: small}
			s.Deployments = []paas.Deployment{{Release: 2, Abort: true, State: paas.DeploymentRunning, Wanted: map[string]int{"api": 1000}}}
		}, whole},
		"runs that were asked for, until they end": {func(s *paas.Snapshot) {
			s.Sides = map[string]paas.Side{
				"shop.run.a": {Job: "shop.run.a", Kind: paas.JobRun, Name: "migrate", Release: 1},
				"shop.run.b": {Job: "shop.run.b", Kind: paas.JobRun, Name: "migrate", Release: 1},
				"shop.cron":  {Job: "shop.cron", Kind: paas.JobCron, Name: "nightly", Release: 1},
			}
			s.Runs = []paas.Run{{ID: "x", Job: "shop.run.b", State: paas.RunComplete}}
		}, whole.Add(paas.Demand{Memory: 500, CPU: 500})},
		"what the operator lets it say in Nomad's words": {func(s *paas.Snapshot) {
			s.Releases[1] = paas.Release{Number: 1, Spec: fragmented}
		}, paas.Demand{Memory: 4096, CPU: 1800, Apps: 1, Instances: 2}},
	} {
		snap := standing(spec, counts)
		c.edit(&snap)
		if diff := cmp.Diff(c.want, deploy.WantsOf(snap).Total); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := deploy.WantsOf(paas.Snapshot{}); got.Total != (paas.Demand{}) {
		t.Errorf("an app that is not there wants %+v", got.Total)
	}
}

func TestEveryFaultOfAQuotaIsSaidByItsKey(t *testing.T) {
	t.Parallel()
	db := sized("db", 10, 10)
	db.Volumes = []paas.Volume{{Name: "data", Size: 100}}
	was := deploy.WantsOf(standing(paas.Spec{Processes: []paas.Process{sized("web", 100, 256, "a.example.com"), sized("api", 100, 100), db}}, map[string]int{"web": 2, "api": 1, "db": 1}))
	bigger := db
	bigger.Volumes = []paas.Volume{{Name: "data", Size: 200}}
	for name, c := range map[string]struct {
		spec   paas.Spec
		counts map[string]int
		quota  paas.TeamQuota
		want   string
	}{
		"nothing is bounded": {paas.Spec{Processes: []paas.Process{sized("web", 9999, 9999)}}, map[string]int{"web": 99}, paas.TeamQuota{}, ""},
		"larger instances":   {paas.Spec{Processes: []paas.Process{sized("web", 100, 512), sized("api", 100, 100), db}}, map[string]int{"web": 2, "api": 1, "db": 1}, paas.TeamQuota{Memory: 1000}, "process.web.memory"},
		"more instances": {
			paas.Spec{Processes: []paas.Process{sized("web", 100, 256), sized("api", 100, 100), db}},
			map[string]int{"web": 5, "api": 2, "db": 2},
			paas.TeamQuota{Memory: 1000, CPU: 1000, Instances: 6, Storage: 150},
			"process.api.instances process.db.instances process.web.instances | process.api.instances process.db.instances process.web.instances | process.db.instances",
		},
		"another process": {
			paas.Spec{Processes: []paas.Process{sized("web", 100, 256), sized("new", 300, 300), sized("api", 100, 100), db}, Crons: []paas.Cron{{Name: "c", Program: paas.Program{Memory: 10}}}},
			map[string]int{"web": 2, "new": 3, "api": 1, "db": 1},
			paas.TeamQuota{Memory: 700, CPU: 500},
			"cron.c.memory process.new.memory | process.new.cpu",
		},
		"another route":    {paas.Spec{Processes: []paas.Process{sized("web", 100, 256, "a.example.com", "b.example.com"), sized("api", 100, 100), db}}, map[string]int{"web": 2, "api": 1, "db": 1}, paas.TeamQuota{Routes: 1, Memory: 1}, "process.web.route"},
		"a larger volume":  {paas.Spec{Processes: []paas.Process{sized("web", 100, 256), sized("api", 100, 100), bigger}}, map[string]int{"web": 2, "api": 1, "db": 1}, paas.TeamQuota{Storage: 150}, "process.db.volume.data.size"},
		"above it already": {paas.Spec{Processes: []paas.Process{sized("web", 100, 200), sized("api", 100, 100), db}}, map[string]int{"web": 2, "api": 1, "db": 1}, paas.TeamQuota{Memory: 10, CPU: 10, Instances: 1, Routes: 1, Storage: 1, Apps: 1}, ""},
	} {
		wants := deploy.WantsOf(standing(c.spec, c.counts))
		stands := was.Total
		faults := deploy.OverQuota("red", c.quota, stands, wants.Total.Less(was.Total), was, wants)
		var got, last string
		for _, f := range faults {
			what, _, _ := strings.Cut(f.Message, " with this ")
			switch {
			case last == "":
			case what == last:
				got += " "
			default:
				got += " | "
			}
			got, last = got+f.Location, what
			if !strings.Contains(f.Message, `Team "red" may want `) || !strings.Contains(f.Message, " with this "+f.Location+". ") || !strings.Contains(f.Message, "crumpet quota set red --") {
				t.Errorf("%s: %s", name, f.Message)
			}
		}
		if got != c.want {
			t.Errorf("%s: faults at %q, want %q", name, got, c.want)
		}
	}
	first := deploy.WantsOf(standing(paas.Spec{}, nil))
	faults := deploy.OverQuota("red", paas.TeamQuota{Apps: 3}, paas.Demand{Apps: 3}, paas.Demand{Apps: 1}, deploy.Wants{}, first)
	if len(faults) != 1 || faults[0].Location != "app" || !strings.Contains(faults[0].Message, "may want 3 apps: it wants 3 now, and would want 4 with this app.") {
		t.Errorf("one app too many: %+v", faults)
	}
}

// Whatever is asked for in whatever order: what is let through never takes a team above its quota, and what
// takes nothing more is always let through.
func TestNoOrderOfWishesGoesAboveAQuota(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		quota := paas.TeamQuota{Memory: rapid.IntRange(0, 2000).Draw(t, "memory"), Instances: rapid.IntRange(0, 10).Draw(t, "instances"), Routes: rapid.IntRange(0, 3).Draw(t, "routes")}
		apps := map[string]deploy.Wants{}
		for range rapid.IntRange(1, 20).Draw(t, "wishes") {
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "app")
			p := sized("web", 1, rapid.IntRange(1, 900).Draw(t, "size"))
			for range rapid.IntRange(0, 3).Draw(t, "routes") {
				p.Routes = append(p.Routes, paas.Route{Host: "h"})
			}
			wants := deploy.WantsOf(standing(paas.Spec{Processes: []paas.Process{p}}, map[string]int{"web": rapid.IntRange(0, 6).Draw(t, "count")}))
			var stands paas.Demand
			for _, one := range apps {
				stands = stands.Add(one.Total)
			}
			added := wants.Total.Less(apps[name].Total)
			faults := deploy.OverQuota("red", quota, stands, added, apps[name], wants)
			if len(faults) == 0 {
				apps[name] = wants
				stands = stands.Add(added)
			} else if added.Memory <= 0 && added.Instances <= 0 && added.Routes <= 0 {
				t.Errorf("%+v takes nothing more, and is refused: %+v", added, faults)
			}
			if quota.Memory > 0 && stands.Memory > quota.Memory || quota.Instances > 0 && stands.Instances > quota.Instances || quota.Routes > 0 && stands.Routes > quota.Routes {
				t.Errorf("the team wants %+v of %+v", stands, quota)
			}
		}
	})
}
