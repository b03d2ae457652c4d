package bootstrap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Options of a run.
type Options struct {
	Only   string // name of the one step to run; "" for all
	Holder string // who runs, as another run is told that finds the lock held
	// Tell hears of each step as it goes. It may be nil.
	Tell func(Event)
	// Settle is how long what a step did may take until a plan finds it; 30 s unless said.
	Settle time.Duration
	// Force goes on with a destroy where a step can't be undone because of a failure.
	Force bool
}

// State of a step in a run.
type State string

// The states. Each step that is reached has Began and then one of the others.
const (
	Began   State = "began"
	Same    State = "same"    // nothing was to be done
	Planned State = "planned" // in a plan: there is something to do
	Done    State = "done"
	Undone  State = "undone"
	Stayed  State = "stayed" // can't be taken back, as Reason says
	Failed  State = "failed"
)

// Event is one thing that happened in a run.
type Event struct {
	Step    string        `json:"step"`
	About   string        `json:"about"`
	State   State         `json:"state"`
	Changes []Change      `json:"changes,omitempty"` // of Planned, and of Done what was changed
	Reason  string        `json:"reason,omitempty"`  // of Failed and Stayed
	Took    time.Duration `json:"-"`
	TookMS  int64         `json:"took_ms"`
}

// Stays is the error of an Undo that has nothing to take back, or can't: not a failure.
type Stays struct{ Reason string }

func (s *Stays) Error() string { return s.Reason }

const (
	settle     = 30 * time.Second
	planWithin = 10 * time.Minute
	doWithin   = time.Hour
	lockName   = "cluster"
)

// Up makes a fleet so, step by step. It may end anywhere and be run again: it goes on from what it finds.
// Codes: invalid, conflict while another run is under way, unavailable, internal. The lock is taken at the
// first change, so that an up with nothing to do needs none.
func Up(ctx context.Context, w *World, steps []Step, o Options) error {
	r, err := newRun(w, steps, o)
	if err != nil {
		return err
	}
	defer r.unlock()
	for _, s := range r.steps {
		if err := r.step(ctx, s, r.up); err != nil {
			return err
		}
	}
	return nil
}

// Plan says of each step what Up would change. It changes nothing.
func Plan(ctx context.Context, w *World, steps []Step, o Options) (changes []Change, err error) {
	r, err := newRun(w, steps, o)
	if err != nil {
		return nil, err
	}
	for _, s := range r.steps {
		err := r.step(ctx, s, func(ctx context.Context, s Step, e *Event) error {
			found, err := planned(ctx, w, s)
			changes = append(changes, found...)
			if e.Changes, e.State = found, Planned; len(found) == 0 {
				e.State = Same
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// Destroy takes back what Up did, the last step first. A step that can't be undone says why, and the others go on;
// a failure ends it, unless Force is given.
func Destroy(ctx context.Context, w *World, steps []Step, o Options) error {
	r, err := newRun(w, steps, o)
	if err != nil {
		return err
	}
	defer r.unlock()
	if err := r.guarded(ctx); err != nil && !o.Force {
		return err
	}
	if err := r.lock(ctx); err != nil && (!o.Force || paas.CodeOf(err) != paas.Unavailable) {
		return err
	}
	var failed error
	for _, s := range slices.Backward(r.steps) {
		if err := r.step(ctx, s, r.undo); err != nil {
			if failed = errors.Join(failed, err); !o.Force || ctx.Err() != nil {
				return failed
			}
		}
	}
	return failed
}

// run is one Up, Plan or Destroy.
type run struct {
	w       *World
	steps   []Step
	o       Options
	release func()          // nil without the lock
	lost    <-chan struct{} // closed when the lock is another's to take; nil where that does not matter
}

func newRun(w *World, steps []Step, o Options) (*run, error) {
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	if o.Settle == 0 {
		o.Settle = settle
	}
	if o.Only != "" {
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Name() == o.Only })
		if i < 0 {
			return nil, paas.Errorf(paas.Invalid, "There is no step %q; the steps are %s.", o.Only, strings.Join(Names(steps), ", "))
		}
		steps = steps[i : i+1]
	}
	return &run{w: w, steps: steps, o: o}, nil
}

// Names are the names of steps.
func Names(steps []Step) []string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Name())
	}
	return names
}

// step runs one, tells of it and puts its name into its error.
func (r *run) step(ctx context.Context, s Step, do func(context.Context, Step, *Event) error) error {
	began := r.w.Now()
	r.o.Tell(Event{Step: s.Name(), About: s.About(), State: Began})
	e := Event{Step: s.Name(), About: s.About()}
	err := do(ctx, s, &e)
	e.Took = r.w.Now().Sub(began)
	e.TookMS = e.Took.Milliseconds()
	if err != nil {
		err = failure(ctx, s, err)
		e.State, e.Reason = Failed, paas.MessageOf(err)
	}
	r.o.Tell(e)
	return err
}

