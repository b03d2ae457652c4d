package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Scheduler runs jobs. Codes: conflict for a stale index, unavailable when it does not answer.
type Scheduler interface {
	// Job gives the registered job, nil if there is none.
	Job(ctx context.Context, team, id string) (*nomadapi.Job, error)
	Plan(ctx context.Context, team string, job *nomadapi.Job) (*nomadapi.JobPlanResponse, error)
	// Register writes the job if its modify index is still index; 0 for a job that must not exist.
	Register(ctx context.Context, team string, job *nomadapi.Job, index uint64) (*nomadapi.JobRegisterResponse, error)
	// Deregister ends a job whatever it is by now, so it is for ids that are never used again.
	Deregister(ctx context.Context, team, id string, purge bool) error
	// Evaluate has Nomad compare a job with what runs of it once more.
	Evaluate(ctx context.Context, team, id string) error
	EnsureNamespace(ctx context.Context, team string) error
}

// Rules keeps one rule text per app where every router reads it. Codes: conflict for a stale index.
type Rules interface {
	Rule(ctx context.Context, ref paas.AppRef) (text string, index uint64, err error)
	PutRule(ctx context.Context, ref paas.AppRef, text string, index uint64) error
	DeleteRule(ctx context.Context, ref paas.AppRef, index uint64) error
}

// outcome is what became of one attempt to make the world so.
type outcome struct {
	slots      []paas.Slotted // rows whose counts or indexes moved
	planned    bool
	registered bool
	cause      paas.Cause // what held tells of
	held       string     // why new instances could not be registered, a sentence; "" if all was
	refused    paas.Slot  // the slot whose register the guard refused; "" for none
	why        string     // of the refusal
	drift      []string   // job ids that somebody else had changed
	volumes    []paas.HostVolume
}

// converge makes Nomad's jobs and the router's rule what want says. It may be called at any time and
// after any crash: a thing that is so already is left alone. The order makes every prefix of its
// writes safe: the rule first, then the slot that grows, then the one that shrinks (slots.md A7).
func (d *Deployer) converge(ctx context.Context, snap paas.Snapshot, want Wanted) (outcome, error) {
	var out outcome
	ref := snap.App.Ref()
	if want.Fence != "" {
		if err := d.putRule(ctx, ref, want.Fence, RulesOf(snap, want.Traffic, d.port)); err != nil {
			return out, err
		}
	}
	for _, slot := range byGrowth(snap, want) {
		row := snap.Slots[slot]
		if growing(row, want.Slots[slot]) && !fenced(want, snap.Router) && (row.First == 0 || slot == want.Traffic.To) {
			out.cause, out.held = paas.CauseRuleUnseen, noFence(snap.Router)
			continue
		}
		if err := d.convergeSlot(ctx, snap, row, want.Slots[slot], &out); err != nil {
			return out, err
		}
	}
	if want.Fence == "" {
		return out, d.dropRule(ctx, snap)
	}
	return out, nil
}

