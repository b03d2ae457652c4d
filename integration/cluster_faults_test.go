//go:build linux

package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/integration/lab"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// faultRate is how many requests a second go to all apps together.
const faultRate = 50

// faulted is a cluster with apps and a load on them, to which faults happen.
type faulted struct {
	*labCluster

	apps   []string          // names; each is that of its folder as well
	texts  map[string]string // what each app was pushed with last
	load   *clusterLoad
	report []string // rows of the table at the end
	torn   bool     // it was not whole after a fault

	// Of the fault that happens now.
	sent, failed int
	told         []string
}

// fault is something that happens to a cluster, and what operators do about it.
type fault struct {
	name    string
	happens func(*faulted)
	excuses []excuse // misses that lie in its nature; none but these is allowed
}

// What a node costs that goes silent. Routers and clients have what they had asked of it; and Fabio asks no other instance
// where one can't be connected to, so that it fails requests until Consul's gossip has found the node dead.
var (
	underWay = "under way on the node, or on a connection that was kept to it"
	silent   = []excuse{
		{kind: "no answer", atMost: 30, within: 3 * time.Second, why: underWay},
		{kind: "connection broken", atMost: 30, within: 3 * time.Second, why: underWay},
		{kind: "status 50", atMost: 400, within: 15 * time.Second, why: "a router led to instances on the node until Consul had found it dead"},
	}
)

// started: Fabio takes connections as soon as it has read its rules or the services, whichever comes first.
var started = excuse{kind: "status 404", atMost: 25, within: 5 * time.Minute, why: "a router that has just started did not know the services yet"}

var faults = []fault{
	{name: "nomad_leader", happens: func(f *faulted) { f.leaderKilled("nomad") }},
	{name: "consul_leader", happens: func(f *faulted) { f.leaderKilled("consul") }},
	{name: "vault_sealed", happens: (*faulted).sealed},
	{name: "fabio_killed", happens: (*faulted).routerKilled, excuses: []excuse{
		{kind: "connection broken", atMost: 10, within: time.Second, why: "under way in the router that was killed"},
		started,
	}},
	{name: "crumpet_leader", happens: (*faulted).crumpetKilled},
	{name: "server_apart", happens: (*faulted).serverApart},
	{name: "client_cut", happens: (*faulted).clientCut, excuses: []excuse{ // once it is back
		{
			kind: "status 502 by client-1", atMost: 60, within: 40 * time.Second,
			why: "the router of the node that was back led to what was replaced meanwhile, until its Consul had found the servers again",
		},
		{
			kind: "status 502 by client-2", atMost: 20, within: 45 * time.Second,
			why: "Nomad ended what was replaced meanwhile before Consul on the node that was back could tell",
		},
	}},
	{name: "client_lost", happens: (*faulted).clientLost, excuses: append([]excuse{started}, silent...)},
	{name: "minority_left", happens: (*faulted).minorityLeft},
	{name: "control_plane", happens: (*faulted).controlPlane},
}

// TestClusterFaults: three servers and two clients that serve five apps of two instances each, under a load that does not
// end. One part after the other is lost; operators mend what does not mend itself, the cluster is whole again, and of each
// request that was not answered it is said why. What was wished for meanwhile comes true.
func TestClusterFaults(t *testing.T) {
	f := newFaulted(t)
	for _, k := range faults {
		t.Run(k.name, func(t *testing.T) { f.suffer(t, k) })
		if f.torn {
			break // what follows would be said of two faults
		}
	}
	f.load.turn().judge(t, nil)
	t.Logf("\n| lost | requests | failed | whole again after | why they failed |\n|---|---|---|---|---|\n%s", strings.Join(f.report, "\n"))
}

func hostOf(app string) string { return app + ".apps.lab" }

// newFaulted makes the cluster, pushes the apps and begins the load.
func newFaulted(t *testing.T) *faulted {
	t.Helper()
	f := &faulted{labCluster: newLabCluster(t), texts: map[string]string{}}
	f.timed(f.events(f.ok("up", "--json")))
	f.login()
	var hosts []string
	for _, app := range []string{"one", "two", "three", "four", "five"} {
		f.apps, hosts = append(f.apps, app), append(hosts, hostOf(app))
		f.push(app, "hello of "+app)
	}
	f.until(2*time.Minute, "the new cluster is whole", f.whole)
	routers := map[string]string{}
	for _, name := range labClients {
		routers[f.lab.Host(name).Address+":80"] = name
	}
	f.load = startClusterLoad(t, routers, hosts, faultRate)
	return f
}