// up plans a step, does it and plans it again.
func (r *run) up(ctx context.Context, s Step, e *Event) error {
	changes, err := planned(ctx, r.w, s)
	if err != nil {
		return err
	}
	if len(changes) > 0 && r.release == nil {
		if err := r.lock(ctx); err != nil {
			return err
		}
		// Another run may have done it until now.
		if changes, err = planned(ctx, r.w, s); err != nil {
			return err
		}
	}
	if e.Changes, e.State = changes, Done; len(changes) == 0 {
		e.State = Same
		return nil
	}
	if err := r.held(ctx, func(ctx context.Context) error { return s.Do(ctx, r.w) }); err != nil {
		return err
	}
	return r.settled(ctx, s)
}

// settled waits until a plan finds nothing any more: what was asked of a cluster may take its time.
func (r *run) settled(ctx context.Context, s Step) error {
	late := time.NewTimer(r.o.Settle)
	defer late.Stop()
	const again = 500 * time.Millisecond
	next := time.NewTicker(again)
	defer next.Stop()
	for {
		left, err := planned(ctx, r.w, s)
		if err == nil && len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			if err != nil {
				return err
			}
			return remains(left)
		case <-next.C:
		}
	}
}

// remains says what a step did not achieve.
func remains(left []Change) error {
	var all []error
	for _, c := range left {
		err := paas.Errorf(paas.Internal, "It was done, and yet there is to do: %s.", c.Text)
		if c.Machine == "" {
			all = append(all, err)
			continue
		}
		all = append(all, onMachine(c.Machine, err))
	}
	return errors.Join(all...)
}

// guarded asks the steps that know of a reason not to destroy anything.
func (r *run) guarded(ctx context.Context) error {
	for _, s := range r.steps {
		if g, ok := s.(interface {
			Guard(ctx context.Context, w *World) error
		}); ok {
			if err := g.Guard(ctx, r.w); err != nil {
				return failure(ctx, s, err)
			}
		}
	}
	return nil
}

func (r *run) undo(ctx context.Context, s Step, e *Event) error {
	e.State = Undone
	err := r.held(ctx, func(ctx context.Context) error { return s.Undo(ctx, r.w) })
	if stays, ok := errors.AsType[*Stays](err); ok {
		e.State, e.Reason = Stayed, stays.Reason
		return nil
	}
	return err
}

// lock holds off other runs, by a lock on the first server.
func (r *run) lock(ctx context.Context) error {
	servers := r.w.Fleet.Of(fleet.Server)
	if len(servers) == 0 {
		return nil
	}
	host, ok := r.w.Hosts[servers[0].Name]
	if !ok {
		return paas.Errorf(paas.Internal, "There is no connection to machine %q.", servers[0].Name)
	}
	lost, release, err := host.Hold(ctx, lockName, r.o.Holder)
	if err != nil {
		return onMachine(servers[0].Name, err)
	}
	r.release = release
	if !r.o.Force { // which goes on without a lock, too
		r.lost = lost
	}
	return nil
}

// held makes changes while the lock is held. Without it another run may make its own: what is under way is
// interrupted then, and nothing more begins.
func (r *run) held(ctx context.Context, do func(context.Context) error) error {
	if r.isLost() {
		return r.lockLost(nil)
	}
	changing, stop := context.WithTimeout(ctx, doWithin)
	defer stop()
	go func() {
		select {
		case <-r.lost:
			stop()
		case <-changing.Done():
		}
	}()
	err := do(changing)
	if err != nil && r.isLost() && ctx.Err() == nil {
		return r.lockLost(err)
	}
	return err
}

func (r *run) isLost() bool {
	select {
	case <-r.lost:
		return true
	default:
		return false
	}
}

func (r *run) lockLost(err error) error {
	server := r.w.Fleet.Of(fleet.Server)[0].Name
	return onMachine(server, paas.Wrap(paas.Unavailable, err,
		"The connection that holds the lock there broke, so another run may begin, and this one has stopped. See that the machine is up and can be reached, then run it again: it goes on from what it finds."))
}

func (r *run) unlock() {
	if r.release != nil {
		r.release()
	}
}

func planned(ctx context.Context, w *World, s Step) (changes []Change, err error) {
	err = limited(ctx, planWithin, func(ctx context.Context) error {
		changes, err = s.Plan(ctx, w)
		return err
	})
	return changes, err
}

func limited(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}

// failure is the error of a step: it names the step and the machines.
func failure(ctx context.Context, s Step, err error) error {
	if ctx.Err() != nil {
		return paas.Wrap(paas.Unavailable, ctx.Err(), "Step %q was interrupted.", s.Name())
	}
	list := faults(err)
	switch len(list) {
	case 0:
		return paas.Wrap(paas.CodeOf(err), err, "Step %q failed: %s", s.Name(), sentence(err))
	case 1:
		return paas.Wrap(paas.CodeOf(err), err, "Step %q failed on %s: %s", s.Name(), list[0].Location, list[0].Message)
	}
	return &paas.Error{Code: paas.CodeOf(err), Err: err, Faults: list, Message: "Step \"" + s.Name() + "\" failed:"}
}
