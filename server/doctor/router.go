package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	slowDial    = 5 * time.Second
	fewMonitors = 4 // registry.consul.serviceMonitors
)

func routers(l *findings, f Facts) {
	if f.Routers.Reason != "" {
		l.unknown(paas.OfRouter, "routers", f.Routers.Reason, "Which routers there are, and how they are set up, can't be said.", "consul catalog nodes -service=fabio")
		return
	}
	if len(f.Routers.Is) == 1 {
		l.say(paas.Warning, paas.OfRouter, f.Routers.Is[0].Address, "There is one router.", "When it is lost no app can be reached.",
			"crumpet install   (Fabio runs on every client; or take one more machine of that role)")
	}
	for _, r := range f.Routers.Is {
		if r.Reason != "" {
			l.unknown(paas.OfRouter, r.Address, r.Reason, "How it is set up can't be said.", "curl "+r.Address+"/api/config")
			continue
		}
		router(l, r)
	}
}

func router(l *findings, r paas.RouterSettings) {
	if r.Access != "ro" {
		l.say(paas.Critical, paas.OfRouter, r.Address, fmt.Sprintf("ui.access is %q.", r.Access),
			"Whoever reaches the admin port can write rules into Consul, and so lead any app's requests anywhere.", "ui.access = ro   (in Fabio's configuration)")
	}
	if r.Strategy != "rnd" {
		l.say(paas.Critical, paas.OfRouter, r.Address, fmt.Sprintf("proxy.strategy is %q.", r.Strategy),
			"Shares are not kept: each change of the table begins its turn at the canary, which then takes far more than its share.", "proxy.strategy = rnd   (in Fabio's configuration)")
	}
	if !strings.HasSuffix(r.KVPath, "/") {
		l.say(paas.Warning, paas.OfRouter, r.Address, fmt.Sprintf("registry.consul.kvpath is %q, without a slash at its end.", r.KVPath),
			"Fabio takes it for the begin of names: a key such as fabio/config-old is obeyed as well.", "registry.consul.kvpath = /fabio/config/   (in Fabio's configuration)")
	}
	if !r.NoGlob {
		l.say(paas.Warning, paas.OfRouter, r.Address, "Glob matching of hosts is on.",
			"Each request compares with every host of the table: with 10,000 hosts p99 was 73 ms instead of 15 ms.", "glob.matching.disabled = true   (in Fabio's configuration, where no app has a wildcard host)")
	}
	if r.Monitors < fewMonitors {
		l.say(paas.Warning, paas.OfRouter, r.Address, fmt.Sprintf("registry.consul.serviceMonitors is %d.", r.Monitors),
			"Each change of health asks Consul for one service after the other: routes lag behind with many apps.", "registry.consul.serviceMonitors = 16   (in Fabio's configuration)")
	}
	if r.Checks != "all" {
		l.say(paas.Warning, paas.OfRouter, r.Address, fmt.Sprintf("registry.consul.checksRequired is %q.", r.Checks),
			"An instance gets requests when one of its checks passes, though another does not.", "registry.consul.checksRequired = all   (in Fabio's configuration)")
	}
	if r.DialTimeout > slowDial {
		l.say(paas.Warning, paas.OfRouter, r.Address, fmt.Sprintf("proxy.dialtimeout is %s.", r.DialTimeout),
			"When a node is lost, requests that are led there hang for that long.", "proxy.dialtimeout = 3s   (in Fabio's configuration)")
	}
}

// routersGivenUp names nodes on which a router is to run and Nomad tries no more. One that is drained, ineligible or away
// is left out: nothing is to start there.
func routersGivenUp(l *findings, f Facts) {
	if f.RouterJob.Reason != "" {
		l.unknown(paas.OfRouter, paas.RouterJobID, f.RouterJob.Reason, "Whether Nomad has given up a router can't be said.",
			"nomad job status -namespace "+paas.PlatformNamespace+" "+paas.RouterJobID)
		return
	}
	if f.RouterJob.Is == nil {
		return
	}
	for _, was := range f.RouterJob.Is.Lacking() {
		if was.ID == "" { // none of it is known: Nomad may have found that the node lacks what the job asks for
			continue
		}
		l.say(paas.Critical, paas.OfRouter, was.Node, fmt.Sprintf("Nomad has given up the router on %s: %s.", was.Node, orElse(was.Said, "it does not say why")),
			"Who asks this node for an app finds nobody, until Nomad looks at it again.",
			fmt.Sprintf("nomad alloc status -namespace %s %s   (mend what it says: Crumpet's leader has Nomad try again, within ten minutes at the latest. nomad job eval -namespace %[1]s %[3]s does so at once)",
				paas.PlatformNamespace, was.ID, paas.RouterJobID))
	}
}

// staleTables names routers whose table is not what Consul says.
func staleTables(l *findings, f Facts) {
	if f.Stale.Reason != "" {
		l.unknown(paas.OfRouter, "tables", f.Stale.Reason, "Whether routers follow Consul can't be said.", "crumpet repair")
		return
	}
	type count struct {
		gone, lacks int
		example     paas.StaleRow
	}
	by := map[string]*count{}
	for _, row := range f.Stale.Is {
		c := by[row.Router]
		if c == nil {
			c = &count{example: row}
			by[row.Router] = c
		}
		if row.Lacks {
			c.lacks++
		} else {
			c.gone++
		}
	}
	for router, c := range by {
		l.say(paas.Critical, paas.OfRouter, router, fmt.Sprintf(
			"Its table is frozen or stale: %d targets that do not pass in Consul, and %d that pass and are missing, such as %s at %s.", c.gone, c.lacks, c.example.Service, c.example.Address),
			"Requests are led to what has ended, and new instances get none.", "crumpet repair   (a key that can't be read freezes all routers; where it is one router only, start that anew)")
	}
}

// Stale compares routers' tables with what passes in Consul: targets of apps' services that do not pass, and ones
// that pass, are to be routed and are missing, unless a rule takes their service away. Pure.
func Stale(serving []paas.Serving, tables []paas.RouterTable, rules string) []paas.StaleRow {
	type target struct{ service, address string }
	passes, routed := map[target]bool{}, map[target]bool{}
	for _, s := range serving {
		passes[target{s.Service, s.Address}] = true
		if s.Routed && !strings.Contains(rules, "route del "+s.Service) {
			routed[target{s.Service, s.Address}] = true
		}
	}
	var rows []paas.StaleRow
	for _, table := range tables {
		has := map[target]bool{}
		for _, e := range table.Entries {
			at := target{e.Service, e.Dst}
			if _, ours := paas.ParseService(e.Service); !ours || has[at] {
				continue
			}
			if has[at] = true; !passes[at] {
				rows = append(rows, paas.StaleRow{Router: table.Router, Service: e.Service, Address: e.Dst})
			}
		}
		for at := range routed {
			if !has[at] {
				rows = append(rows, paas.StaleRow{Router: table.Router, Service: at.service, Address: at.address, Lacks: true})
			}
		}
	}
	return rows
}