// push gives an app a text and pushes it.
func (f *faulted) push(app, text string) {
	f.t.Helper()
	if err := f.pushed(app, text); err != nil {
		f.t.Fatal(err)
	}
}

func (f *faulted) pushed(app, text string) error {
	f.t.Helper()
	greeter(f.t, filepath.Join(f.dir, app), app, hostOf(app), text)
	began := time.Now()
	_, err := f.crumpet("", "push", app)
	if err == nil {
		f.texts[app] = text
		f.t.Logf("pushed %s within %s", app, time.Since(began).Round(100*time.Millisecond))
	}
	return err
}

// suffer has a fault happen to a cluster that is whole, and waits until it is so again.
func (f *faulted) suffer(t *testing.T, k fault) {
	defer func(parent testing.TB) { f.t = parent }(f.t)
	f.t, f.torn = t, true
	f.until(2*time.Minute, "the cluster is whole", f.whole)
	f.spread()
	f.judged(nil) // between faults nothing fails, and a restart of every app costs nothing
	f.sent, f.failed, f.told = 0, 0, nil
	began := time.Now()
	k.happens(f)
	f.until(4*time.Minute, "the cluster is whole again", f.whole)
	took := time.Since(began).Round(time.Second)
	f.torn = false
	f.judged(k.excuses)
	t.Logf("whole again after %s", took)
	f.report = append(f.report, fmt.Sprintf("| %s | %d | %d | %s | %s |", k.name, f.sent, f.failed, took, strings.Join(f.told, "; ")))
}

// judged says of the load what was missed since the last time, and why.
func (f *faulted) judged(excuses []excuse) {
	f.t.Helper()
	e := f.load.turn()
	f.told = append(f.told, e.judge(f.t, excuses)...)
	f.sent, f.failed = f.sent+e.sent, f.failed+len(e.misses)
}

// leads are the questions, on a server, for the one that leads.
var leads = map[string]string{
	"consul": `curl -sf -m 2 http://127.0.0.1:8500/v1/status/leader`,
	"nomad":  `curl -sf -m 2 --cacert /etc/crumpet/tls/ca.pem --cert /etc/crumpet/tls/nomad.pem --key /etc/crumpet/tls/nomad-key.pem https://ADDRESS:4646/v1/status/leader`,
	"vault":  `curl -sf -m 2 --cacert /etc/crumpet/tls/ca.pem https://ADDRESS:8200/v1/sys/leader`,
}

var labAddress = regexp.MustCompile(`10\.77\.\d+\.\d+`)

// leader is the server that leads a program, as one of some servers says; nil for none.
func (f *faulted) leader(program string, asked ...string) *lab.Host {
	for _, name := range asked {
		h := f.lab.Host(name)
		out, err := h.Console(strings.ReplaceAll(leads[program], "ADDRESS", h.Address))
		if err != nil {
			continue
		}
		address := labAddress.FindString(out)
		if i := slices.IndexFunc(f.lab.Hosts(), func(h *lab.Host) bool { return h.Address == address }); i >= 0 {
			return f.lab.Hosts()[i]
		}
	}
	return nil
}

// anotherLeads waits until others than a server agree on a leader.
func (f *faulted) anotherLeads(program string, than *lab.Host) {
	f.t.Helper()
	began := time.Now()
	others := slices.DeleteFunc(slices.Clone(labServers), func(name string) bool { return name == than.Name })
	f.until(time.Minute, "another server leads "+program, func() error {
		if now := f.leader(program, others...); now == nil || now == than {
			return errors.New("none does")
		}
		return nil
	})
	f.t.Logf("another server led %s after %s", program, time.Since(began).Round(100*time.Millisecond))
}

// killed sends SIGKILL to a program of a machine.
func (f *faulted) killed(h *lab.Host, program string) {
	f.t.Helper()
	f.console(h, "kill -9 $(cat /run/crumpet/"+program+".pid)")
}

func (f *faulted) console(h *lab.Host, script string) string {
	f.t.Helper()
	out, err := h.Console(script)
	if err != nil {
		f.t.Fatalf("on %s: %s: %v\n%s", h.Name, script, err, out)
	}
	return strings.TrimSpace(out)
}

