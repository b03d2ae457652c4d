package deploy_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

// cluster is a scheduler and a router whose facts appear in the store at once: what Nomad, Consul,
// Fabio and package watch do together, without the waiting.
type cluster struct {
	t     testing.TB
	store *store.Store
	dep   *deploy.Deployer
	clock func() time.Time
	ahead atomic.Int64 // how far the clock was put forward, ns

	mu        sync.Mutex
	jobs      map[string]*nomadapi.Job     // by id
	index     uint64                       // of the last write
	instances map[string]paas.Instance     // by id
	rules     map[paas.AppRef]string       // fence version by app
	sick      func(artifact string) string // why instances of an artifact fail; "" if they are well
	fixed     bool                         // Nomad lets nobody make a namespace
	noRoom    bool                         // plans find no room for new instances
	room      int                          // how many instances fit; 0 for any number
	capacity  []float64                    // what traffic can reach, after each write; see reach
	frozen    bool                         // routers do not show new rules
	violent   func(job string) bool        // jobs whose plans show a destructive update
	serving   []int                        // healthy instances after each register
	registers int

	evaluations int
	port        string // of the router, for the next boot
	looked      int    // how often a rule was read
	noBytes     string // the first letter of artifacts that are no more
	ghost       string // an address that one router still leads to; "" for none
	serial      int
	answered    []paas.Traffic // what routers have counted, to be written
	side        side           // its batch jobs
	disks       []paas.FoundVolume
	groups      map[string]string    // text of the group of each instance in the slot Data, by its id
	order       []string             // jobs, as they were registered
	vault       *fakeVault           // nil: apps have nothing there
	asks        sync.Mutex           // guards changed
	changed     map[paas.AppRef]bool // apps whose facts are to be written
	stirred     chan struct{}        // holds one word: look into changed
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	return newClusterWith(t, nil)
}

