package doctor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func three(program, version string) paas.Quorum {
	q := paas.Quorum{Program: program, Leader: program + "-1", Version: version, Seal: "shamir"}
	for _, n := range []string{"1", "2", "3"} {
		name := program + "-" + n
		q.Servers = append(q.Servers, paas.QuorumServer{Name: name, Address: "10.0.0." + n + ":1", Version: version, Leader: name == q.Leader, Voter: true, Healthy: true})
	}
	return q
}

// well are the facts of a cluster that nothing is wrong with.
func well() doctor.Facts {
	known := func(q paas.Quorum) doctor.Known[paas.Quorum] { return doctor.Known[paas.Quorum]{Is: q} }
	ends := now.Add(90 * 24 * time.Hour)
	f := doctor.Facts{At: now, Quorums: map[string]doctor.Known[paas.Quorum]{
		"nomad": known(three("nomad", "2.0.6-dev")), "consul": known(three("consul", "1.8.7+dfsg1")), "vault": known(three("vault", "2.6.2")),
	}}
	for _, n := range []string{"1", "2"} {
		f.Agents.Is = append(f.Agents.Is, paas.NomadAgent{
			Name: "client-" + n, Node: "id" + n, Address: "10.0.1." + n + ":4646", Client: true, Version: "2.0.6-dev", Consul: "client-" + n, MinPort: 20000, MaxPort: 32000,
			Exec: true, TLS: true, Settings: &paas.AgentSettings{MaxKillTimeout: 5 * time.Minute, ChrootEnv: 3},
		})
		f.Rooms.Is = append(f.Rooms.Is, doctor.Room{Name: "client-" + n, CPU: paas.Extent{Total: 4000, Reserved: 1000}, Memory: paas.Extent{Total: 8000, Reserved: 3000}})
		f.Routers.Is = append(f.Routers.Is, paas.RouterSettings{
			Address: "http://10.0.1." + n + ":9998", Version: "1.7.3", Access: "ro", Strategy: "rnd", NoGlob: true, KVPath: "/fabio/config/", Monitors: 16, Checks: "all", DialTimeout: time.Second,
		})
	}
	f.Agents.Is = append(f.Agents.Is, paas.NomadAgent{
		Name: "nomad-1", Address: "10.0.0.1:4646", Server: true, TLS: true, Version: "2.0.6-dev",
		Settings: &paas.AgentSettings{HeartbeatGrace: time.Minute, EventBufferSize: 1000, Skew: new(time.Second)},
	})
	f.Certificates = []paas.Certificate{{Of: "nomad", Where: "10.0.0.1:4646", Subject: "server.global.nomad", Begins: new(now.Add(-time.Hour)), Ends: &ends}}
	f.Leases = []paas.Lease{{Of: "vault", Ends: new(now.Add(36 * time.Hour)), Renewable: true}, {Of: "nomad"}, {Of: "consul"}}
	f.Machine.Is = paas.Machine{Name: "here", FirstEph: 32768, LastEph: 60999}
	return f
}

func TestAClusterThatIsWellHasNoFinding(t *testing.T) {
	t.Parallel()
	if got := doctor.Findings(well()); len(got) != 0 {
		t.Errorf("findings: %+v", got)
	}
	if c := doctor.Report(well()); c.Worst != "" || len(c.Quorums) != 3 || c.Quorums[0].Program != "nomad" {
		t.Errorf("report: %+v", c)
	}
}

// quorumOf changes one program's quorum.
func quorumOf(program string, change func(*paas.Quorum)) func(*doctor.Facts) {
	return func(f *doctor.Facts) {
		known := f.Quorums[program]
		change(&known.Is)
		f.Quorums[program] = known
	}
}

func client(change func(*paas.NomadAgent)) func(*doctor.Facts) {
	return func(f *doctor.Facts) { change(&f.Agents.Is[0]) }
}

