package bootstrap_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	real "github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// platform is a world with agents of old Consul and current Nomad.
func platform(t *testing.T) (*fakeWorld, *fakeAgents) {
	t.Helper()
	w := newWorld(t)
	w.fleet.Programs = []fleet.Program{{Name: fleet.Consul, Version: "1.8.7"}, {Name: fleet.Nomad, Version: "2.0.6"}}
	w.fleet.Clients = fleet.ClientBase{Drivers: []string{"exec"}}
	return w, newAgents(t, w)
}

func mustUp(t *testing.T, w *bootstrap.World, o bootstrap.Options) (done []string) {
	t.Helper()
	o.Tell = func(e bootstrap.Event) {
		if e.State == bootstrap.Done {
			done = append(done, e.Step)
		}
	}
	if err := bootstrap.Up(t.Context(), w, agentSteps(), o); err != nil {
		t.Fatal(err)
	}
	return done
}

func TestAgentsAreMadeOfEmptyMachines(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	run := w.run()
	planned, err := bootstrap.Plan(t.Context(), run, agentSteps(), bootstrap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.kept) > 0 || len(w.hosts["server-1"].files) > 0 {
		t.Errorf("a plan kept %d secrets and wrote %d files", len(w.kept), len(w.hosts["server-1"].files))
	}
	for _, want := range []string{"make a certificate authority that lives for ten years", "start consul", "start nomad", "give Nomad its management token", "write policy crumpet of Nomad"} {
		if !slices.ContainsFunc(planned, func(c bootstrap.Change) bool { return c.Text == want }) {
			t.Errorf("the plan of empty machines does not say %q", want)
		}
	}
	if done := mustUp(t, run, bootstrap.Options{}); len(done) != 6 {
		t.Errorf("up did %v", done)
	}
	for name, h := range w.hosts {
		for _, program := range []string{"consul", "nomad"} {
			if h.notes["runs "+program] == "" {
				t.Errorf("%s does not run on %s", program, name)
			}
		}
		for path, f := range h.files {
			checkSecrets(t, w, name, path, f)
		}
	}
	if len(agents.tokens) != 2+2*5 {
		t.Errorf("Consul has %d tokens, want 2 of actors and 2 of each machine", len(agents.tokens))
	}
	if done := mustUp(t, w.run(), bootstrap.Options{}); len(done) > 0 || len(agents.restarts) > 0 {
		t.Errorf("a second up did %v and restarted %v", done, agents.restarts)
	}
}

// checkSecrets: the management tokens lie nowhere, other secrets only where their program alone reads them.
func checkSecrets(t *testing.T, w *fakeWorld, machine, path string, f bootstrap.File) {
	t.Helper()
	for key, value := range w.kept {
		if key == bootstrap.KeptCA || !strings.Contains(string(f.Content), value) {
			continue
		}
		if key == bootstrap.KeptConsulToken || key == bootstrap.KeptNomadToken {
			t.Errorf("%s: %s holds what is kept as %s", machine, path, key)
		}
		if f.Mode.Perm()&0o007 != 0 {
			t.Errorf("%s: anybody may read what is kept as %s in %s", machine, key, path)
		}
	}
	if strings.Contains(string(f.Content), "PRIVATE KEY") && f.Mode.Perm() != 0o600 {
		t.Errorf("%s: the key %s has mode %s", machine, path, f.Mode)
	}
}

func TestARunThatWasKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	count, _ := platform(t)
	mustUp(t, count.run(), bootstrap.Options{})
	calls := count.death.count()
	if calls < 200 {
		t.Fatalf("a run makes only %d calls", calls)
	}
	const points = 11
	for i := range points {
		at, after := 1+i*calls/points, i%2 == 0
		t.Run(fmt.Sprintf("at call %d of %d, done %t", at, calls, after), func(t *testing.T) {
			t.Parallel()
			w, agents := platform(t)
			w.death.revive(at, after)
			ctx, end := context.WithCancel(t.Context())
			go func() {
				for w.death.count() < at && ctx.Err() == nil {
					time.Sleep(5 * time.Millisecond)
				}
				end() // what was killed waits for nothing
			}()
			if err := bootstrap.Up(ctx, w.run(), agentSteps(), bootstrap.Options{}); err == nil {
				t.Skip("this run made fewer calls than the one that was counted: nothing was killed")
			}
			w.death.revive(0, false)
			mustUp(t, w.run(), bootstrap.Options{})
			if done := mustUp(t, w.run(), bootstrap.Options{}); len(done) > 0 {
				t.Errorf("then up did %v once more", done)
			}
			if len(agents.tokens) != 12 {
				t.Errorf("Consul has %d tokens, want 12", len(agents.tokens))
			}
			for name, h := range w.hosts {
				for path, f := range h.files {
					checkSecrets(t, w, name, path, f)
				}
			}
		})
	}
}