func newClusterWith(t testing.TB, vault *fakeVault) *cluster {
	t.Helper()
	c := &cluster{
		t: t, vault: vault, jobs: map[string]*nomadapi.Job{}, instances: map[string]paas.Instance{}, rules: map[paas.AppRef]string{},
		sick: func(string) string { return "" }, violent: func(string) bool { return false },
		changed: map[paas.AppRef]bool{}, stirred: make(chan struct{}, 1), groups: map[string]string{},
	}
	c.clock = func() time.Time { return time.Now().UTC().Add(time.Duration(c.ahead.Load())) }
	st, err := store.Open(t.Context(), store.Config{
		Path:   storetest.Path(t),
		Notify: func(ref paas.AppRef) { c.wake(ref) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c.store = st
	c.boot()
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.watch(ctx)
	}()
	t.Cleanup(func() { end(); <-done })
	return c
}

// boot starts a Deployer on the store, as a server does; a second call is a restart of the server.
func (c *cluster) boot() (stop func()) {
	n := 0
	dep := deploy.New(deploy.Config{
		Store: c.store, Scheduler: c, Rules: c, Artifacts: c, Storage: c, Nodes: c, Render: render, RenderSide: renderSide, Domain: "localhost", Port: c.port, Now: c.clock,
		NewID:   func() string { n++; return fmt.Sprintf("d%d%d", time.Now().UnixNano(), n) },
		Configs: c.vault.configs(), Access: c.vault.access(), Variables: c.vault.variables(),
	})
	c.mu.Lock()
	c.dep = dep
	c.mu.Unlock()
	epoch, err := c.store.Lead(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = dep.Run(ctx, epoch)
	}()
	stop = sync.OnceFunc(func() { end(); <-done })
	c.t.Cleanup(stop)
	return stop
}

func (c *cluster) deployer() *deploy.Deployer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dep
}

func (c *cluster) wake(ref paas.AppRef) {
	if d := c.deployer(); d != nil {
		d.Wake(ref)
	}
}

func render(rel paas.Release, slot paas.Slot, bindings []paas.Binding) ([]byte, error) {
	return jobspec.Encode(jobspec.Job(jobspec.Input{
		Release: rel, Slot: slot, Driver: "exec", Bindings: bindings, Vault: mounts,
		ArtifactURL: func(digest string) string { return "http://127.0.0.1:4780/v1/artifacts/sha256/" + digest },
		BaseURL:     func(r paas.Route) string { return "http://" + r.String() },
	})), nil
}

// Scheduler.

func (c *cluster) Job(_ context.Context, _, id string) (*nomadapi.Job, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.jobs[id], nil
}

func (c *cluster) Plan(_ context.Context, _ string, job *nomadapi.Job) (*nomadapi.JobPlanResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	plan := &nomadapi.JobPlanResponse{Annotations: &nomadapi.PlanAnnotations{DesiredTGUpdates: map[string]*nomadapi.DesiredUpdates{}}}
	before := c.jobs[*job.ID]
	plan.Diff = &nomadapi.JobDiff{Type: "Edited"}
	if before != nil && string(jobspec.Encode(before)) == string(jobspec.Encode(withIndex(job, *before.JobModifyIndex))) {
		plan.Diff.Type = "None"
	}
	for _, g := range job.TaskGroups {
		u := &nomadapi.DesiredUpdates{}
		have := uint64(c.count(*job.ID, *g.Name))
		want := uint64(*g.Count)
		switch {
		case want > have:
			u.Place = want - have
		case want < have:
			u.Stop = have - want
		}
		if c.violent(*job.ID) && have > 0 && want > 0 {
			u.DestructiveUpdate = min(have, want)
		}
		u.DestructiveUpdate += c.outdated(*job.ID, g)
		if u.Place > 0 && (c.noRoom || c.room > 0 && c.running()+int(u.Place) > c.room) {
			plan.FailedTGAllocs = map[string]*nomadapi.AllocationMetric{*g.Name: {
				NodesEvaluated: 1, NodesExhausted: 1, DimensionExhausted: map[string]int{"memory": 1},
			}}
		}
		plan.Annotations.DesiredTGUpdates[*g.Name] = u
	}
	return plan, nil
}

// outdated counts the instances with a volume that registering a group replaces.
func (c *cluster) outdated(job string, g *nomadapi.TaskGroup) (n uint64) {
	for id, i := range c.instances {
		if i.Slot == paas.Data && paas.JobID(i.App, i.Slot) == job && i.Process == *g.Name && !i.State.Ended() && i.Index < *g.Count && c.groups[id] != textOf(g) {
			n++
		}
	}
	return n
}

func withIndex(job *nomadapi.Job, index uint64) *nomadapi.Job {
	copied := *job
	copied.JobModifyIndex, copied.SubmitTime = &index, new(time.Now().UnixNano())
	return &copied
}

func (c *cluster) Register(_ context.Context, team string, job *nomadapi.Job, index uint64) (*nomadapi.JobRegisterResponse, error) {
	c.mu.Lock()
	var had uint64
	if before := c.jobs[*job.ID]; before != nil {
		had = *before.JobModifyIndex
	}
	if had != index {
		c.mu.Unlock()
		return nil, paas.Errorf(paas.Conflict, "Enforcing job modify index %d: it is %d.", index, had)
	}
	if _, ok := paas.ParseSideJob(*job.ID); ok && c.side.refuse != "" {
		c.mu.Unlock()
		return nil, paas.Errorf(paas.Invalid, "%s", c.side.refuse)
	}
	c.index += 10
	at := c.index
	c.registers++
	order := fmt.Sprintf("%s %s", *job.ID, countsText(job))
	if jobspec.Deploys(job) {
		order += " one by one"
	}
	c.order = append(c.order, order)
	c.jobs[*job.ID] = withIndex(job, at)
	app, slot, ofSlot := paas.ParseJobID(*job.ID)
	ref := paas.AppRef{Team: team, App: app}
	switch {
	case stopped(job) && !ofSlot:
		c.endSide(team, *job.ID, false)
		c.mu.Unlock()
		return &nomadapi.JobRegisterResponse{JobModifyIndex: at}, nil
	case !ofSlot:
		ref.App = c.runSide(team, job, at)
	}
	for _, g := range job.TaskGroups {
		if g := *g; ofSlot {
			if stopped(job) {
				g.Count = new(int)
			}
			c.scale(ref, slot, &g, at)
		}
	}
	c.serving = append(c.serving, c.healthy(ref))
	c.capacity = append(c.capacity, c.reach(ref))
	c.mu.Unlock()
	c.look(ref)
	return &nomadapi.JobRegisterResponse{JobModifyIndex: at, EvalID: "e" + strconv.FormatUint(at, 10)}, nil
}

// scale fills the lowest free indexes and stops the highest, as Nomad does.
func (c *cluster) scale(ref paas.AppRef, slot paas.Slot, g *nomadapi.TaskGroup, at uint64) {
	taken := map[int]string{}
	for id, i := range c.instances {
		if i.Ref() == ref && i.Slot == slot && i.Process == *g.Name && !i.State.Ended() {
			taken[i.Index] = id
		}
	}
	for index, id := range taken {
		if index >= *g.Count {
			i := c.instances[id]
			i.State = paas.InstanceComplete
			c.instances[id] = i
		}
	}
	for index := range *g.Count {
		if old := taken[index]; old != "" && (slot != paas.Data || c.groups[old] == textOf(g)) {
			continue
		} else if old != "" { // replaced in place
			i := c.instances[old]
			i.State = paas.InstanceComplete
			c.instances[old] = i
		}
		c.serial++
		now := c.clock()
		i := paas.Instance{
			ID: fmt.Sprintf("%08d-%d", c.serial, at), Placed: at, Team: ref.Team, App: ref.App, Process: *g.Name, Slot: slot, Index: index,
			State: paas.InstanceRunning, Health: paas.HealthHealthy, Node: "n1", CreatedAt: now, StartedAt: &now, PassingAt: &now, Since: now,
			Ports: map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 20000 + c.serial}},
		}
		c.groups[i.ID] = textOf(g)
		if why := c.sick(g.Tasks[0].Env["CRUMPET_ARTIFACT"] + g.Tasks[0].Env["SICK"]); why != "" {
			i.State, i.Health, i.Reason, i.PassingAt = paas.InstanceFailed, paas.HealthUnknown, why, nil
			if why == "deaf" {
				i.State, i.Health, i.Reason = paas.InstanceRunning, paas.HealthCritical, "it listens on 127.0.0.1:8080 instead"
			}
		}
		c.instances[i.ID] = i
	}
}