// mended is what operators do after anything: up, and where it says that Vault is sealed, their shares of its key.
func (f *faulted) mended() {
	f.t.Helper()
	began := time.Now()
	_, err := f.run("up", "--json")
	if err != nil && strings.Contains(err.Error(), "crumpet cluster unseal") {
		f.ok("unseal")
		_, err = f.run("up", "--json")
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Logf("mended by up within %s", time.Since(began).Round(100*time.Millisecond))
}

// says waits until a checkup finds a thing and says what to do.
func (f *faulted) says(subject paas.Subject, words string) {
	f.t.Helper()
	f.until(time.Minute, "a checkup finds that "+words, func() error {
		var is paas.Checkup
		if err := f.decode(&is, "cluster", "status"); err != nil {
			return err
		}
		for _, found := range is.Findings {
			if found.Subject == subject && strings.Contains(found.Found, words) && found.Next != "" {
				return nil
			}
		}
		return fmt.Errorf("it finds %+v", is.Findings)
	})
}

// tells waits until an event of an app has some words.
func (f *faulted) tells(app, words string) {
	f.t.Helper()
	f.until(time.Minute, "an event tells "+words, func() error {
		out, err := f.crumpet("", "events", app, "--since", "10m", "--json")
		if err != nil {
			return err
		}
		var all []string
		for line := range strings.Lines(out) {
			var e paas.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return err
			}
			if strings.Contains(e.Message, words) {
				return nil
			}
			all = append(all, e.Message)
		}
		return fmt.Errorf("they tell %q", all)
	})
}

// leaderKilled: two of three go on, and take wishes.
func (f *faulted) leaderKilled(program string) {
	h := f.leader(program, labServers...)
	if h == nil {
		f.t.Fatalf("nobody leads %s", program)
	}
	f.killed(h, program)
	f.anotherLeads(program, h)
	f.push("one", "pushed without the leader of "+program)
	f.mended()
}

// sealed: every Vault is started anew, and so sealed, until keepers bring their shares.
func (f *faulted) sealed() {
	for _, name := range labServers {
		f.killed(f.lab.Host(name), "vault")
	}
	f.ok("up", "--only", "vault")
	f.says(paas.OfQuorum, "is sealed")
	f.ok("unseal")
}

// listens is the process that listens on a port of a machine, as its console shows it; "" for none.
func (f *faulted) listens(h *lab.Host, port string) string {
	return f.console(h, `ss -Hltnp "sport = :`+port+`" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1`)
}

// routerKilled: clients have another; Nomad starts it again.
func (f *faulted) routerKilled() {
	h := f.lab.Host("client-1")
	pid := f.listens(h, "80")
	f.console(h, "kill -9 "+pid)
	f.until(time.Minute, "Nomad has started the router again", func() error {
		if now := f.listens(h, "80"); now == "" || now == pid {
			return fmt.Errorf("process %q listens", now)
		}
		return nil
	})
}

// crumpetKilled: the one that leads dies while an app walks to its next release, and the walk goes on.
func (f *faulted) crumpetKilled() {
	all, err := f.servers()
	i := slices.IndexFunc(all, func(s paas.Server) bool { return s.State == paas.ServerLeader })
	if err != nil || i < 0 {
		f.t.Fatalf("no server of Crumpet leads: %v", err)
	}
	leader := all[i]
	address, port, _ := strings.Cut(leader.Address, ":")
	i = slices.IndexFunc(f.lab.Hosts(), func(h *lab.Host) bool { return h.Address == address })
	if i < 0 {
		f.t.Fatalf("the leader is at %s", leader.Address)
	}
	h := f.lab.Hosts()[i]
	done := make(chan error, 1)
	text := "pushed while Crumpet's leader died"
	before := f.releases("two")
	go func() { done <- f.pushed("two", text) }()
	f.until(time.Minute, "the walk has begun", func() error {
		if now := f.releases("two"); now == before {
			return fmt.Errorf("%d releases", now)
		}
		return nil
	})
	f.console(h, "kill -9 "+f.listens(h, port))
	f.until(time.Minute, "another server of Crumpet leads", func() error {
		all, err := f.servers()
		if i := slices.IndexFunc(all, func(s paas.Server) bool { return s.State == paas.ServerLeader }); err != nil || i < 0 || all[i].Epoch == leader.Epoch {
			return fmt.Errorf("%v, %w", all, err)
		}
		return nil
	})
	if err := <-done; err != nil {
		f.t.Errorf("a push during which Crumpet's leader died: %v", err)
	}
	f.texts["two"] = text // it is so, whatever became of whoever waited for it
}

// releases counts those of an app, whatever became of them.
func (f *faulted) releases(app string) int {
	f.t.Helper()
	var list struct{ Items []struct{ Release int } }
	if err := f.decode(&list, "releases", app); err != nil {
		f.t.Fatal(err)
	}
	return len(list.Items)
}

