package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Storage and nodes.

func (c *cluster) Volumes(_ context.Context, team string) ([]paas.FoundVolume, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.disks), func(v paas.FoundVolume) bool { return v.Team != team }), nil
}

func (c *cluster) CreateVolume(_ context.Context, r paas.VolumeRequest) (paas.FoundVolume, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := paas.FoundVolume{HostVolume: r.Volume, State: paas.VolumeReady}
	v.ID, v.NodeID, v.Node = fmt.Sprintf("v%d", len(c.disks)+1), r.Node.ID, r.Node.Name
	c.disks = append(c.disks, v)
	c.order = append(c.order, "made "+v.Name())
	return v, nil
}

func (c *cluster) Nodes(context.Context) ([]paas.Node, error) {
	return []paas.Node{
		{ID: "n0", Name: "n0", Status: paas.NodeDown, Eligible: true},
		{ID: "n1", Name: "n1", Status: paas.NodeReady, Eligible: true},
		{ID: "n2", Name: "n2", Status: paas.NodeReady, Eligible: true},
	}, nil
}

// countsText is what a job asks for, such as db=1.
func countsText(job *nomadapi.Job) string {
	var parts []string
	for _, g := range job.TaskGroups {
		parts = append(parts, fmt.Sprintf("%s=%d", *g.Name, *g.Count))
	}
	return strings.Join(parts, " ")
}

// textOf is a group without what is changed in place.
func textOf(g *nomadapi.TaskGroup) string {
	job := &nomadapi.Job{TaskGroups: []*nomadapi.TaskGroup{g}}
	bare := jobspec.Undeployed(jobspec.Amend(job, map[string]int{*g.Name: 0}, paas.Spec{}, ""))
	for _, s := range bare.TaskGroups[0].Services {
		s.Tags = nil
	}
	return string(jobspec.Encode(bare))
}

// keeping is a spec of web, which walks, and db, which has a volume.
func keeping(web, db int, greeting string, edits ...func(*paas.Spec)) paas.Spec {
	s := spec(max(web, 1), greeting)
	p := s.Processes[0]
	p.Name, p.Instances, p.Strategy = "db", db, paas.StopFirst
	p.Volumes = []paas.Volume{{Name: "data", Size: 10, Mount: "/data"}}
	p.ShutdownDelay = 2 * time.Second
	s.Processes = append(s.Processes, p)
	if web == 0 {
		s.Processes = s.Processes[1:]
	}
	s.Deploy = paas.DefaultDeploy()
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func dbEnv(name, value string) func(*paas.Spec) {
	return func(s *paas.Spec) {
		for i, p := range s.Processes {
			if p.Name == "db" {
				s.Processes[i].Env = map[string]paas.Value{name: paas.Literal(value)}
			}
		}
	}
}

// of gives the ids of the instances of a process that run, by number.
func (c *cluster) of(process string) map[int]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[int]string{}
	for id, i := range c.instances {
		if i.Process == process && !i.State.Ended() {
			ids[i.Index] = id
		}
	}
	return ids
}

// orders gives the jobs that were registered since this was last asked.
func (c *cluster) orders() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	order := c.order
	c.order = nil
	return order
}

func (c *cluster) scaleTo(counts map[string]int) {
	c.t.Helper()
	result, err := c.deployer().Scale(c.t.Context(), shop, counts, "ann")
	if err != nil {
		c.t.Fatal(err)
	}
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		c.t.Fatalf("scaling to %v ended as %s: %s", counts, d.State, d.Reason)
	}
}

func TestWhatHasAVolumeIsReplacedInPlaceWhenTheOthersHaveWalked(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if d := c.push(request(keeping(1, 1, "hi"), "a")); d.State != paas.DeploymentHealthy {
		t.Fatalf("the first push ended as %s: %s", d.State, d.Reason)
	}
	if diff := cmp.Diff([]string{"shop.blue web=1", "made shop--db--data[0]", "shop.data db=1"}, c.orders()); diff != "" {
		t.Error(diff)
	}
	first := c.of("db")
	if d := c.push(request(keeping(1, 1, "hello"), "a")); d.State != paas.DeploymentHealthy {
		t.Fatalf("the second push ended as %s: %s", d.State, d.Reason)
	}
	order := c.orders() // what is old of web goes together with what is old of db
	replaced := slices.Index(order, "shop.data db=1 one by one")
	steady := slices.Index(order, "shop.data db=1")
	if len(order) != 4 || order[0] != "shop.green web=1" || replaced < 0 || steady < replaced || !slices.Contains(order, "shop.blue web=0") {
		t.Errorf("registered were %q", order)
	}
	if second := c.of("db"); len(second) != 1 || second[0] == first[0] {
		t.Errorf("db was %v and is %v", first, second)
	}
	row := c.snapshot().Slots[paas.Data]
	if row.Release != 2 || row.Aside != nil {
		t.Errorf("the slot data holds release %d, aside %v", row.Release, row.Aside)
	}
}

