package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// bind writes the row of the service db as the service room does.
func (c *cluster) bind(edit func(*paas.Binding)) {
	c.t.Helper()
	rows, err := c.store.Bindings(c.t.Context(), shop)
	if err != nil {
		c.t.Fatal(err)
	}
	b := paas.Binding{
		ID: "b1", Team: shop.Team, App: shop.App, Name: "db", Instance: "shop-db", Kind: paas.KindPostgres, Declared: true, State: paas.BindingPending,
		Entries: paas.Entries{Type: "postgresql", Provider: "main", Facts: map[string]string{"host": "127.0.0.1", "port": "5432", "database": "shop"}, Keys: []string{"password", "username"}},
	}
	if len(rows) > 0 {
		b = rows[0]
	}
	edit(&b)
	if err := c.store.SaveServices(c.t.Context(), 0, paas.ServiceChange{Bindings: []paas.Binding{b}}); err != nil {
		c.t.Fatal(err)
	}
	c.deployer().Wake(shop)
}

func ready(generation int) func(*paas.Binding) {
	return func(b *paas.Binding) { b.State, b.Generation, b.Reason = paas.BindingReady, generation, "" }
}

func withService(greeting string, as paas.BindAs) paas.Spec {
	s := spec(2, greeting)
	use := paas.ServiceUse{Name: "db", Instance: "shop-db", Offering: "postgres", Plan: "small", Bind: paas.Bind{As: as}}
	if as == paas.AsEnv {
		use.Bind.Env = "DATABASE_URL"
	} else {
		use.Bind.Change = paas.ChangeNoop
	}
	s.Services = []paas.ServiceUse{use}
	return s
}

func creds(generation int) string {
	return fmt.Sprintf("creds/crumpet-default--shop--db--%d", generation)
}

func TestADeploymentWaitsForItsServices(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, &fakeVault{})
	s := withService("hi", paas.AsEnv)
	s.Tasks = withTasks("hi", task("migrate", paas.PhaseBefore)).Tasks
	result, err := c.deployer().Deploy(t.Context(), request(s, "a"))
	if err != nil {
		t.Fatal(err)
	}
	held := func(reason string) paas.Deployment {
		t.Helper()
		return c.until("it waits: "+reason, func() (paas.Deployment, bool) {
			d, err := c.store.Deployment(t.Context(), shop, result.Deployment.ID)
			return d, err == nil && d.Reason == reason
		})
	}
	held("it waits for credentials of service db: they have been asked for")
	c.bind(func(b *paas.Binding) { b.Reason = "The broker is making the instance." })
	d := held("it waits for credentials of service db: The broker is making the instance")
	if d.State != paas.DeploymentPending || d.Trouble != paas.CauseServiceWaits {
		t.Errorf("it is %s with cause %q", d.State, d.Trouble)
	}
	if got := c.registered(); len(got) > 0 {
		t.Errorf("%v ran before there were credentials", got)
	}
	c.bind(ready(1))
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy || d.Trouble != "" {
		t.Errorf("it ended as %s (%s)", d.State, d.Reason)
	}
	if text := c.text("shop.blue"); !strings.Contains(text, creds(1)) || strings.Contains(text, "nomadVar") {
		t.Errorf("its job does not read the first credentials: %s", text)
	}
	// One that failed later is still there; one that somebody ended is not waited for again.
	c.bind(func(b *paas.Binding) { b.State, b.Reason = paas.BindingFailed, "no." })
	c.push(request(withService("ho", paas.AsEnv), "b"))
	c.bind(func(b *paas.Binding) { b.State, b.Unbound = paas.BindingEnded, 2 })
	rebound, err := c.deployer().Rebind(t.Context(), shop, "unbind", "ann")
	if err != nil || !rebound.Changed {
		t.Fatalf("%+v, %v", rebound, err)
	}
	c.ended(rebound.Deployment.ID)
	if text := c.text("shop.blue"); strings.Contains(text, "creds/") {
		t.Errorf("its job still reads credentials: %s", text)
	}
	// The same pushed again is the wish to have it again; what does not declare it is unchanged.
	again, err := c.deployer().Deploy(t.Context(), request(withService("ho", paas.AsEnv), "b"))
	if err != nil || !again.Changed || again.Release.Number != 3 {
		t.Fatalf("%+v, %v", again, err)
	}
	c.bind(func(b *paas.Binding) { b.State, b.Generation, b.Unbound = paas.BindingReady, 2, 0 })
	c.ended(again.Deployment.ID)
	if again, err := c.deployer().Deploy(t.Context(), request(withService("ho", paas.AsEnv), "b")); err != nil || again.Changed {
		t.Errorf("bound again, the same is a change: %+v, %v", again, err)
	}
}

