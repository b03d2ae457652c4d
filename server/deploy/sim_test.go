package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// sim is a store, a scheduler and a router without a clock or goroutines of their own: each thing
// happens when a test says so, in any order, and any write can be the one before a crash.
type sim struct {
	now     time.Time
	version int64
	demand  *paas.Demand // as it was last noted
	app     *paas.App
	newest  int
	history map[int]paas.Release
	slots   map[paas.Slot]paas.Slotted
	walks   []paas.Deployment
	seen    paas.Observation // what package watch wrote last

	jobs      map[string]*nomadapi.Job
	index     uint64
	instances []paas.Instance // as they are
	rule      string          // in Consul
	read      string          // by the router
	serial    int
	crash     int             // the boundary of a write or an outside call at which the server dies, counted down; 0 for none
	standIns  map[string]bool // ids of instances placed instead of failed ones, that have not started
}

var errCrash = errors.New("the server was killed")

func newSim() (*sim, *deploy.Deployer) {
	s := &sim{now: noon, history: map[int]paas.Release{}, slots: map[paas.Slot]paas.Slotted{}, jobs: map[string]*nomadapi.Job{}, standIns: map[string]bool{}}
	return s, deploy.New(deploy.Config{
		Store: s, Scheduler: s, Rules: s, Artifacts: s, Render: render, Domain: "localhost", Now: func() time.Time { return s.now },
		NewID: func() string { s.serial++; return fmt.Sprintf("d%d", s.serial) },
	})
}

// boundary is a moment just before or after a write or an outside call.
func (s *sim) boundary() error {
	if s.crash > 0 {
		s.crash--
		if s.crash == 0 {
			return errCrash
		}
	}
	return nil
}

// Store.

func (s *sim) Snapshot(context.Context, paas.AppRef) (paas.Snapshot, error) {
	if s.app == nil {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "no app")
	}
	snap := paas.Snapshot{
		Version: s.version, App: *s.app, Newest: s.newest, Releases: maps.Clone(s.history), Slots: maps.Clone(s.slots),
		Instances: s.seen.Instances, Routes: s.seen.Routes, Jobs: map[paas.Slot]paas.JobFact{}, Demand: s.demand,
	}
	for _, j := range s.seen.Jobs {
		snap.Jobs[j.Slot] = j
	}
	if len(s.seen.Routers) > 0 {
		snap.Router = s.seen.Routers[0]
	}
	for _, d := range s.walks {
		if !d.State.Ended() {
			snap.Deployments = append(snap.Deployments, d)
		}
	}
	return snap, nil
}

func (s *sim) Save(_ context.Context, _ int64, c paas.Change) error {
	if c.Version != s.version {
		return paas.Errorf(paas.Conflict, "version %d", s.version)
	}
	if err := s.boundary(); err != nil {
		return err
	}
	s.version++
	s.demand = c.Demand
	if c.App != nil {
		s.app = c.App
	}
	for _, r := range c.Releases {
		s.history[r.Number], s.newest = r, max(s.newest, r.Number)
	}
	for _, row := range c.Slots {
		s.slots[row.Slot] = row
	}
	for _, d := range c.Deployments {
		if i := slices.IndexFunc(s.walks, func(was paas.Deployment) bool { return was.ID == d.ID }); i >= 0 {
			s.walks[i] = d
		} else {
			s.walks = append(s.walks, d)
		}
	}
	return s.boundary() // it may die before it knows that this was written
}

func (s *sim) Refs(context.Context) ([]paas.AppRef, error)                 { return []paas.AppRef{shop}, nil }
func (s *sim) Has(context.Context, string) (bool, error)                   { return true, nil }
func (s *sim) Endings(context.Context, paas.AppRef) ([]paas.Ending, error) { return nil, nil }