func (c *cluster) count(job, process string) int {
	n := 0
	for _, i := range c.instances {
		if paas.JobID(i.App, i.Slot) == job && i.Process == process && !i.State.Ended() {
			n++
		}
	}
	return n
}

func (c *cluster) healthy(ref paas.AppRef) int {
	n := 0
	for _, i := range c.instances {
		if i.Ref() == ref && i.Serving() {
			n++
		}
	}
	return n
}

func (c *cluster) Deregister(_ context.Context, team, id string, purge bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.jobs, id)
	c.endSide(team, id, purge)
	return nil
}

// Evaluate stops what is more than the job asks for.
func (c *cluster) Evaluate(_ context.Context, team, id string) error {
	app, slot, _ := paas.ParseJobID(id)
	ref := paas.AppRef{Team: team, App: app}
	c.mu.Lock()
	for _, g := range c.jobs[id].TaskGroups {
		for more := c.count(id, *g.Name) - *g.Count; more > 0; more-- {
			for key, i := range c.instances {
				if i.Ref() == ref && i.Slot == slot && i.Process == *g.Name && !i.State.Ended() {
					i.State = paas.InstanceComplete
					c.instances[key] = i
					break
				}
			}
		}
	}
	c.evaluations++
	c.mu.Unlock()
	c.look(ref)
	return nil
}

func (c *cluster) EnsureNamespace(_ context.Context, team string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed {
		return paas.Errorf(paas.Forbidden, "Only a management token of Nomad may make the namespace %q.", team)
	}
	return nil
}

// Rules.

func (c *cluster) Rule(_ context.Context, ref paas.AppRef) (string, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked++
	if text := c.rules[ref]; text != "" {
		return text, 1, nil
	}
	return "", 0, nil
}

func (c *cluster) PutRule(_ context.Context, ref paas.AppRef, text string, _ uint64) error {
	c.mu.Lock()
	c.rules[ref] = text
	c.capacity = append(c.capacity, c.reach(ref))
	c.mu.Unlock()
	c.look(ref)
	return nil
}

func (c *cluster) DeleteRule(_ context.Context, ref paas.AppRef, _ uint64) error {
	c.mu.Lock()
	delete(c.rules, ref)
	c.capacity = append(c.capacity, c.reach(ref))
	c.mu.Unlock()
	c.look(ref)
	return nil
}

// watch writes the facts of an app whenever something about it changed, in its own time.
func (c *cluster) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.stirred:
			c.asks.Lock()
			changed := c.changed
			c.changed = map[paas.AppRef]bool{}
			c.asks.Unlock()
			for ref := range changed {
				snap, err := c.store.Snapshot(ctx, ref)
				if err != nil {
					continue // destroyed
				}
				if err := c.store.Observe(ctx, 0, c.facts(ref, snap)); err != nil && ctx.Err() == nil {
					c.t.Errorf("observe: %v", err)
				}
			}
		}
	}
}

// look asks watch to write the facts of an app, with c.mu held or not. It never waits, as a Deployer that ends after watch did
// would wait forever.
func (c *cluster) look(ref paas.AppRef) {
	c.asks.Lock()
	c.changed[ref] = true
	c.asks.Unlock()
	select {
	case c.stirred <- struct{}{}:
	default:
	}
}

func (c *cluster) facts(ref paas.AppRef, snap paas.Snapshot) paas.Observation {
	c.mu.Lock()
	defer c.mu.Unlock()
	var seen paas.Observation
	for id, i := range c.instances {
		if i.Ref() != ref {
			continue
		}
		if i.Release == 0 {
			i.Release = snap.Slots[i.Slot].Release
			c.instances[id] = i
		}
		seen.Instances = append(seen.Instances, i)
	}
	for id, job := range c.jobs {
		if app, slot, ok := paas.ParseJobID(id); ok && app == ref.App {
			seen.Jobs = append(seen.Jobs, paas.JobFact{Team: ref.Team, App: ref.App, Slot: slot, Index: *job.JobModifyIndex})
		}
	}
	targets := c.table(ref).addresses()
	fact := paas.RouteFact{Team: ref.Team, App: ref.App, Host: ref.App + ".localhost", Path: "/", State: paas.RouteAnswering, Targets: targets, Any: targets, Since: c.clock()}
	if c.ghost != "" {
		fact.Any = append(slices.Clone(targets), c.ghost)
	}
	if len(targets) == 0 {
		fact.State = paas.RoutePending
	}
	seen.Routes = []paas.RouteFact{fact}
	router := paas.RouterFact{Team: ref.Team, App: ref.App, Routers: 1}
	if text := c.rules[ref]; !c.frozen && text != "" {
		router.Seen = route.FenceVersion(text)
	}
	seen.Routers = []paas.RouterFact{router}
	seen.Runs = c.side.of(ref)
	seen.Traffic, c.answered = c.answered, nil
	return seen
}
