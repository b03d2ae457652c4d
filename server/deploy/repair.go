package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Quarantine is the folder of Consul's KV where keys go that have no place among the rules. No router
// reads it.
const Quarantine = "crumpet/quarantine/"

// Cluster is what a repair reads of Nomad, beside what the converger does.
type Cluster interface {
	// Jobs gives the jobs of apps in all namespaces, by their ids; children of periodic jobs are left out.
	Jobs(ctx context.Context) ([]*nomadapi.Job, error)
	Allocations(ctx context.Context, index uint64, wait time.Duration) ([]*nomadapi.AllocationListStub, uint64, error)
}

// Catalog is what a repair reads and writes of Consul.
type Catalog interface {
	// RuleKeys gives the keys that routers read once something among them has changed since index, or
	// after wait; 0 asks for the keys as they are now.
	RuleKeys(ctx context.Context, index uint64, wait time.Duration) (keys []paas.RuleKey, next uint64, err error)
	// MoveKey puts the text of a key into another place and deletes it. Code conflict: it moved.
	MoveKey(ctx context.Context, key paas.RuleKey, to string) error
	Instances(ctx context.Context) ([]paas.Registered, error)
	Deregister(ctx context.Context, id string) error
}

// Routers shows the tables of all routers.
type Routers interface {
	Tables(ctx context.Context) ([]paas.RouterTable, error)
}

// RepairStore is what a repair reads and writes of the store.
type RepairStore interface {
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Emit(ctx context.Context, events ...paas.Event) error
}

// RepairConfig is what a Repair needs. All fields but Token and Log are required.
type RepairConfig struct {
	Store     RepairStore
	Scheduler Scheduler
	Cluster   Cluster
	Catalog   Catalog
	Routers   Routers
	Volumes   VolumeList // of every team by the name "*"; without it none is missed
	// Token says what an operator must do about Crumpet's own token in Vault; "" when all is well.
	Token func() string
	Port  string // of the router, as clients reach it; "" for the scheme's own
	Now   func() time.Time
	Log   *slog.Logger
}

// Repair finds drift, and heals it: what an app wishes for by waking the converger, which alone
// registers jobs; what no row names by taking it away.
type Repair struct{ RepairConfig }

// NewRepair makes a Repair; its guard does nothing until Run.
func NewRepair(c RepairConfig) *Repair {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("component", "repair")
	return &Repair{c}
}

// sure is the time between the two looks that must agree: a write of our own takes less.
const sure = 700 * time.Millisecond

// Drift gives what is not as it is wished, of one app or of all. It looks twice: what Crumpet is just
// writing is gone at the second look. Codes: not_found, unavailable.
func (r *Repair) Drift(ctx context.Context, of *paas.AppRef) ([]paas.Finding, error) {
	first, err := r.look(ctx, of)
	if err != nil || len(first) == 0 {
		return first, err
	}
	if err := rest(ctx, sure); err != nil {
		return nil, err
	}
	second, err := r.look(ctx, of)
	return slices.DeleteFunc(second, func(f paas.Finding) bool { return !slices.ContainsFunc(first, f.Same) }), err
}

func (r *Repair) look(ctx context.Context, of *paas.AppRef) ([]paas.Finding, error) {
	// What stands is read before the wishes: a row comes before its job, so a job without one is an orphan.
	at, err := r.standing(ctx)
	if err != nil {
		return nil, err
	}
	refs, err := r.Store.Refs(ctx)
	if err != nil {
		return nil, err
	}
	if of != nil && !slices.Contains(refs, *of) {
		return nil, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", of.Team, of.App)
	}
	var snaps []paas.Snapshot
	for _, ref := range refs {
		snap, err := r.Store.Snapshot(ctx, ref)
		if paas.CodeOf(err) == paas.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		snaps = append(snaps, snap)
	}
	return append(Drift(snaps, at, r.Port, of), r.tokenEnding(of)...), nil
}

// tokenEnding is a finding about the server itself, and so of no app.
func (r *Repair) tokenEnding(of *paas.AppRef) []paas.Finding {
	if of != nil || r.Token == nil {
		return nil
	}
	why := r.Token()
	if why == "" {
		return nil
	}
	return []paas.Finding{{
		Kind: paas.TokenEnding, Thing: "vault token", Wished: "a periodic token that Crumpet can renew", Found: sentence(why, "it ends"),
		Repair: "an operator must give the server another token", State: paas.FindingFound,
	}}
}