func (d *Deployer) convergeSlot(ctx context.Context, snap paas.Snapshot, row paas.Slotted, counts map[string]int, out *outcome) error {
	id := paas.JobID(row.App, row.Slot)
	now, err := d.scheduler.Job(ctx, row.Team, id)
	if err != nil {
		return err
	}
	if now == nil || snap.App.Deleting && pointed(now.Stop) { // which bury has done, and not written down yet
		return d.registerNew(ctx, snap, row, counts, out)
	}
	index := deref(now.JobModifyIndex)
	stored, err := d.amended(row, snap, counts)
	if err != nil {
		return err
	}
	job := steady(row, stored)
	recorded := index == row.Index && maps.Equal(row.Counts, counts)
	if recorded && jobspec.SameTags(now, job) && jobspec.Deploys(now) == jobspec.Deploys(job) {
		return nil
	}
	if ready, err := d.furnished(ctx, snap, row, job, counts, out); err != nil || !ready {
		return err
	}
	_, asked := Active(snap)
	plan, err := d.scheduler.Plan(ctx, row.Team, job)
	if err == nil && row.Slot == paas.Data && asked && destroys(plan) {
		job = stored
		plan, err = d.scheduler.Plan(ctx, row.Team, job)
	}
	if err != nil {
		return err
	}
	out.planned = true
	if unchanged(plan) {
		if !recorded {
			out.record(row, counts, index)
		}
		return nil
	}
	if row.Index != 0 && index != row.Index && row.Counts != nil && maps.Equal(row.Counts, counts) {
		out.drift = append(out.drift, id)
	}
	// Before its first register the slot holds only what a former release left: nothing. In the slot Data a
	// deployment may replace instances, as there is no other slot to walk to, and Nomad does it one by one.
	if row.First != 0 && (row.Slot != paas.Data || !asked) {
		if why := guard(plan, countsOf(now), counts); why != "" {
			out.refused, out.why = row.Slot, why
			return nil
		}
	}
	if cause, reason := jobspec.Placement(plan.FailedTGAllocs, job); reason != "" && total(counts) > 0 && grows(row, counts) {
		out.cause, out.held = cause, reason
		return nil
	}
	return d.register(ctx, snap, row, job, counts, index, out)
}

// registerNew registers a job that Nomad does not have: the first of its slot, or one that was lost
// with the cluster. An empty slot needs no job.
func (d *Deployer) registerNew(ctx context.Context, snap paas.Snapshot, row paas.Slotted, counts map[string]int, out *outcome) error {
	if total(counts) == 0 {
		if row.Index != 0 || row.Counts == nil || !maps.Equal(row.Counts, counts) {
			row.First = 0
			out.record(row, counts, 0)
		}
		return nil
	}
	switch err := d.scheduler.EnsureNamespace(ctx, row.Team); {
	case paas.CodeOf(err) == paas.Forbidden:
		out.held = paas.MessageOf(err)
		return nil
	case err != nil:
		return err
	}
	stored, err := d.amended(row, snap, counts)
	if err != nil {
		return err
	}
	job := steady(row, stored)
	if ready, err := d.furnished(ctx, snap, row, job, counts, out); err != nil || !ready {
		return err
	}
	plan, err := d.scheduler.Plan(ctx, row.Team, job)
	if err != nil {
		return err
	}
	out.planned = true
	if cause, reason := jobspec.Placement(plan.FailedTGAllocs, job); reason != "" {
		out.cause, out.held = cause, reason
		return nil
	}
	row.First = 0
	return d.register(ctx, snap, row, job, counts, 0, out)
}

func (d *Deployer) register(ctx context.Context, snap paas.Snapshot, row paas.Slotted, job *nomadapi.Job, counts map[string]int, index uint64, out *outcome) error {
	if total(counts) > 0 {
		if held, err := d.opened(ctx, snap, row, job, counts, out); held || err != nil {
			return err
		}
	}
	answer, err := d.scheduler.Register(ctx, row.Team, job, index)
	if err != nil {
		return err
	}
	out.registered = true
	d.log.Debug("job registered", "app", row.App, "job", *job.ID, "eval", answer.EvalID, "index", answer.JobModifyIndex)
	out.record(row, counts, answer.JobModifyIndex)
	return nil
}

// record notes that the slot's job stands in Nomad with these counts. The first index a release gets
// in its slot tells its allocations from those of the release before.
func (o *outcome) record(row paas.Slotted, counts map[string]int, index uint64) {
	row.Counts, row.Index = maps.Clone(counts), index
	if row.First == 0 && total(counts) > 0 {
		row.First = index
	}
	o.slots = append(o.slots, row)
}

// amended is the stored text of the slot with these counts and the tags of its release: nothing else
// of it ever changes.
func (d *Deployer) amended(row paas.Slotted, snap paas.Snapshot, counts map[string]int) (*nomadapi.Job, error) {
	stored, err := jobspec.Decode(row.Job)
	if err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The stored job of app %q in slot %s can't be read.", row.App, row.Slot)
	}
	return jobspec.Amend(stored, counts, snap.Releases[row.Release].Spec, d.port), nil
}

