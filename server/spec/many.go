package spec

import (
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// most is how many of a thing there may be in the block around it. What is not named has no limit of
// its own: of environments, variables and locals their readers know.
var most = map[string]int{
	"process": paas.MaxProcesses, "task": paas.MaxProcesses, "cron": paas.MaxProcesses, "sidecar": paas.MaxProcesses,
	"port": 50, "route": 500, "file": 100, "datacenters": 100, "words": 1000,
	"constraint": 100, "affinity": 100, "spread": 100, "target": 100,
	"secret": 100, "service": 20, "volume": 10,
}

func tooMany(kind, where string, n int) string {
	return fmt.Sprintf("There are %d of %q in %s; at most %d are allowed.", n, kind, where, most[kind])
}

// few demands that nothing is there too often.
func few(s paas.Spec, r report) bool {
	ok := true
	check := func(at place, kind string, n int) {
		if n > most[kind] {
			r.say(at, "Too many", "%s", tooMany(kind, at.location(), n))
			ok = false
		}
	}
	app := placed("app", "app")
	check(app, "process", len(s.Processes))
	check(app, "task", len(s.Tasks))
	check(app, "cron", len(s.Crons))
	check(app, "secret", len(s.Secrets))
	check(app, "service", len(s.Services))
	placement := func(at place, p paas.Placement) {
		check(at, "datacenters", len(p.Datacenters))
		check(at, "constraint", len(p.Constraints))
		check(at, "affinity", len(p.Affinities))
		check(at, "spread", len(p.Spreads))
		for i, spread := range p.Spreads {
			check(at.block("spread", i, ""), "target", len(spread.Targets))
		}
	}
	placement(placed("placement", "placement"), s.Placement)
	for i, p := range s.Processes {
		at := place{}.block("process", i, p.Name)
		check(at, "port", len(p.Ports))
		check(at, "route", len(p.Routes))
		check(at, "sidecar", len(p.Sidecars))
		check(at, "file", len(p.Files))
		check(at, "volume", len(p.Volumes))
		for j, sidecar := range p.Sidecars {
			check(at.block("sidecar", j, sidecar.Name), "file", len(sidecar.Files))
		}
		placement(at.attr("placement"), p.Placement)
	}
	for i, t := range s.Tasks {
		check(place{}.block("task", i, t.Name), "file", len(t.Files))
	}
	for i, t := range s.Crons {
		check(place{}.block("cron", i, t.Name), "file", len(t.Files))
	}
	return ok
}