func (s *sim) Release(_ context.Context, _ paas.AppRef, number int) (paas.Release, error) {
	return s.history[number], nil
}
func (s *sim) Claims(context.Context) ([]paas.Claim, error) { return nil, nil }
func (s *sim) Hosts(context.Context) ([]paas.Host, error)   { return nil, nil }
func (s *sim) Standing(context.Context, string) (paas.Standing, error) {
	return paas.Standing{}, nil
}
func (s *sim) EnsureNamespace(context.Context, string) error { return s.boundary() }

// Scheduler.

func (s *sim) Job(_ context.Context, _, id string) (*nomadapi.Job, error) {
	return s.jobs[id], s.boundary()
}

func (s *sim) Plan(_ context.Context, _ string, job *nomadapi.Job) (*nomadapi.JobPlanResponse, error) {
	updates := map[string]*nomadapi.DesiredUpdates{}
	for _, g := range job.TaskGroups {
		have, want := uint64(len(s.running(*job.ID))), uint64(*g.Count)
		updates[*g.Name] = &nomadapi.DesiredUpdates{Place: max(want, have) - have, Stop: max(want, have) - want}
	}
	return &nomadapi.JobPlanResponse{Annotations: &nomadapi.PlanAnnotations{DesiredTGUpdates: updates}}, s.boundary()
}

func (s *sim) running(job string) []int {
	var some []int
	for n, i := range s.instances {
		if paas.JobID(i.App, i.Slot) == job && (i.State == paas.InstancePending || i.State == paas.InstanceRunning) {
			some = append(some, n)
		}
	}
	return some
}

func (s *sim) Register(_ context.Context, _ string, job *nomadapi.Job, index uint64) (*nomadapi.JobRegisterResponse, error) {
	var had uint64
	if before := s.jobs[*job.ID]; before != nil {
		had = *before.JobModifyIndex
	}
	if had != index {
		return nil, paas.Errorf(paas.Conflict, "index %d", had)
	}
	if err := s.boundary(); err != nil {
		return nil, err
	}
	s.index++
	s.jobs[*job.ID] = withIndex(job, s.index)
	_, slot, _ := paas.ParseJobID(*job.ID)
	taken := map[int]bool{}
	for _, n := range s.running(*job.ID) {
		i := &s.instances[n]
		if taken[i.Index] = true; i.Index >= *job.TaskGroups[0].Count {
			i.State = paas.InstanceStopping // out of Consul at once, ended later
		}
	}
	for at := range *job.TaskGroups[0].Count {
		if !taken[at] {
			s.serial++
			s.instances = append(s.instances, paas.Instance{
				ID: fmt.Sprint("i", s.serial), Team: "default", App: "shop", Process: "web", Slot: slot, Index: at, Release: s.slots[slot].Release,
				State: paas.InstancePending, CreatedAt: s.now, Since: s.now,
				Ports: map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 20000 + s.serial}},
			})
		}
	}
	return &nomadapi.JobRegisterResponse{JobModifyIndex: s.index}, s.boundary() // it may also die before it hears the answer
}

func (s *sim) Deregister(context.Context, string, string, bool) error { return s.boundary() }

func (s *sim) Evaluate(context.Context, string, string) error { return s.boundary() }

// Rules.

func (s *sim) Rule(context.Context, paas.AppRef) (string, uint64, error) {
	if s.rule == "" {
		return "", 0, s.boundary()
	}
	return s.rule, 1, s.boundary()
}

func (s *sim) PutRule(_ context.Context, _ paas.AppRef, text string, _ uint64) error {
	if err := s.boundary(); err != nil {
		return err
	}
	s.rule = text
	return s.boundary()
}

func (s *sim) DeleteRule(context.Context, paas.AppRef, uint64) error {
	if err := s.boundary(); err != nil {
		return err
	}
	s.rule = ""
	return s.boundary()
}

// What happens by itself.

func (s *sim) start() {
	for n := range s.instances {
		if i := &s.instances[n]; i.State == paas.InstancePending {
			at := s.now
			delete(s.standIns, i.ID)
			i.State, i.Health, i.StartedAt, i.PassingAt, i.Since = paas.InstanceRunning, paas.HealthHealthy, &at, &at, at
			return
		}
	}
}