func TestWhatChangesNothingOfAProcessWithAVolumeLeavesItAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	before := c.of("db")
	webOnly := func(s *paas.Spec) { s.Processes[0].Env = map[string]paas.Value{"A": paas.Literal("b")} }
	if d := c.push(request(keeping(1, 1, "hi", webOnly), "a")); d.State != paas.DeploymentHealthy || d.InPlace() {
		t.Fatalf("a change of web ended as %s, in place %t: %s", d.State, d.InPlace(), d.Reason)
	}
	if diff := cmp.Diff(before, c.of("db")); diff != "" {
		t.Errorf("a walk of web replaced db: %s", diff)
	}
	web := c.of("web")
	if d := c.push(request(keeping(1, 1, "hi", webOnly, dbEnv("C", "d")), "a")); d.State != paas.DeploymentHealthy || !d.InPlace() || d.Why != "process.db.env.C" {
		t.Fatalf("a change of db ended as %s, in place %t, for %q: %s", d.State, d.InPlace(), d.Why, d.Reason)
	}
	if diff := cmp.Diff(web, c.of("web")); diff != "" {
		t.Errorf("a change of db replaced web: %s", diff)
	}
	if now := c.of("db"); now[0] == before[0] {
		t.Error("a change of db left it alone")
	}
	if row := c.snapshot().Slots[paas.Data]; row.Release != 3 {
		t.Errorf("the slot data holds release %d", row.Release)
	}
}

func TestARestartReplacesWhatHasAVolume(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]paas.Spec{"alone": keeping(0, 1, "hi"), "beside another": keeping(1, 1, "hi")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.push(request(s, "a"))
			before := c.of("db")
			result, err := c.deployer().Restart(t.Context(), shop, "ann")
			if err != nil {
				t.Fatal(err)
			}
			if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
				t.Fatalf("it ended as %s: %s", d.State, d.Reason)
			}
			if now := c.of("db"); len(now) != 1 || now[0] == before[0] {
				t.Errorf("db was %v and is %v", before, now)
			}
		})
	}
}

func TestAReleaseThatFailsGivesWhatHasAVolumeBack(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]func(greeting string, edits ...func(*paas.Spec)) paas.Spec{
		"beside another": func(greeting string, edits ...func(*paas.Spec)) paas.Spec { return keeping(1, 1, greeting, edits...) },
		"alone":          func(greeting string, edits ...func(*paas.Spec)) paas.Spec { return keeping(0, 1, greeting, edits...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.set(func() {
				c.sick = func(text string) string {
					if strings.HasSuffix(text, "yes") {
						return "db exited with code 1"
					}
					return ""
				}
			})
			c.push(request(s("hi"), "a"))
			good := c.snapshot().Slots[paas.Data].Job
			d := c.push(request(s("hello", dbEnv("SICK", "yes")), "a"))
			if d.State != paas.DeploymentReverted || !strings.Contains(d.Reason, "db exited with code 1") {
				t.Fatalf("it ended as %s: %s", d.State, d.Reason)
			}
			c.until("the old release runs again", func() (paas.Deployment, bool) {
				row := c.snapshot().Slots[paas.Data]
				return d, row.Release == 1 && row.Aside == nil && string(row.Job) == string(good) && len(c.of("db")) == 1 && row.Counts["db"] == 1
			})
		})
	}
}

// Whoever fails without a volume costs the others nothing.
func TestAReleaseThatFailsEarlierNeverTouchesWhatHasAVolume(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	before := c.of("db")
	c.set(func() {
		c.sick = func(text string) string {
			if strings.HasPrefix(text, "bbbb") {
				return "web exited with code 1"
			}
			return ""
		}
	})
	if d := c.push(request(keeping(1, 1, "hello"), "b")); d.State != paas.DeploymentReverted {
		t.Fatalf("it ended as %s: %s", d.State, d.Reason)
	}
	if diff := cmp.Diff(before, c.of("db")); diff != "" {
		t.Error(diff)
	}
}

func TestVolumesAreMadeAsManyAsInstancesAndNeverTaken(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	for _, n := range []int{3, 1, 2} {
		c.scaleTo(map[string]int{"db": n})
		if got := len(c.of("db")); got != n {
			t.Errorf("scaled to %d, %d run", n, got)
		}
	}
	on := map[string]string{}
	for _, v := range c.snapshot().Volumes {
		on[v.Name()] = v.Node
	}
	want := map[string]string{"shop--db--data[0]": "n1", "shop--db--data[1]": "n2", "shop--db--data[2]": "n1"}
	if diff := cmp.Diff(want, on); diff != "" {
		t.Errorf("%s", diff)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.disks) != 3 {
		t.Errorf("%d were made", len(c.disks))
	}
}