func router(change func(*paas.RouterSettings)) func(*doctor.Facts) {
	return func(f *doctor.Facts) { change(&f.Routers.Is[0]) }
}

// routerJob is one whose routers are to run on two nodes: client-1 has some, or none, and client-2 has one.
func routerJob(on1 ...paas.SystemInstance) func(*doctor.Facts) {
	return func(f *doctor.Facts) {
		f.RouterJob.Is = &paas.RouterJob{
			Nodes:     []paas.Node{{ID: "n1", Name: "client-1"}, {ID: "n2", Name: "client-2"}},
			Instances: append(on1, paas.SystemInstance{ID: "b", NodeID: "n2", Node: "client-2", Client: "running", Desired: "run"}),
		}
	}
}

// each case says what is found as SEVERITY SUBJECT THING: a part of the text.
var cases = []struct {
	name string
	make func(*doctor.Facts)
	want []string
}{
	{"Nomad has no leader", func(f *doctor.Facts) {
		f.Quorums["nomad"] = doctor.Known[paas.Quorum]{Reason: "Nomad at X has no leader.", Code: paas.Unavailable}
	}, []string{"critical quorum nomad: has no leader"}},
	{"a token may not ask", func(f *doctor.Facts) {
		f.Quorums["consul"] = doctor.Known[paas.Quorum]{Reason: "Consul at X does not allow it.", Code: paas.Forbidden}
	}, []string{"unknown quorum consul: Not known: Consul at X does not allow it."}},
	{"one of three servers is away", quorumOf("consul", func(q *paas.Quorum) { q.Servers[2].Healthy = false }), []string{
		"critical quorum consul: 2 of Consul's 3 voting servers are healthy: none may be lost.", "warning quorum consul-3: is not healthy",
	}},
	{"two of three are away", quorumOf("nomad", func(q *paas.Quorum) { q.Servers[1].Healthy, q.Servers[2].Healthy = false, false }), []string{
		"critical quorum nomad: 1 of Nomad's 3 voting servers are healthy; 2 are needed.", "warning quorum nomad-2: is not healthy", "warning quorum nomad-3: is not healthy",
	}},
	{"one Vault of three is sealed", quorumOf("vault", func(q *paas.Quorum) { q.Servers[1].Sealed = true }), []string{
		"critical quorum vault: 2 of Vault's 3 voting servers are healthy", "critical quorum vault-2: Vault at 10.0.0.2:1 is sealed.",
	}},
	{"the only Vault is sealed", quorumOf("vault", func(q *paas.Quorum) {
		q.Servers, q.Leader = q.Servers[:1], ""
		q.Servers[0].Sealed = true
	}), []string{"critical quorum vault: 0 of Vault's 1 voting servers are healthy; 1 are needed.", "critical quorum vault-1: is sealed"}},
	{"a peer of Vault does not answer", quorumOf("vault", func(q *paas.Quorum) { q.Servers[2].Reason = "It does not answer." }), []string{
		"unknown quorum vault-3: Not known: It does not answer.",
	}},
	{"a server has no vote", quorumOf("nomad", func(q *paas.Quorum) {
		q.Servers = append(q.Servers, paas.QuorumServer{Name: "nomad-4", Version: "2.0.6-dev", Healthy: true})
	}), []string{"warning quorum nomad-4: has no vote"}},
	{"four servers", quorumOf("nomad", func(q *paas.Quorum) {
		q.Servers = append(q.Servers, paas.QuorumServer{Name: "nomad-4", Version: "2.0.6-dev", Healthy: true, Voter: true})
	}), []string{"warning quorum nomad: an even number"}},
	{"one server", quorumOf("consul", func(q *paas.Quorum) { q.Servers = q.Servers[:1] }), []string{"warning quorum consul: has one server"}},
	{"no server leads", quorumOf("consul", func(q *paas.Quorum) { q.Leader, q.Servers[0].Leader = "", false }), []string{"critical quorum consul: has no leader"}},

	{"servers in the middle of an upgrade", quorumOf("nomad", func(q *paas.Quorum) { q.Servers[1].Version = "2.0.7" }), []string{"warning version nomad: nomad-2 runs 2.0.7"}},
	{"servers two minor versions apart", quorumOf("consul", func(q *paas.Quorum) { q.Servers[1].Version = "1.10.0" }), []string{
		"critical version consul: consul-2 runs 1.10.0", "unknown version consul-2: this is 1.10.0",
	}},
	{"a client newer than its servers", client(func(a *paas.NomadAgent) { a.Version = "2.0.9" }), []string{"warning version client-1: newer than the server"}},
	{"a Consul client far behind", quorumOf("consul", func(q *paas.Quorum) {
		for i := range q.Servers {
			q.Servers[i].Version = "1.10.4"
		}
		q.Members = []paas.QuorumServer{{Name: "old", Version: "1.8.7"}}
	}), []string{"warning version old: its servers 1.10.4", "unknown version consul-1: was seen to work with Consul 1.8"}},
	{"a Fabio that freezes", router(func(r *paas.RouterSettings) { r.Version = "1.6.3" }), []string{
		"critical version http://10.0.1.1:9998: older than 1.7.3", "warning version fabio: http://10.0.1.1:9998 runs 1.6.3",
	}},
	{"a version that says nothing", router(func(r *paas.RouterSettings) { r.Version = "trunk" }), []string{`unknown version http://10.0.1.1:9998: "trunk"`}},
	{"a stand-in of Crumpet's", router(func(r *paas.RouterSettings) { r.Version = "1.7.3-embedded" }), nil},

	{"a certificate ends in three weeks", func(f *doctor.Facts) { f.Certificates[0].Ends = new(now.Add(21 * 24 * time.Hour)) }, []string{"warning certificate nomad 10.0.0.1:4646: ends in 21 days"}},
	{"a certificate ends this week", func(f *doctor.Facts) { f.Certificates[0].Ends = new(now.Add(30 * time.Hour)) }, []string{"critical certificate nomad 10.0.0.1:4646: ends in 30h0m0s"}},
	{"a certificate has ended", func(f *doctor.Facts) { f.Certificates[0].Ends = new(now.Add(-time.Minute)) }, []string{"critical certificate nomad 10.0.0.1:4646: has ended"}},
	{"a certificate is not valid yet", func(f *doctor.Facts) { f.Certificates[0].Begins = new(now.Add(time.Minute)) }, []string{"critical certificate nomad 10.0.0.1:4646: holds from"}},
	{"no certificate could be seen", func(f *doctor.Facts) {
		f.Certificates = []paas.Certificate{{Of: "vault", Where: "v:8200", Reason: "It can't be reached."}}
	}, []string{"unknown certificate vault v:8200: It can't be reached."}},
	{"no certificate is in a file of a server's", func(f *doctor.Facts) {
		f.Certificates = []paas.Certificate{{Of: "nomad", Where: "what server a shows (/secrets/c.pem)", File: "/secrets/c.pem", Reason: "The file can't be read."}}
	}, []string{"unknown certificate nomad what server a shows (/secrets/c.pem): The file can't be read."}},

	{"Crumpet's token ends soon and nothing renews it", func(f *doctor.Facts) { f.Leases[1].Ends = new(now.Add(time.Hour)) }, []string{"critical lease token for Nomad: ends in 1h0m0s"}},
	{"Crumpet's token ends some day", func(f *doctor.Facts) { f.Leases[2].Ends = new(now.Add(1000 * time.Hour)) }, []string{"warning lease token for Consul: nothing renews it"}},
	{"the keeper of the token warns", func(f *doctor.Facts) { f.Leases[0].Warn = "It has reached its longest life." }, []string{"critical lease token for Vault: longest life"}},
	{"Vault does not tell of the token", func(f *doctor.Facts) { f.Leases[0] = paas.Lease{Of: "vault", Reason: "Refused."} }, []string{"unknown lease token for Vault: Refused."}},

	{"a node is larger than what is free elsewhere", func(f *doctor.Facts) { f.Rooms.Is[0].Memory = paas.Extent{Total: 16000, Reserved: 6000} }, []string{"warning capacity client-1: can't be lost"}},
	{"one node", func(f *doctor.Facts) { f.Rooms.Is = f.Rooms.Is[:1] }, []string{"warning capacity client-1: One node takes all instances."}},
	{"no node", func(f *doctor.Facts) { f.Rooms.Is = nil }, []string{"critical capacity nodes: No node takes instances."}},
	{"rooms are not known", func(f *doctor.Facts) { f.Rooms.Reason = "Nomad is away." }, []string{"unknown capacity nodes: Nomad is away."}},

	{"drift that costs requests, and drift that does not", func(f *doctor.Facts) {
		f.Drift.Is = []paas.Finding{
			{Kind: paas.JobChanged, Team: "crew", App: "shop", Thing: "shop.blue", Wished: "web=1", Found: "web=5", Heals: true},
			{Kind: paas.RuleBad, Thing: "fabio/config/x", Wished: "rules", Found: "syntax", Heals: true},
			{Kind: paas.TokenEnding, Thing: "vault token"},
		}
	}, []string{"critical drift fabio/config/x: rule.bad: wished is rules; found is syntax.", "warning drift crew/shop shop.blue: job.changed"}},
	{"drift is not known", func(f *doctor.Facts) { f.Drift.Reason = "Consul is away." }, []string{"unknown drift apps: Consul is away."}},

	{"two clients on one Consul agent", client(func(a *paas.NomadAgent) { a.Consul = "client-2" }), []string{"critical agent client-2: client-1, client-2 register services at one Consul agent"}},
	{"a client without a Consul agent", client(func(a *paas.NomadAgent) { a.Consul = "" }), []string{"critical agent client-1: sees no Consul agent"}},
	{"dynamic ports among the kernel's", client(func(a *paas.NomadAgent) { a.MinPort, a.MaxPort = 30000, 40000 }), []string{"critical agent client-1: 30000 to 40000, lie within"}},
	{"a short max_kill_timeout", client(func(a *paas.NomadAgent) { a.Settings.MaxKillTimeout = 30 * time.Second }), []string{"warning agent client-1: max_kill_timeout of client-1 is 30s"}},
	{"exec's default chroot", client(func(a *paas.NomadAgent) { a.Settings.ChrootEnv = 0 }), []string{"warning agent client-1: default chroot"}},
	{"no exec, so no chroot", client(func(a *paas.NomadAgent) { a.Settings.ChrootEnv, a.Exec = 0, false }), nil},
	{"a client that could not be asked", client(func(a *paas.NomadAgent) { a.Settings, a.Reason = nil, "It can't be asked." }), []string{"unknown agent client-1: It can't be asked."}},
	{"a client that is down", client(func(a *paas.NomadAgent) { a.Down, a.Settings, a.Consul = true, nil, "client-2" }), []string{"warning agent client-1: does not hear from"}},
	{"Nomad's own small settings of a server", func(f *doctor.Facts) {
		f.Agents.Is[2].Settings = &paas.AgentSettings{EventBufferSize: 100, HeartbeatGrace: 4 * time.Second}
	}, []string{"warning agent nomad-1: event_buffer_size of nomad-1 is 100", "warning agent nomad-1: heartbeat_grace of nomad-1 is 4s"}},
	{"Nomad's own heartbeat_grace", func(f *doctor.Facts) {
		f.Agents.Is[2].Settings = &paas.AgentSettings{EventBufferSize: 1000}
	}, nil},
	{"agents are not known", func(f *doctor.Facts) { f.Agents = doctor.Known[[]paas.NomadAgent]{Reason: "Refused."} }, []string{"unknown agent nomad: Refused."}},

	{"a Fabio that anybody can write to", router(func(r *paas.RouterSettings) { r.Access = "rw" }), []string{`critical router http://10.0.1.1:9998: ui.access is "rw"`}},
	{"a Fabio by turns", router(func(r *paas.RouterSettings) { r.Strategy = "rr" }), []string{`critical router http://10.0.1.1:9998: proxy.strategy is "rr"`}},
	{"Fabio's defaults", router(func(r *paas.RouterSettings) {
		r.NoGlob, r.KVPath, r.Monitors, r.Checks, r.DialTimeout = false, "/fabio/config", 1, "one", 30*time.Second
	}), []string{
		"warning router http://10.0.1.1:9998: kvpath is \"/fabio/config\", without a slash", "warning router http://10.0.1.1:9998: Glob matching",
		"warning router http://10.0.1.1:9998: serviceMonitors is 1", "warning router http://10.0.1.1:9998: checksRequired is \"one\"", "warning router http://10.0.1.1:9998: dialtimeout is 30s",
	}},
	{"a Fabio that does not say", router(func(r *paas.RouterSettings) { r.Reason, r.Access = "It does not show it.", "" }), []string{"unknown router http://10.0.1.1:9998: It does not show it."}},
	{"one router", func(f *doctor.Facts) { f.Routers.Is = f.Routers.Is[:1] }, []string{"warning router http://10.0.1.1:9998: There is one router."}},
	{"a router that Nomad gave up", routerJob(paas.SystemInstance{ID: "a1b2", NodeID: "n1", Node: "client-1", Client: "failed", Desired: "run", Said: "Task failed to derive a Vault token"}), []string{
		"critical router client-1: Nomad has given up the router on client-1: Task failed to derive a Vault token.",
	}},
	{"a router that Nomad gave up and says nothing of", routerJob(paas.SystemInstance{ID: "a1b2", NodeID: "n1", Node: "client-1", Client: "failed", Desired: "run"}), []string{"critical router client-1: it does not say why."}},
	{"a router that failed and runs again", routerJob(
		paas.SystemInstance{ID: "a1", NodeID: "n1", Node: "client-1", Client: "failed", Desired: "run"}, paas.SystemInstance{ID: "a2", NodeID: "n1", Node: "client-1", Client: "running", Desired: "run"},
	), nil},
	{"a router that was given up on a node that is drained", routerJob(paas.SystemInstance{ID: "a1", NodeID: "n3", Node: "client-3", Client: "failed", Desired: "run"}), nil},
	{"a node that is none for routers", routerJob(), nil},
	{"routers that are no job of ours", func(f *doctor.Facts) { f.RouterJob.Is = nil }, nil},
	{"the routers' job may not be read", func(f *doctor.Facts) { f.RouterJob = doctor.Known[*paas.RouterJob]{Reason: "Nomad does not allow it."} }, []string{"unknown router fabio: Nomad does not allow it."}},
	{"no router is known", func(f *doctor.Facts) { f.Routers = doctor.Known[[]paas.RouterSettings]{Reason: "None."} }, []string{"unknown router routers: None."}},
	{"a frozen table", func(f *doctor.Facts) {
		f.Stale.Is = []paas.StaleRow{{Router: "r", Service: "s", Address: "a:1"}, {Router: "r", Service: "s", Address: "b:1", Lacks: true}}
	}, []string{"critical router r: 1 targets that do not pass in Consul, and 1 that pass and are missing, such as s at a:1"}},
	{"tables are not known", func(f *doctor.Facts) { f.Stale.Reason = "Consul is away." }, []string{"unknown router tables: Consul is away."}},

	{"a clock that is late", client(func(a *paas.NomadAgent) { a.Settings.Skew = new(-5 * time.Second) }), []string{"critical clock client-1: at least 5s behind"}},
	{"Vault's clock is early", quorumOf("vault", func(q *paas.Quorum) { q.Skew = new(time.Minute) }), []string{"critical clock Vault: at least 1m0s before"}},

	{"swap", func(f *doctor.Facts) { f.Machine.Is.Swap = 2 << 30 }, []string{"warning machine here: Swap is on where this Crumpet server runs: 2048 MB."}},
	{"from outside all is well", func(f *doctor.Facts) { f.Outside = &doctor.Seen{} }, nil},
	{"from outside a machine is away", func(f *doctor.Facts) {
		f.Outside = &doctor.Seen{Unreached: map[string]string{"client-2": "No route to host."}}
	}, []string{"critical machine client-2: It can't be reached: No route to host."}},
	{"from outside Crumpet is away", func(f *doctor.Facts) {
		f.Outside = &doctor.Seen{Crumpet: doctor.Known[struct{}]{Reason: "Crumpet answers with 503.", Code: paas.Unavailable}}
	}, []string{"critical quorum crumpet: Crumpet answers with 503."}},
	{"a kernel that says nothing", func(f *doctor.Facts) { f.Machine.Reason = "No /proc." }, []string{"unknown machine this server: No /proc."}},
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := well()
			tt.make(&f)
			got := doctor.Findings(f)
			if len(got) != len(tt.want) {
				t.Fatalf("%d findings, want %d: %+v", len(got), len(tt.want), got)
			}
			for i, want := range tt.want {
				head, part, _ := strings.Cut(want, ": ")
				has := string(got[i].Severity) + " " + string(got[i].Subject) + " " + got[i].Thing
				if has != head || !strings.Contains(got[i].Found, part) {
					t.Errorf("found %q: %q, want %q", has, got[i].Found, want)
				}
				if got[i].Why == "" || got[i].Next == "" || strings.Contains(got[i].Next+got[i].Hint, "   ") || !strings.HasSuffix(got[i].Why, ".") {
					t.Errorf("%q says not why and what next: %+v", tt.name, got[i])
				}
			}
		})
	}
}