// steady is a slot's job while nothing of it is to be replaced. In the slot Data Nomad's own deployment goes by
// the stored one as long as instances are replaced, and not a moment longer: one that has failed, as it does
// when a node is lost meanwhile, has Nomad place no instance of that version of the job any more.
func steady(row paas.Slotted, stored *nomadapi.Job) *nomadapi.Job {
	if row.Slot != paas.Data {
		return stored
	}
	return jobspec.Undeployed(stored)
}

// byGrowth orders the slots so that one that gets more instances comes before one that loses some.
func byGrowth(snap paas.Snapshot, want Wanted) []paas.Slot {
	return slices.SortedFunc(maps.Keys(want.Slots), func(a, b paas.Slot) int {
		ga, gb := growing(snap.Slots[a], want.Slots[a]), growing(snap.Slots[b], want.Slots[b])
		switch {
		case ga == gb:
			return cmp.Compare(a, b)
		case ga:
			return -1
		default:
			return 1
		}
	})
}

func growing(row paas.Slotted, counts map[string]int) bool { return total(counts) > total(row.Counts) }

// grows says whether any process gets more instances than it was last registered with.
func grows(row paas.Slotted, counts map[string]int) bool {
	for process, n := range counts {
		if n > row.Counts[process] {
			return true
		}
	}
	return false
}

func (d *Deployer) putRule(ctx context.Context, ref paas.AppRef, version string, rules []route.Rule) error {
	text, err := route.Render(ref, version, rules)
	if err != nil {
		return paas.Wrap(paas.Internal, err, "The router rule of app %q can't be rendered.", ref.App)
	}
	now, index, err := d.rules.Rule(ctx, ref)
	if err != nil || now == text {
		return err
	}
	return d.rules.PutRule(ctx, ref, text, index)
}

// dropRule takes the app's key away once nothing of the slot that does not serve is left in Nomad, in
// Consul or in a router's table. A table does not show what a "route del" hides, so such a rule is first
// replaced by one that gives the serving slot everything and leaves the rest visible.
func (d *Deployer) dropRule(ctx context.Context, snap paas.Snapshot) error {
	for _, i := range snap.Instances {
		if (i.Slot != snap.App.Live && i.Slot != paas.Data || snap.App.Deleting) && !i.State.Ended() {
			return nil
		}
	}
	ref := snap.App.Ref()
	text, index, err := d.rules.Rule(ctx, ref)
	if err != nil || index == 0 {
		return err
	}
	if snap.App.Live != "" && !snap.App.Deleting {
		switch shape, version := route.ShapeOf(text), route.FenceVersion(text); {
		case shape.Hides:
			serving := Traffic{To: snap.App.Live, Share: 100, Release: snap.App.Release}
			return d.putRule(ctx, ref, version+"-end", RulesOf(snap, serving, d.port))
		case shape.Shares && (snap.Router.Seen != version || strays(snap)):
			return nil
		}
	}
	return d.rules.DeleteRule(ctx, ref, index)
}

// strays says that some router still shows an instance that does not stand in the live slot.
func strays(snap paas.Snapshot) bool {
	serving := map[string]bool{}
	for _, i := range snap.Instances {
		for port := range i.Ports {
			if i.Slot == snap.App.Live || i.Slot == paas.Data {
				serving[address(i, port)] = true
			}
		}
	}
	for _, fact := range snap.Routes {
		if slices.ContainsFunc(fact.Any, func(at string) bool { return !serving[at] }) {
			return true
		}
	}
	return false
}

func noFence(router paas.RouterFact) string {
	switch {
	case router.Reason != "":
		return router.Reason
	case router.Routers == 0:
		return "no router is registered in Consul, so no route could be seen"
	default:
		return "not every router shows the app's rule yet"
	}
}

func deref(p *uint64) uint64 {
	if p == nil {
		return 0
	}
	return *p
}

func driftText(ids []string) string {
	return fmt.Sprintf("somebody else changed %s in Nomad; Crumpet put it back", strings.Join(ids, " and "))
}
