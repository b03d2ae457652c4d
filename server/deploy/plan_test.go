package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// shopSpec is a spec of web and worker.
func shopSpec(web, worker int, edits ...func(*paas.Spec)) paas.Spec {
	s := spec(web, "hi")
	s.Deploy = paas.DefaultDeploy()
	if worker >= 0 {
		s.Processes = append(s.Processes, paas.Process{
			Name: "worker", Program: paas.Program{Command: []paas.Value{paas.Literal("./shop"), paas.Literal("-work")}, CPU: 50, Memory: 32},
			Instances: worker, Startup: 30 * time.Second, Restart: paas.Restart{Attempts: 2, Delay: 5 * time.Second}, Strategy: paas.Rolling,
		})
	}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func greeting(text string) func(*paas.Spec) {
	return func(s *paas.Spec) { s.Env = map[string]paas.Value{"GREETING": paas.Literal(text)} }
}

func stopFirst(s *paas.Spec) {
	for i := range s.Processes {
		s.Processes[i].Strategy = paas.StopFirst
	}
}

func strategy(which paas.Strategy) func(*paas.Spec) {
	return func(s *paas.Spec) {
		s.Deploy.Strategy = which
		s.Deploy.Warm = time.Minute
		s.Deploy.Canary = paas.CanaryPolicy{Instances: 1, Traffic: []int{10, 50}, Hold: time.Minute}
	}
}

func secondRoute(s *paas.Spec) {
	s.Processes[0].Routes = []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}, {Host: "also.localhost", Path: "/", Port: "http"}}
}

// fate is what becomes of the instances of one process: stay, in place, replaced, created, destroyed.
type fate [5]int

func fates(plan paas.Plan) map[string]fate {
	m := map[string]fate{}
	for _, p := range plan.Processes {
		m[p.Name] = fate{p.Stay, p.InPlace, p.Replaced, p.Created, p.Destroyed}
	}
	return m
}

func TestThePredictionOfAPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		first *paas.Spec                 // pushed before; nil for none
		then  func(*testing.T, *cluster) // happens before the plan
		next  paas.Spec
		edit  func(*paas.DeployRequest)
		why   string
		walk  bool
		want  map[string]fate
		peak  int
		says  string // in a warning, or what the push waits for
	}{
		{
			name: "of the first push is that everything is created",
			next: shopSpec(2, 1), why: "first release -> web and worker start in blue, 2 + 1 instances", walk: true,
			want: map[string]fate{"web": {3: 2}, "worker": {3: 1}}, peak: 3,
		},
		{
			name: "of the same again is that nothing is done", first: new(shopSpec(2, 1)),
			next: shopSpec(2, 1), why: "nothing changed: release 1 serves already",
			want: map[string]fate{"web": {0: 2}, "worker": {0: 1}}, peak: 3,
		},
		{
			name: "of a changed variable is a walk of everything", first: new(shopSpec(3, 1)),
			next: shopSpec(3, 1, greeting("hello")), why: "env.GREETING changed -> web and worker move to green, 3 + 1 instances", walk: true,
			want: map[string]fate{"web": {2: 3}, "worker": {2: 1}}, peak: 7,
		},
		{
			name: "of another number is a change in place", first: new(shopSpec(2, 2)),
			next: shopSpec(3, 1), why: "process.web.instances changed -> blue changed in place, web 2 to 3, worker 2 to 1",
			want: map[string]fate{"web": {1: 2, 3: 1}, "worker": {1: 1, 4: 1}}, peak: 4,
		},
		{
			name: "of one more route is a change in place", first: new(shopSpec(2, 1)), next: shopSpec(2, 1, secondRoute),
			why:  "process.web.route.also.localhost/ changed -> blue changed in place, every instance stays",
			want: map[string]fate{"web": {1: 2}, "worker": {1: 1}}, peak: 3,
		},
		{
			name: "of another way to deploy is that no instance is touched", first: new(shopSpec(2, 1)),
			next: shopSpec(2, 1, func(s *paas.Spec) { s.Deploy.Deadline = time.Hour }), why: "deploy.deadline changed -> no instance is touched",
			want: map[string]fate{"web": {0: 2}, "worker": {0: 1}}, peak: 3,
		},
		{
			name: "of a process more is a walk with new ones", first: new(shopSpec(2, -1)), next: shopSpec(2, 2),
			why: "process changed -> web and worker move to green, 2 + 2 instances", walk: true,
			want: map[string]fate{"web": {2: 2}, "worker": {3: 2}}, peak: 6,
		},
		{
			name: "of a process less is a walk in which its instances go", first: new(shopSpec(2, 2)), next: shopSpec(2, -1),
			why: "process changed -> web moves to green, 2 instances", walk: true,
			want: map[string]fate{"web": {2: 2}, "worker": {4: 2}}, peak: 6,
		},
		{
			name: "of stop-first never counts old and new at once", first: new(shopSpec(2, 1, stopFirst)), next: shopSpec(2, 1, stopFirst, greeting("hello")),
			why: "env.GREETING changed -> web and worker move to green, 2 + 1 instances", walk: true,
			want: map[string]fate{"web": {2: 2}, "worker": {2: 1}}, peak: 3,
		},
		{
			name: "of a forced push is a walk", first: new(shopSpec(2, -1)), next: shopSpec(2, -1),
			edit: func(r *paas.DeployRequest) { r.Force = true }, why: "--force -> web moves to green, 2 instances", walk: true,
			want: map[string]fate{"web": {2: 2}}, peak: 4,
		},
		{
			name: "of a stopped app is that it starts", first: new(shopSpec(2, 1)),
			then: func(t *testing.T, c *cluster) {
				if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
					t.Fatal(err)
				}
				c.gone()
			},
			next: shopSpec(2, 1), why: "the app is stopped -> blue changed in place, web 0 to 2, worker 0 to 1",
			want: map[string]fate{"web": {3: 2}, "worker": {3: 1}}, peak: 3, says: `app "shop" is stopped: a push starts it`,
		},
		{
			name: "keeps what was scaled", first: new(shopSpec(2, 1)),
			then: func(t *testing.T, c *cluster) {
				result, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": 4}, "ann")
				if err != nil {
					t.Fatal(err)
				}
				c.ended(result.Deployment.ID)
			},
			next: shopSpec(2, 1, greeting("hello")), why: "env.GREETING changed -> web and worker move to green, 4 + 1 instances", walk: true,
			want: map[string]fate{"web": {2: 4}, "worker": {2: 1}}, peak: 8, says: "web was scaled to 4 and keeps that number; the spec says 2",
		},
		{
			name: "during a deployment is of the time after it", first: new(shopSpec(2, 1)),
			then: func(t *testing.T, c *cluster) {
				c.set(func() { c.frozen = true })
				if _, err := c.deployer().Deploy(t.Context(), request(shopSpec(2, 1, greeting("hello")), "a")); err != nil {
					t.Fatal(err)
				}
			},
			next: shopSpec(3, 1, greeting("hello")), why: "process.web.instances changed -> green changed in place, web 2 to 3",
			want: map[string]fate{"web": {1: 2, 3: 1}, "worker": {1: 1}}, peak: 4, says: "a push must wait for it with --wait, or turn it back with --supersede",
		},
		{
			name: "with --supersede is of the time before the deployment", first: new(shopSpec(2, 1)),
			then: func(t *testing.T, c *cluster) {
				c.set(func() { c.frozen = true })
				if _, err := c.deployer().Deploy(t.Context(), request(shopSpec(2, 1, greeting("hello")), "a")); err != nil {
					t.Fatal(err)
				}
			},
			next: shopSpec(3, 1), edit: func(r *paas.DeployRequest) { r.Supersede = true },
			why:  "process.web.instances changed -> blue changed in place, web 2 to 3",
			want: map[string]fate{"web": {1: 2, 3: 1}, "worker": {1: 1}}, peak: 4, says: "it is turned back first",
		},
		{
			name: "of blue-green is that all stand twice", first: new(shopSpec(3, 1)),
			next: shopSpec(3, 1, greeting("hello"), strategy(paas.BlueGreen)), why: "env.GREETING changed -> web and worker move to green, 3 + 1 instances", walk: true,
			want: map[string]fate{"web": {2: 3}, "worker": {2: 1}}, peak: 8,
		},
		{
			name: "of a canary ends with all of the new", first: new(shopSpec(3, 1)),
			next: shopSpec(3, 1, greeting("hello"), strategy(paas.Canary)), why: "env.GREETING changed -> web and worker move to green, 3 + 1 instances", walk: true,
			want: map[string]fate{"web": {2: 3}, "worker": {2: 1}}, peak: 8,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t)
			if c.first != nil {
				cl.push(request(*c.first, "a"))
			}
			if c.then != nil {
				c.then(t, cl)
			}
			r := request(c.next, "a")
			if c.edit != nil {
				c.edit(&r)
			}
			plan, err := cl.deployer().Plan(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Why != c.why {
				t.Errorf("why:\n  %s\nwant:\n  %s", plan.Why, c.why)
			}
			if plan.Walk != c.walk {
				t.Errorf("walk %t", plan.Walk)
			}
			if diff := cmp.Diff(c.want, fates(plan)); diff != "" {
				t.Errorf("instances (-want +got):\n%s", diff)
			}
			if plan.Capacity.Peak.Instances != c.peak {
				t.Errorf("peak of %d instances, want %d: %+v", plan.Capacity.Peak.Instances, c.peak, plan.Steps)
			}
			said := append(slices.Clone(plan.Warnings), plan.Waits)
			if c.says != "" && !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, c.says) }) {
				t.Errorf("nothing says %q: %q", c.says, said)
			}
		})
	}
}

// gone waits until no instance is left.
func (c *cluster) gone() {
	c.t.Helper()
	c.until("every instance is gone", func() (paas.Deployment, bool) {
		snap, err := c.store.Snapshot(c.t.Context(), shop)
		alive := slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool { return !i.State.Ended() })
		return paas.Deployment{}, err == nil && !alive && fmt.Sprint(c.counts()) == "map[]"
	})
}

func TestAPlanOfACanaryShowsTheSharesOfEachStep(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(shopSpec(3, 1), "a"))
	plan, err := c.deployer().Plan(t.Context(), request(shopSpec(3, 1, greeting("hello"), strategy(paas.Canary)), "a"))
	if err != nil {
		t.Fatal(err)
	}
	var shares []float64
	for _, table := range plan.Routes.Steps {
		sum := 0.0
		for _, row := range table {
			sum += row.Share
			if row.Slot == paas.Green && !slices.Contains(shares, row.Share) {
				shares = append(shares, row.Share)
			}
		}
		if sum != 100 {
			t.Errorf("shares of one step sum up to %v: %+v", sum, table)
		}
	}
	if diff := cmp.Diff([]float64{0, 10, 50, 100}, shares); diff != "" {
		t.Errorf("shares of the new slot (-want +got):\n%s", diff)
	}
	if row := plan.Routes.After[0]; row.Slot != paas.Green || row.Instances != 3 || row.Share != 100 || row.Service != "default--shop--web--green" {
		t.Errorf("route afterwards: %+v", row)
	}
	if row := plan.Routes.Before[0]; row.Slot != paas.Blue || row.Instances != 3 || row.Route != "shop.localhost/" {
		t.Errorf("route before: %+v", row)
	}
}
