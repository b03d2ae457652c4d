package secret_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/secret"
)

func TestValuesComeBackAsTheyWereSet(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	want := map[string]string{
		"EMPTY": "", "QUOTES": `"'` + "`" + `\`, "LINES": "a\nb\r\n\n", "DOLLAR": "$A ${B} $(c) {{ d }}", "UNICODE": "grüße 🥞\u2028", "SPACES": "  \t ",
		"JSON": `{"a": [1, null]}`, "LARGE": strings.Repeat("x", 65_000), "lower_1": "x",
	}
	var pairs []string
	for name, value := range want {
		pairs = append(pairs, name, value)
	}
	result := r.made(set(pairs...))
	if !result.Made || result.Version.Version != 1 || result.Use != paas.ConfigFirstPush || len(r.deploy.asked) != 0 {
		t.Errorf("result: %+v", result)
	}
	if diff := cmp.Diff(want, r.values(0)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if r.vault.keep[shop] != secret.LeastKept {
		t.Errorf("%d versions are kept", r.vault.keep[shop])
	}
}

func TestAKeyKnowsWhoSetItWhenAndInWhichVersion(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1", "B", "1"))
	later := set("B", "2", "C", "1", "A", "1")
	later.By, later.Set[1].Kind = "bob", paas.ConfigSecret
	r.now = noon.Add(1e9)
	r.made(later)
	gone := paas.ConfigChange{Ref: shop, By: "eve", Unset: []string{"A"}}
	r.made(gone)
	config, err := r.Configuration(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	want := []paas.ConfigKey{{Name: "B", Version: 2, SetAt: r.now, SetBy: "bob"}, {Name: "C", Secret: true, Version: 2, SetAt: r.now, SetBy: "bob"}}
	if diff := cmp.Diff(want, config.Newest.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	versions, err := r.Versions(t.Context(), shop)
	if err != nil || len(versions) != 3 || versions[0].Change != "unset A" || versions[1].Change != "set B, C" || versions[1].CreatedBy != "bob" {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	if diff := cmp.Diff(map[string]string{"A": "1", "B": "1"}, r.values(1)); diff != "" {
		t.Errorf("an earlier version (-want +got):\n%s", diff)
	}
	if got := r.told(paas.EventConfigChanged); len(got) != 3 || got[1] != "version 2 of the configuration by bob: set B, C" {
		t.Errorf("told: %q", got)
	}
}

func TestWhatChangesNothingMakesNoVersion(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.pushed(1, nil)
	result := r.made(set("A", "1"))
	if result.Made || result.Version.Version != 1 || len(r.rows()) != 1 || len(r.deploy.asked) != 0 || result.Deploy.Release.Config != 1 || result.Deploy.Changed {
		t.Errorf("set to the same: %+v", result)
	}
	turned := set("A", "1")
	turned.Set[0].Kind = paas.ConfigSecret
	if result := r.made(turned); !result.Made || !result.Version.Keys[0].Secret {
		t.Errorf("made a secret: %+v", result)
	}
	if result := r.made(paas.ConfigChange{Ref: paas.AppRef{Team: "default", App: "none"}}); result.Made || result.Version.Version != 0 {
		t.Errorf("nothing asked of nothing: %+v", result)
	}
}

func TestAChangeIsDeployedUnlessItIsStagedOrNothingRuns(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.pushed(0, nil)
	change := set("A", "1")
	change.Note, change.Wait = "why", true
	result := r.made(change)
	want := []paas.Reconfigure{{Ref: shop, Config: 1, By: "ann", Note: "why", Wait: true}}
	if diff := cmp.Diff(want, r.deploy.asked); diff != "" || result.Use != paas.ConfigDeployed || result.Deploy.Release.Config != 1 {
		t.Errorf("deployed: %+v\n%s", result, diff)
	}
	staged := set("B", "1")
	staged.Stage = true
	if result := r.made(staged); result.Use != paas.ConfigStaged || result.Deploy != nil || len(r.deploy.asked) != 1 {
		t.Errorf("staged: %+v", result)
	}
	if result := r.made(paas.ConfigChange{Ref: shop, By: "ann"}); result.Made || len(r.deploy.asked) != 2 || r.deploy.asked[1].Config != 2 {
		t.Errorf("what was staged: %+v", result)
	}
	r.pushed(1, func(c *paas.Change) { c.App.Stopped = true })
	if result := r.made(set("C", "1")); result.Use != paas.ConfigStopped || len(r.deploy.asked) != 2 {
		t.Errorf("stopped: %+v", result)
	}
}

// TestAskingAgainWhileItWalksGivesTheSameDeployment: the first answer may have been lost.
func TestAskingAgainWhileItWalksGivesTheSameDeployment(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.pushed(0, nil)
	r.pushed(1, func(c *paas.Change) {
		c.App.Release = 1
		c.Deployments = []paas.Deployment{{ID: "d1", Team: shop.Team, App: shop.App, Release: 2, Previous: 1, State: paas.DeploymentRunning, CreatedAt: noon, StepAt: noon}}
	})
	r.deploy.check = func() error { return paas.Errorf(paas.Conflict, "A deployment is under way.") }
	result := r.made(set("A", "1"))
	if result.Made || result.Deploy == nil || result.Deploy.Deployment == nil || result.Deploy.Deployment.ID != "d1" || len(r.deploy.asked) != 0 {
		t.Errorf("asked again: %+v", result)
	}
}

func TestWhatCanNotBeDeployedIsNotWritten(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("TLS", "x"))
	r.pushed(1, func(c *paas.Change) {
		c.Releases[0].Spec.Secrets = []paas.SecretFile{{Name: "TLS", Path: "tls", Mode: "0400"}}
	})

	busy := paas.Errorf(paas.Conflict, "Deployment d1 is running.")
	r.deploy.check = func() error { return busy }
	if err := r.refused(set("A", "1"), paas.Conflict); !errors.Is(err, busy) {
		t.Errorf("the deployer's own reason is not said: %v", err)
	}
	staged := set("A", "1")
	staged.Stage = true
	if result := r.made(staged); result.Use != paas.ConfigStaged {
		t.Errorf("staged while a deployment is under way: %+v", result)
	}
	r.deploy.check = nil
	err := r.refused(paas.ConfigChange{Ref: shop, Unset: []string{"TLS"}}, paas.Conflict)
	if !strings.Contains(err.Error(), "secret block for TLS") {
		t.Errorf("unset what the spec wants: %v", err)
	}
	base := 1
	moved := set("B", "1")
	moved.Base = &base
	_ = r.refused(moved, paas.Conflict)
	base = 2
	r.made(moved)
	r.pushed(1, func(c *paas.Change) { c.App.Deleting = true })
	_ = r.refused(set("C", "1"), paas.Conflict)
	if r.vault.newest[shop] != 3 {
		t.Errorf("Vault has %d versions", r.vault.newest[shop])
	}
}

func TestADeploymentThatFailsAfterAllLeavesTheVersionStagedAndSaysSo(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.pushed(0, nil)
	r.deploy.reply = func() error { return paas.Errorf(paas.Conflict, "Deployment d1 is running.") }
	_, err := r.Change(t.Context(), set("A", "1"))
	for _, part := range []string{"Version 1", "not deployed", "Deployment d1 is running.", "crumpet config deploy"} {
		if paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), part) {
			t.Errorf("%q is not said: %v", part, err)
		}
	}
	r.deploy.reply = nil
	if result := r.made(set("A", "1")); result.Made || result.Deploy == nil || r.newest() != 1 {
		t.Errorf("asked again: %+v", result)
	}
}

func TestEveryFaultIsSaidAtOnceAndNoValue(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := set("KEY", "x")
	first.Set[0].Kind = paas.ConfigSecret
	r.made(first)
	const value = "Zq7-unlikely"
	large := strings.Repeat(value, 1<<20/len(value))
	c := set("A/B", value, "1A", value, "a-b", value, "", value, "PORT", value, "PORT_HTTP", value, "HOST", value, "CRUMPET_X", value, "NOMAD_X", value,
		"VAULT_TOKEN", value, "SERVICE_BINDING_ROOT", value, "VCAP_SERVICES", value, "BYTES", value+"\xff", "NUL", value+"\x00", "LARGE", large, "TWICE", value)
	c.Unset = []string{"TWICE"}
	err := r.refused(c, paas.Invalid)
	var places []string
	for _, f := range paas.FaultsOf(err) {
		places = append(places, f.Location)
		if strings.Contains(f.Message, value) {
			t.Errorf("a fault shows a value: %s", f.Message)
		}
	}
	slices.Sort(places)
	want := []string{"", "1A", "A/B", "BYTES", "CRUMPET_X", "HOST", "LARGE", "NOMAD_X", "NUL", "PORT", "PORT_HTTP", "SERVICE_BINDING_ROOT", "TWICE", "VAULT_TOKEN", "VCAP_SERVICES", "a-b"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	plain := set("KEY", value)
	plain.Set[0].Kind = paas.ConfigPlain
	plain.Unset = []string{"GHOST"}
	if err := r.refused(plain, paas.Invalid); len(paas.FaultsOf(err)) != 2 || !strings.Contains(err.Error(), "crumpet secret set KEY") {
		t.Errorf("a secret set as plain: %v", paas.FaultsOf(err))
	}
	var pairs []string
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		pairs = append(pairs, name, strings.Repeat("x", 60_000))
	}
	if err := r.refused(set(pairs...), paas.Invalid); !strings.Contains(err.Error(), "together") {
		t.Errorf("too much together: %v", err)
	}
	for _, name := range []string{"PORTS", "HOSTNAME", "NOMAD", "VAULTS", "crumpet_x"} {
		if secret.Reserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}

func TestAVersionThatIsInUseIsNotPushedOut(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.pushed(1, nil)
	stage := func(value string) paas.ConfigChange {
		c := set("A", value)
		c.Stage = true
		return c
	}
	for n := 2; n <= secret.LeastKept; n++ {
		r.made(stage(strings.Repeat("x", n)))
	}
	err := r.refused(stage("one more"), paas.Conflict)
	for _, part := range []string{"Release 1", "version 1", "crumpet config deploy"} {
		if !strings.Contains(paas.MessageOf(err), part) {
			t.Errorf("%q is not said: %v", part, err)
		}
	}
	if has, err := r.Has(t.Context(), shop, 1); err != nil || !has {
		t.Errorf("version 1: %t, %v", has, err)
	}
	old := paas.Slotted{Team: shop.Team, App: shop.App, Slot: paas.Green, Release: 1}
	r.pushed(secret.LeastKept, func(c *paas.Change) { c.Slots = []paas.Slotted{old} })
	_ = r.refused(stage("one more"), paas.Conflict) // release 1 still stands in a slot, beside one with a newer version
	old.Release = 3
	r.pushed(secret.LeastKept, func(c *paas.Change) { c.Slots = []paas.Slotted{old} })
	r.made(stage("one more"))
	if gone, err := r.Gone(t.Context(), shop, []int{0, 1, 2}); err != nil || !slices.Equal(gone, []int{1}) {
		t.Errorf("gone: %v, %v", gone, err)
	}
	if has, err := r.Has(t.Context(), shop, 1); err != nil || has {
		t.Errorf("version 1 after one more: %t, %v", has, err)
	}
	if rows := r.rows(); len(rows) != secret.LeastKept || rows[len(rows)-1].Version != 2 {
		t.Errorf("%d rows, the last %d", len(rows), rows[len(rows)-1].Version)
	}
}

// TestAValueThatNoVariableCanHoldIsRefused: Nomad would end the program over its line.
func TestAValueThatNoVariableCanHoldIsRefused(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if err := r.refused(set("QUOTES", strings.Repeat(`"`, 40_000)), paas.Invalid); !strings.Contains(err.Error(), "base64") {
		t.Errorf("40,000 quotes: %v", err)
	}
}