func (s *sim) stop() {
	s.instances = slices.DeleteFunc(s.instances, func(i paas.Instance) bool { return i.State == paas.InstanceStopping })
}

// fail ends an instance that serves, and has Nomad place another in its stead.
func (s *sim) fail(nth int) {
	var serving []int
	for n, i := range s.instances {
		if i.Serving() {
			serving = append(serving, n)
		}
	}
	if len(serving) == 0 {
		return
	}
	i := &s.instances[serving[nth%len(serving)]]
	next := *i
	i.State, i.Health, i.Reason = paas.InstanceFailed, paas.HealthUnknown, "web exited 3 times with code 1"
	s.serial++
	next.ID, next.State, next.Health, next.CreatedAt, next.Since = fmt.Sprint("i", s.serial), paas.InstancePending, paas.HealthUnknown, s.now, s.now
	next.StartedAt, next.PassingAt = nil, nil
	next.Ports = map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 20000 + s.serial}}
	s.standIns[next.ID] = true
	s.instances = append(s.instances, next)
}

// promised is the table as it would be if those placed instead of failed instances served already: what
// fails is nobody's fault, what is taken away beside it is ours.
func (s *sim) promised() table {
	all := slices.Clone(s.instances)
	for n := range all {
		if s.standIns[all[n].ID] && all[n].State == paas.InstancePending {
			all[n].State, all[n].Health = paas.InstanceRunning, paas.HealthHealthy
		}
	}
	return tableOf(shop, all, s.read)
}

// whole says that no failed instance waits to be replaced.
func (s *sim) whole() bool {
	return !slices.ContainsFunc(s.instances, func(i paas.Instance) bool { return s.standIns[i.ID] && i.State == paas.InstancePending })
}

func (s *sim) observe() {
	at := s.table().addresses()
	state := paas.RouteAnswering
	if len(at) == 0 {
		state = paas.RoutePending
	}
	s.seen = paas.Observation{
		Instances: slices.Clone(s.instances),
		Routes:    []paas.RouteFact{{Team: "default", App: "shop", Host: "shop.localhost", Path: "/", State: state, Targets: at, Any: at}},
		Routers:   []paas.RouterFact{{Team: "default", App: "shop", Routers: 1, Seen: route.FenceVersion(s.read)}},
	}
	for id, job := range s.jobs {
		_, slot, _ := paas.ParseJobID(id)
		s.seen.Jobs = append(s.seen.Jobs, paas.JobFact{Team: "default", App: "shop", Slot: slot, Index: *job.JobModifyIndex})
	}
}

func (s *sim) table() table { return tableOf(shop, s.instances, s.read) }

// settle lets all that is under way in the cluster come to its end.
func (s *sim) settle() {
	for range s.instances {
		s.start()
	}
	s.stop()
	s.read = s.rule
	s.observe()
}

// ended says that no deployment is under way or waits to be.
func (s *sim) ended() bool {
	return !slices.ContainsFunc(s.walks, func(d paas.Deployment) bool { return !d.State.Ended() })
}

// walk is the deployment under way, else the newest.
func (s *sim) walk() paas.Deployment {
	for _, d := range s.walks {
		if d.State == paas.DeploymentRunning || d.State == paas.DeploymentPaused {
			return d
		}
	}
	return s.last()
}

// last is the newest deployment.
func (s *sim) last() paas.Deployment { return s.walks[len(s.walks)-1] }

func (s *sim) String() string {
	d := s.walk()
	return fmt.Sprintf("%s %s at step %d of %s, waits %q, abort %t (%s); blue %v green %v; rule read %q, written %q; live %s",
		d.ID, d.State, d.Step, shares(d.Steps), d.Waits, d.Abort, d.Reason,
		s.table().targets[paas.Blue], s.table().targets[paas.Green], strings.ReplaceAll(s.read, "\n", "; "), strings.ReplaceAll(s.rule, "\n", "; "), s.app.Live)
}