func TestServersAreRestartedOneAfterTheOtherTheLeaderLast(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	w.fleet.Programs[0].Version = "1.8.9"
	mustUp(t, w.run(), bootstrap.Options{})
	want := []string{"consul server-1", "consul server-3", "consul server-2", "consul client-1", "consul client-2"}
	if !slices.Equal(agents.restarts, want) {
		t.Errorf("restarted %v, want %v: server-2 led", agents.restarts, want)
	}
	if len(agents.early) > 0 {
		t.Errorf("Consul was restarted on %v while services on another client were not checked again", agents.early)
	}
}

func TestNothingIsRestartedWhileAServerIsAway(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	part := func(m fleet.Machine) bootstrap.Part {
		return bootstrap.Part{Machine: m, Service: real.NomadService(m), Version: "2.0.7"}
	}
	c := bootstrap.Cluster{Within: time.Millisecond, Healthy: func(context.Context) error {
		return paas.Errorf(paas.Unavailable, "Nomad on server-3 hears no leader.")
	}}
	for _, m := range w.fleet.Of(fleet.Server) {
		c.Parts = append(c.Parts, part(m))
	}
	err := w.run().MakeParts(t.Context(), c)
	if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), "Nothing was restarted") || !strings.Contains(paas.MessageOf(err), "server-3") {
		t.Errorf("MakeParts: %v", err)
	}
	if len(agents.restarts) > 0 {
		t.Errorf("restarted %v", agents.restarts)
	}
}

func TestUpWaitsForTheVoteOfAServerThatCameBackEmpty(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"consul", "nomad"} {
		w, agents := platform(t)
		mustUp(t, w.run(), bootstrap.Options{})
		agents.voteless = "server-3"
		changes, err := bootstrap.Plan(t.Context(), w.run(), agentSteps(), bootstrap.Options{Only: step})
		if err != nil || len(changes) != 1 || !strings.Contains(changes[0].Text, "server-3 has no vote") {
			t.Errorf("plan of %s with a server that has no vote: %v, %v", step, changes, err)
		}
	}
}

func TestUpWaitsForAutopilotToFindAllServersHealthy(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"consul", "nomad"} {
		w, agents := platform(t)
		mustUp(t, w.run(), bootstrap.Options{})
		agents.ill = true
		changes, err := bootstrap.Plan(t.Context(), w.run(), agentSteps(), bootstrap.Options{Only: step})
		if err != nil || len(changes) != 1 || !strings.Contains(changes[0].Text, step+" does not find all its servers healthy yet") {
			t.Errorf("plan of %s with a server that is not healthy: %v, %v", step, changes, err)
		}
	}
}

func TestUpWaitsForAServerThatDoesNotKnowItsTokensYet(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	agents.behind = "server-1" // the one that is asked first
	changes, err := bootstrap.Plan(t.Context(), w.run(), agentSteps(), bootstrap.Options{Only: "nomad"})
	if err != nil || len(changes) != 1 || !strings.Contains(changes[0].Text, "Nomad on server-1 follows its leader, and does not know its tokens yet") {
		t.Errorf("plan with a server that has just started: %v, %v", changes, err)
	}
}

func TestAConsulThatKnowsNoTokenIsToldAgain(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	// Its data went, and its servers were started by somebody without a token.
	agents.mu.Lock()
	agents.management["consul"] = ""
	clear(agents.policies["consul"])
	clear(agents.tokens)
	agents.mu.Unlock()
	mustUp(t, w.run(), bootstrap.Options{})
	if agents.management["consul"] != w.kept[bootstrap.KeptConsulToken] {
		t.Error("Consul has not taken the token that is kept")
	}
	if len(agents.tokens) != 12 {
		t.Errorf("Consul has %d tokens, want 12", len(agents.tokens))
	}
	for name, h := range w.hosts {
		for path, f := range h.files {
			checkSecrets(t, w, name, path, f)
		}
	}
}