// A volume that Nomad has forgotten is not made anew: an empty one would look like all is well.
func TestALostVolumeHoldsTheDeploymentThatNeedsIt(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	kept := c.disks[0]
	c.set(func() { c.disks = nil })
	d := c.push(request(keeping(1, 1, "hello"), "a"))
	if d.State != paas.DeploymentReverted || !strings.Contains(d.Reason, "volume shop--db--data[0] is lost") {
		t.Fatalf("it ended as %s: %s", d.State, d.Reason)
	}
	kept.ID = "restored"
	c.set(func() { c.disks = []paas.FoundVolume{kept} })
	if d := c.push(request(keeping(1, 1, "hello again"), "a")); d.State != paas.DeploymentHealthy {
		t.Fatalf("with a volume put back it ended as %s: %s", d.State, d.Reason)
	}
	if v := c.snapshot().Volumes; len(v) != 1 || v[0].ID != "restored" {
		t.Errorf("known are %+v", v)
	}
}

func TestAVolumeEndsByHandOnlyAndNotWhileItIsWanted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	c.scaleTo(map[string]int{"db": 2})
	c.scaleTo(map[string]int{"db": 1})
	keep := deploy.Kept{Store: c.store, Nomad: keeper{c}, Now: c.clock}
	err := keep.Delete(t.Context(), shop, "shop--db--data[0]", "ann")
	if paas.CodeOf(err) != paas.Conflict {
		t.Errorf("one that is in use: %v", err)
	}
	if err := keep.Delete(t.Context(), paas.AppRef{Team: "default", App: "other"}, "shop--db--data[1]", "ann"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("one of another app: %v", err)
	}
	if err := keep.Delete(t.Context(), shop, "shop--db--data[1]", "ann"); err != nil {
		t.Error(err)
	}
	c.set(func() { c.disks = nil }) // somebody deleted the other in Nomad
	list, err := keep.List(t.Context(), "default", "shop")
	if err != nil || len(list) != 1 || list[0].State != paas.VolumeLost || len(list[0].UsedBy) != 1 {
		t.Errorf("listed are %+v, %v", list, err)
	}
}

type keeper struct{ *cluster }

func (k keeper) Volume(_ context.Context, _, id string) (paas.FoundVolume, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.disks {
		if v.ID == id {
			return v, nil
		}
	}
	return paas.FoundVolume{}, paas.Errorf(paas.NotFound, "volume not found")
}

func (k keeper) DeleteVolume(_ context.Context, _, id string) error {
	k.set(func() { k.disks = slices.DeleteFunc(k.disks, func(v paas.FoundVolume) bool { return v.ID == id }) })
	return nil
}

func TestAPlanSaysWhatStoppingFirstMeans(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(keeping(1, 1, "hi"), "a"))
	plan, err := c.deployer().Plan(t.Context(), request(keeping(1, 1, "hello"), "a"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "env.GREETING changed -> web moves to green, 1 instance; db is stopped first and started anew in place, 1 instance"; plan.Why != want {
		t.Errorf("why is %q", plan.Why)
	}
	if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.HasPrefix(w, "db is stopped first: for about") }) {
		t.Errorf("warnings are %q", plan.Warnings)
	}
	if diff := cmp.Diff(map[string]fate{"web": {2: 1}, "db": {2: 1}}, fates(plan)); diff != "" {
		t.Error(diff)
	}
	if last := plan.Steps[len(plan.Steps)-1]; !last.Data || !maps.Equal(last.New, map[string]int{"web": 1, "db": 1}) {
		t.Errorf("the last step is %+v", last)
	}
	if plan.Capacity.Peak.Instances != 3 {
		t.Errorf("at most %d instances stand at once", plan.Capacity.Peak.Instances)
	}
}

func TestAVolumeThatNomadHasForgottenIsDrift(t *testing.T) {
	t.Parallel()
	snap, at := stood(t)
	v := paas.HostVolume{Team: "default", App: "shop", Process: "db", Volume: "data", ID: "v1", Node: "n1"}
	snap.Volumes = []paas.HostVolume{v}
	drift := func() []paas.Finding { return deploy.Drift([]paas.Snapshot{snap}, at, "", nil) }
	if found := drift(); len(found) > 0 {
		t.Errorf("without a list: %+v", found)
	}
	at.Kept = true
	if found := drift(); len(found) != 1 || found[0].Kind != paas.VolumeMissing || found[0].Thing != "shop--db--data[0]" || found[0].Heals {
		t.Errorf("missing: %+v", found)
	}
	at.Volumes = []paas.FoundVolume{{HostVolume: v}}
	if found := drift(); len(found) > 0 {
		t.Errorf("there: %+v", found)
	}
}