// apart takes all ways between some hosts and all others.
func (f *faulted) apart(some ...*lab.Host) {
	others := slices.DeleteFunc(f.lab.Hosts(), func(h *lab.Host) bool { return slices.Contains(some, h) })
	f.lab.Partition(some, others)
}

// serverApart: the leader alone on one side, everybody else on the other, where pushes work.
func (f *faulted) serverApart() {
	h := f.leader("nomad", labServers...)
	if h == nil {
		f.t.Fatal("nobody leads Nomad")
	}
	f.apart(h)
	for _, program := range []string{"nomad", "consul", "vault"} {
		f.anotherLeads(program, h)
	}
	f.push("three", "pushed while a server was apart")
	f.says(paas.OfQuorum, "none may be lost")
	f.lab.Join()
}

// minorityLeft: two servers are apart from everybody else, so that nothing is decided where the apps are, while the leader
// of Nomad goes on and gives up every node. What is pushed there waits, says why, and comes true; and what runs goes on.
func (f *faulted) minorityLeft() {
	leader := f.leader("nomad", labServers...)
	if leader == nil {
		f.t.Fatal("nobody leads Nomad")
	}
	other := slices.DeleteFunc(slices.Clone(labServers), func(name string) bool { return name == leader.Name })[0]
	before := f.missed(leader)
	f.apart(leader, f.lab.Host(other))
	began := time.Now()
	done := make(chan error, 1)
	text := "pushed while a minority was left"
	go func() { done <- f.pushed("four", text) }()
	f.says(paas.OfQuorum, "Nomad")
	out, err := f.crumpet("", "why", "four")
	if err != nil || !strings.Contains(out, "nomad") {
		f.t.Errorf("why, with a minority of Nomad's servers: %v\n%s", err, out)
	}
	f.until(2*time.Minute, "Nomad's leader has given up every node", func() error {
		if n := f.missed(leader) - before; n < len(labClients) {
			return fmt.Errorf("%d of %d", n, len(labClients))
		}
		return nil
	})
	f.judged(nil)
	f.lab.Join()
	f.t.Logf("a minority was left for %s", time.Since(began).Round(time.Second))
	if err := <-done; err != nil && !strings.Contains(err.Error(), "goes on without this command") {
		f.t.Errorf("a push to a minority: %v", err)
	}
	f.texts["four"] = text // it comes true, whoever waits for it
}

// missed counts how often a server of Nomad has heard nothing of a node for too long.
func (f *faulted) missed(h *lab.Host) int {
	f.t.Helper()
	n, err := strconv.Atoi(f.console(h, `grep -c "node TTL expired" /var/log/crumpet/nomad.log || true`))
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// clientCut: silence, long enough for its instances to be given up; then it is back.
func (f *faulted) clientCut() {
	h, other := f.lab.Host("client-1"), "client-2"
	began := time.Now()
	h.Cut()
	f.until(3*time.Minute, "the instances are on "+other, func() error { return f.allOn(other) })
	f.t.Logf("its instances were replaced after %s", time.Since(began).Round(time.Second))
	f.tells("one", "node "+h.Name+" ")
	f.push("five", "pushed while a node was cut off")
	f.judged(silent)
	h.Heal()
}

// clientLost: its power goes, and another machine comes under its name.
func (f *faulted) clientLost() {
	h, other := f.lab.Host("client-2"), "client-1"
	began := time.Now()
	h.Kill()
	f.until(3*time.Minute, "the instances are on "+other, func() error { return f.allOn(other) })
	f.t.Logf("its instances were replaced after %s", time.Since(began).Round(time.Second))
	f.tells("one", "node "+h.Name+" ")
	h.Wipe()
	h.Boot()
	f.lab.KnownHosts()
	f.mended()
}

// controlPlane: no server is there for two minutes.
func (f *faulted) controlPlane() {
	began := time.Now()
	for _, name := range labServers {
		f.lab.Host(name).Kill()
	}
	f.says(paas.OfQuorum, "Nomad")
	if _, err := f.crumpet("", "status", "one"); err != nil {
		f.t.Errorf("without servers of Nomad, Consul and Vault Crumpet says nothing of an app: %v", err)
	}
	time.Sleep(time.Until(began.Add(2 * time.Minute))) // that is the fault
	for _, name := range labServers {
		f.lab.Host(name).Boot()
	}
	f.mended()
	f.push("five", "pushed when the control plane was back")
}