func TestACertificateThatEndsSoonIsMadeAnewAndReadWithoutARestart(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	late := w.run()
	late.Now = func() time.Time { return time.Now().Add(250 * 24 * time.Hour) }
	planned, err := bootstrap.Plan(t.Context(), late, agentSteps()[:1], bootstrap.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(planned) != 3*3+2*2 || !strings.Contains(planned[0].Text, "which ends on ") {
		t.Errorf("planned %v", planned)
	}
	before := string(w.hosts["server-1"].files["/etc/crumpet/tls/consul.pem"].Content)
	w.hosts["server-1"].mu.Lock()
	delete(w.hosts["server-1"].files, "/etc/crumpet/tls/consul.pem")
	w.hosts["server-1"].mu.Unlock()
	if done := mustUp(t, w.run(), bootstrap.Options{}); !slices.Equal(done, []string{"authority", "consul"}) {
		t.Errorf("up did %v", done)
	}
	if after := string(w.hosts["server-1"].files["/etc/crumpet/tls/consul.pem"].Content); after == before || after == "" {
		t.Error("the certificate that went is not there again")
	}
	if len(agents.restarts) > 0 {
		t.Errorf("restarted %v", agents.restarts)
	}
}

func TestTheTokensOfAMachineThatIsGoneAreTakenBack(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	w.fleet.Machines = slices.DeleteFunc(w.fleet.Machines, func(m fleet.Machine) bool { return m.Name == "client-2" })
	if done := mustUp(t, w.run(), bootstrap.Options{}); !slices.Contains(done, "consul-acl") {
		t.Errorf("up did %v", done)
	}
	if len(agents.tokens) != 10 {
		t.Errorf("Consul has %d tokens, want 10", len(agents.tokens))
	}
	for _, token := range agents.tokens {
		if about, _ := token["Description"].(string); strings.Contains(about, "client-2") {
			t.Errorf("Consul still has the token %q", about)
		}
	}
	for name := range w.kept {
		if strings.Contains(name, "client-2") {
			t.Errorf("%s is still kept", name)
		}
	}
	if done := mustUp(t, w.run(), bootstrap.Options{}); len(done) > 0 {
		t.Errorf("then up did %v once more", done)
	}
}

func TestDestroyLeavesNothing(t *testing.T) {
	t.Parallel()
	w, _ := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	if err := bootstrap.Destroy(t.Context(), w.run(), agentSteps(), bootstrap.Options{}); err != nil {
		t.Fatal(err)
	}
	if len(w.kept) > 0 {
		t.Errorf("still kept: %v", w.kept)
	}
	for name, h := range w.hosts {
		for path, f := range h.files {
			if path != "/etc/hosts" || strings.Contains(string(f.Content), "vault") {
				t.Errorf("%s still has %s: %s", name, path, f.Content)
			}
		}
		for _, program := range []string{"consul", "nomad"} {
			if h.notes["runs "+program] != "" {
				t.Errorf("%s still runs on %s", program, name)
			}
		}
	}
}

func TestARefusalShowsNoSecret(t *testing.T) {
	t.Parallel()
	w, agents := platform(t)
	mustUp(t, w.run(), bootstrap.Options{})
	agents.mu.Lock()
	agents.management["nomad"] = "another"
	agents.mu.Unlock()
	err := bootstrap.Up(t.Context(), w.run(), agentSteps(), bootstrap.Options{})
	if paas.CodeOf(err) != paas.Invalid && paas.CodeOf(err) != paas.Forbidden {
		t.Fatalf("up with a token that Nomad does not take: %v", err)
	}
	if !strings.Contains(err.Error(), "[redacted]") || strings.Contains(err.Error(), w.kept[bootstrap.KeptNomadToken]) {
		t.Errorf("the fake says the token in its refusal, and the error says %q", err)
	}
}