func TestAServiceThatCantBeHadEndsTheDeployment(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, &fakeVault{})
	c.push(request(spec(2, "hi"), "a"))
	before := c.counts()
	c.bind(func(b *paas.Binding) {
		b.State, b.Reason, b.Tried = paas.BindingFailed, "Plan small is gone from the catalog.", 2
	})
	d := c.push(request(withService("ho", paas.AsEnv), "b"))
	if d.State != paas.DeploymentReverted || d.Trouble != paas.CauseServiceFailed || d.Reason != "service db can't be bound: Plan small is gone from the catalog" {
		t.Errorf("it ended as %s, %s: %s", d.State, d.Trouble, d.Reason)
	}
	if diff := cmp.Diff(before, c.counts()); diff != "" {
		t.Errorf("instances changed (-before +after):\n%s", diff)
	}
}

func TestOtherCredentialsReachVariablesByAWalk(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, &fakeVault{})
	s := withService("hi", paas.AsEnv)
	s.Crons = withCron("hi", "@daily").Crons
	c.bind(ready(1))
	c.push(request(s, "a"))
	c.stands("shop.cron.report")
	if again, err := c.deployer().Rebind(t.Context(), shop, "rotate", "ann"); err != nil || again.Changed {
		t.Errorf("with the credentials that it has: %+v, %v", again, err)
	}
	c.bind(ready(2))
	result, err := c.deployer().Rebind(t.Context(), shop, "rotate", "ann")
	if err != nil || !result.Changed || result.Release.Number != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if _, err := c.deployer().Rebind(t.Context(), shop, "rotate", "ann"); err != nil && paas.CodeOf(err) != paas.Conflict {
		t.Errorf("while it walks: %v", err)
	}
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy || d.Why != "service.db" {
		t.Errorf("it ended as %s (%s), forced by %q", d.State, d.Reason, d.Why)
	}
	if text := c.text("shop.green"); !strings.Contains(text, creds(2)) {
		t.Errorf("the new slot does not read the second: %s", text)
	}
	c.until("the cron reads the second", func() (paas.Deployment, bool) {
		text := c.text("shop.cron.report")
		return paas.Deployment{}, strings.Contains(text, creds(2)) && !strings.Contains(text, creds(1))
	})
	if n := len(slices.DeleteFunc(c.registered(), func(id string) bool { return id != "shop.cron.report" })); n != 2 {
		t.Errorf("the cron was registered %d times, want 2", n)
	}
}

func TestOtherCredentialsReachFilesByTheVariable(t *testing.T) {
	t.Parallel()
	v := &fakeVault{items: map[string]string{"blog--db": "9"}, index: 4}
	c := newClusterWith(t, v)
	c.bind(ready(1))
	c.push(request(withService("hi", paas.AsFiles), "a"))
	says := func(want map[string]string) {
		t.Helper()
		c.until(fmt.Sprintf("the variable says %v", want), func() (paas.Deployment, bool) {
			return paas.Deployment{}, look(v, func() bool { return cmp.Equal(v.items, want) })
		})
	}
	says(map[string]string{"blog--db": "9", "shop--db": "1"})
	registers := func() (n int) { c.set(func() { n = c.registers }); return n }
	before := registers()
	c.bind(ready(2))
	says(map[string]string{"blog--db": "9", "shop--db": "2"})
	if again, err := c.deployer().Rebind(t.Context(), shop, "rotate", "ann"); err != nil || again.Changed {
		t.Errorf("files change under the program, and yet: %+v, %v", again, err)
	}
	if n := registers(); n != before {
		t.Errorf("a job was registered for it")
	}
	v.set(func() { v.items, v.index = map[string]string{"blog--db": "9"}, v.index+1 }) // somebody meddled
	c.ahead.Add(int64(60e9))
	c.deployer().Wake(shop)
	says(map[string]string{"blog--db": "9", "shop--db": "2"})
	if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	says(map[string]string{"blog--db": "9"})
}