func (r *Repair) standing(ctx context.Context) (at Standing, err error) {
	if at.Keys, _, err = r.Catalog.RuleKeys(ctx, 0, 0); err != nil {
		return at, err
	}
	// The tables are read after the keys, so that a router has had the time to follow them.
	if at.Services, err = r.Catalog.Instances(ctx); err != nil {
		return at, err
	}
	if at.Jobs, err = r.Cluster.Jobs(ctx); err != nil {
		return at, err
	}
	stubs, _, err := r.Cluster.Allocations(ctx, 0, time.Second) // at once
	if err != nil {
		return at, err
	}
	if r.Volumes != nil {
		if at.Volumes, err = r.Volumes.Volumes(ctx, "*"); err != nil {
			return at, err
		}
		at.Kept = true
	}
	at.Placed = make(map[string]bool, len(stubs))
	for _, a := range stubs {
		at.Placed[a.ID] = true
	}
	if at.Tables, err = r.Routers.Tables(ctx); err != nil {
		at.Unread = paas.MessageOf(err)
	}
	return at, ctx.Err()
}

// Heal begins to heal those of the findings that still hold, and says of each how it stands: one that is
// still found is for the converger, and gone from Drift once it has taken its turn. Codes as Drift's.
func (r *Repair) Heal(ctx context.Context, of *paas.AppRef, wanted []paas.Finding, by string) ([]paas.Finding, error) {
	still, err := r.Drift(ctx, of)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(wanted)
	asked := map[paas.AppRef]bool{}
	for i := range list {
		at := slices.IndexFunc(still, list[i].Same)
		if at < 0 {
			list[i].State = paas.FindingHealed
			continue
		}
		if list[i] = still[at]; !list[i].Heals {
			list[i].State, list[i].Reason = paas.FindingLeft, list[i].Repair
			continue
		}
		if err := r.heal(ctx, list[i], asked, by); err != nil {
			list[i].State, list[i].Reason = paas.FindingLeft, paas.MessageOf(err)
			r.Log.Warn("finding not healed", "app", list[i].App, "kind", string(list[i].Kind), "thing", list[i].Thing, "err", err)
		}
	}
	return list, nil
}

// heal does what one finding wants. What an app wishes for is the converger's: an event of the app wakes
// it, on whichever server leads, and is the record of who asked.
func (r *Repair) heal(ctx context.Context, f paas.Finding, asked map[paas.AppRef]bool, by string) error {
	ref := paas.AppRef{Team: f.Team, App: f.App}
	r.Log.Info("finding to be healed", "team", f.Team, "app", f.App, "kind", string(f.Kind), "thing", f.Thing, "by", by)
	switch f.Kind {
	case paas.JobOrphan:
		if err := r.stopOrphan(ctx, f); err != nil {
			return err
		}
		return r.tell(ctx, f, fmt.Sprintf("job %s, which nothing named, stopped by %s", f.Thing, by))
	case paas.ServiceOrphan:
		if err := r.Catalog.Deregister(ctx, f.Thing); err != nil {
			return err
		}
		return r.tell(ctx, f, fmt.Sprintf("service %s, which had no instance, deregistered by %s", f.Thing, by))
	case paas.RuleBad:
		return r.quarantine(ctx, f.Thing, by)
	case paas.RuleOrphan:
		if f.App == "" {
			return r.quarantine(ctx, f.Thing, by)
		}
	case paas.JobMissing, paas.JobChanged, paas.RuleMissing, paas.RuleChanged:
	case paas.RouterUnreachable, paas.RouterBehind, paas.TokenEnding, paas.VolumeMissing:
		return nil
	}
	if asked[ref] {
		return nil
	}
	asked[ref] = true
	return r.tell(ctx, f, "repair asked for by "+by)
}

// stopOrphan ends a job that no row names. The job is read before the rows: whoever makes one for it meanwhile
// registers the job after that, and this write is refused.
func (r *Repair) stopOrphan(ctx context.Context, f paas.Finding) error {
	job, err := r.Scheduler.Job(ctx, f.Team, f.Thing)
	if err != nil {
		return err
	}
	still, err := r.look(ctx, nil)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(still, f.Same) {
		return paas.Errorf(paas.Conflict, "Job %s is an app's own by now. It was left alone.", f.Thing)
	}
	return stop(ctx, r.Scheduler, f.Team, job)
}

func (r *Repair) tell(ctx context.Context, f paas.Finding, message string) error {
	return r.Store.Emit(ctx, paas.Event{Time: r.Now(), Team: f.Team, App: f.App, Kind: paas.EventDrift, Message: message})
}

// quarantine moves one key out of the routers' sight, if it is there still.
func (r *Repair) quarantine(ctx context.Context, key, by string) error {
	keys, _, err := r.Catalog.RuleKeys(ctx, 0, 0)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k paas.RuleKey) bool { return k.Key == key })
	if i < 0 {
		return nil
	}
	return r.putAside(ctx, keys[i], "by "+by)
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