// A finding of each subject and severity is proof that none is dead.
func TestEverySubjectHasACase(t *testing.T) {
	t.Parallel()
	var all []string
	for _, tt := range cases {
		all = append(all, tt.want...)
	}
	for _, subject := range paas.Subjects {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, " "+string(subject)+" ") }) {
			t.Errorf("no case finds anything of %s", subject)
		}
	}
	for _, severity := range paas.Severities {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, string(severity)+" ") }) {
			t.Errorf("no case is %s", severity)
		}
	}
}

func TestStaleTables(t *testing.T) {
	t.Parallel()
	const web, dark = "acme--shop--web--blue", "acme--shop--web--green"
	serving := []paas.Serving{{Service: web, Address: "a:1", Routed: true}, {Service: web, Address: "b:1", Routed: true}, {Service: dark, Address: "c:1", Routed: true}, {Service: "acme--shop--worker--blue", Address: "d:1"}}
	entry := func(service, dst string) paas.RouterEntry {
		return paas.RouterEntry{Service: service, Host: "shop.localhost", Path: "/", Dst: dst}
	}
	tables := []paas.RouterTable{
		{Router: "good", Entries: []paas.RouterEntry{entry(web, "a:1"), entry(web, "b:1"), entry("other", "x:1")}},
		{Router: "frozen", Entries: []paas.RouterEntry{entry(web, "a:1"), entry(web, "a:1"), entry(web, "gone:1")}},
	}
	rule := "route del " + dark + ` tags "slot-green"`
	want := []paas.StaleRow{{Router: "frozen", Service: web, Address: "gone:1"}, {Router: "frozen", Service: web, Address: "b:1", Lacks: true}}
	if diff := cmp.Diff(want, doctor.Stale(serving, tables, rule)); diff != "" {
		t.Errorf("stale (-want +got):\n%s", diff)
	}
	if got := doctor.Stale(serving, tables[:1], ""); len(got) != 1 || got[0].Service != dark || !got[0].Lacks {
		t.Errorf("without the rule that hides it a slot is missing: %+v", got)
	}
}
