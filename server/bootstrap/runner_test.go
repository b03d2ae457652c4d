package bootstrap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// writes is a step that wants a file on every machine, holding what is kept under its name.
type writes struct {
	name  string
	stays string            // why Undo can't be
	wait  func() error      // asked before each Do
	over  func(string) bool // machines it does not do
}

func (s *writes) Name() string  { return s.name }
func (s *writes) About() string { return "a file " + s.name + " on every machine" }

func (s *writes) path() string { return "/etc/crumpet/" + s.name }

func (s *writes) Plan(ctx context.Context, w *bootstrap.World) ([]bootstrap.Change, error) {
	return w.Changes(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, h bootstrap.Host) ([]bootstrap.Change, error) {
		content, err := h.Read(ctx, s.path())
		switch {
		case err != nil && paas.CodeOf(err) != paas.NotFound:
			return nil, err
		case err == nil && string(content) == w.Kept.Get(s.name):
			return nil, nil
		}
		return []bootstrap.Change{{Text: "write " + s.path()}}, nil
	})
}

func (s *writes) Do(ctx context.Context, w *bootstrap.World) error {
	if s.wait != nil {
		if err := s.wait(); err != nil {
			return err
		}
	}
	secret, err := w.Kept.Ensure(ctx, s.name, func() (string, error) { return "secret of " + s.name, nil })
	if err != nil {
		return err
	}
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, h bootstrap.Host) error {
		if s.over != nil && s.over(m.Name) {
			return nil
		}
		return h.Write(ctx, bootstrap.File{Path: s.path(), Content: []byte(secret), Mode: 0o600})
	})
}

func (s *writes) Undo(_ context.Context, _ *bootstrap.World) error {
	if s.stays != "" {
		return &bootstrap.Stays{Reason: s.stays}
	}
	if s.wait != nil {
		return s.wait()
	}
	return nil
}

func threeSteps() []bootstrap.Step {
	return []bootstrap.Step{&writes{name: "one"}, &writes{name: "two"}, &writes{name: "three"}}
}

// told gathers what a run says.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (l *told) options() bootstrap.Options {
	return bootstrap.Options{Holder: "ada", Settle: time.Millisecond, Tell: func(e bootstrap.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		line := fmt.Sprintf("%s %s", e.Step, e.State)
		if n := len(e.Changes); n > 0 {
			line += fmt.Sprintf(" %d", n)
		}
		if e.Reason != "" {
			line += ": " + e.Reason
		}
		l.lines = append(l.lines, line)
	}}
}

func (l *told) want(t *testing.T, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, l.lines); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	l.lines = nil
}

func TestUpDoesWhatIsPlannedAndTheSecondTimeNothing(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	changes, err := bootstrap.Plan(t.Context(), w.run(), threeSteps(), said.options())
	if err != nil || len(changes) != 15 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	if first := changes[0]; first != (bootstrap.Change{Machine: "server-1", Text: "write /etc/crumpet/one"}) {
		t.Errorf("the first change is %+v", first)
	}
	said.want(t, "one began", "one planned 5", "two began", "two planned 5", "three began", "three planned 5")
	if w.saves != 0 || len(w.hosts["server-1"].files) != 0 {
		t.Error("the plan changed something")
	}
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), said.options()); err != nil {
		t.Fatal(err)
	}
	said.want(t, "one began", "one done 5", "two began", "two done 5", "three began", "three done 5")
	before := w.state()
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), said.options()); err != nil {
		t.Fatal(err)
	}
	said.want(t, "one began", "one same", "two began", "two same", "three began", "three same")
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("the second up changed:\n%s", diff)
	}
	if w.saves != 3 {
		t.Errorf("secrets were saved %d times, want 3", w.saves)
	}
}

func TestARunThatIsKilledAtAnyCallIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	options := bootstrap.Options{Settle: time.Millisecond}
	if err := bootstrap.Up(t.Context(), whole.run(), threeSteps(), options); err != nil {
		t.Fatal(err)
	}
	want, calls := whole.state(), whole.death.count()
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			w := newWorld(t)
			w.death.revive(at, after)
			err := bootstrap.Up(t.Context(), w.run(), threeSteps(), options)
			if err == nil && (at != calls || !after) {
				t.Errorf("killed at call %d of %d, and yet without an error", at, calls)
			}
			w.death.revive(0, false)
			if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), options); err != nil {
				t.Fatalf("killed at call %d (after %t), and the next run: %v", at, after, err)
			}
			if diff := cmp.Diff(want, w.state()); diff != "" {
				t.Fatalf("killed at call %d (after %t), the next run made another world:\n%s", at, after, diff)
			}
		}
	}
}

func TestAFailureNamesTheStepAndEveryMachine(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	steps := threeSteps()
	steps[1].(*writes).over = func(m string) bool { return strings.HasPrefix(m, "client") } //nolint:forcetypeassert // as threeSteps makes them
	err := bootstrap.Up(t.Context(), w.run(), steps, said.options())
	want := []paas.Fault{
		{Location: "client-1", Message: "It was done, and yet there is to do: write /etc/crumpet/two."},
		{Location: "client-2", Message: "It was done, and yet there is to do: write /etc/crumpet/two."},
	}
	if diff := cmp.Diff(want, paas.FaultsOf(err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	said.want(t, "one began", "one done 5", "two began", `two failed 5: Step "two" failed:`)

	world := w.run()
	delete(world.Hosts, "client-2")
	_, err = bootstrap.Plan(t.Context(), world, steps, said.options())
	if want := `Step "one" failed on client-2: There is no connection to machine "client-2".`; paas.MessageOf(err) != want {
		t.Errorf("said %q, want %q", paas.MessageOf(err), want)
	}
}

func TestOneStepMayBeRunAlone(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	options := said.options()
	options.Only = "two"
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), options); err != nil {
		t.Fatal(err)
	}
	said.want(t, "two began", "two done 5")
	options.Only = "four"
	err := bootstrap.Up(t.Context(), w.run(), threeSteps(), options)
	if want := `There is no step "four"; the steps are one, two, three.`; paas.CodeOf(err) != paas.Invalid || paas.MessageOf(err) != want {
		t.Errorf("said %v", err)
	}
}

func TestTwoRunsDoNotChangeThingsAtOnce(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	w.hosts["server-1"].heldBy = "grace on desk"
	for _, run := range []func() error{
		func() error { return bootstrap.Up(t.Context(), w.run(), threeSteps(), said.options()) },
		func() error { return bootstrap.Destroy(t.Context(), w.run(), threeSteps(), said.options()) },
	} {
		if err := run(); paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), "grace on desk") && !strings.Contains(err.Error(), "grace on desk") {
			t.Errorf("said %v", err)
		}
	}
	if w.saves > 0 {
		t.Error("something was done without the lock")
	}
	w.hosts["server-1"].heldBy = ""
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), said.options()); err != nil {
		t.Fatal(err)
	}
	if by := w.hosts["server-1"].heldBy; by != "" {
		t.Errorf("the lock is still held by %q", by)
	}
	// With nothing to do, none is needed.
	w.hosts["server-1"].heldBy = "grace on desk"
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), said.options()); err != nil {
		t.Error(err)
	}
}

func TestARunWhoseLockIsLostChangesNothingMore(t *testing.T) {
	t.Parallel()
	stopped := func(w *fakeWorld, err error) {
		t.Helper()
		if text := paas.MessageOf(err); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(text, `Step "two" failed on server-1: The connection that holds the lock there broke`) || !strings.Contains(text, "run it again") {
			t.Errorf("said %v", err)
		}
		if by := w.hosts["server-1"].heldBy; by != "" {
			t.Errorf("the lock is held by %q", by)
		}
	}
	wrote := func(w *fakeWorld, name string) bool {
		_, ok := w.hosts["client-2"].files["/etc/crumpet/"+name]
		return ok
	}

	// Between two changes: the next does not begin.
	w, steps := newWorld(t), threeSteps()
	steps[0].(*writes).over = func(m string) bool { //nolint:forcetypeassert // as threeSteps makes them
		if m == "client-2" {
			w.hosts["server-1"].lose()
		}
		return false
	}
	stopped(w, bootstrap.Up(t.Context(), w.run(), steps, bootstrap.Options{Settle: time.Second}))
	if !wrote(w, "one") || wrote(w, "two") {
		t.Errorf("wrote one %t, two %t", wrote(w, "one"), wrote(w, "two"))
	}

	// While a step makes changes: its calls are interrupted.
	w, steps = newWorld(t), threeSteps()
	steps[1] = &stuck{writes{name: "two"}, w.hosts["server-1"].lose}
	stopped(w, bootstrap.Up(t.Context(), w.run(), steps, bootstrap.Options{Settle: time.Second}))
	if wrote(w, "two") || wrote(w, "three") {
		t.Error("it went on without the lock")
	}
	// Run again, as it says, it completes.
	if err := bootstrap.Up(t.Context(), w.run(), threeSteps(), bootstrap.Options{Settle: time.Second}); err != nil || !wrote(w, "three") {
		t.Error(err)
	}

	w, steps = newWorld(t), threeSteps()
	steps[1] = &stuck{writes{name: "two"}, w.hosts["server-1"].lose}
	stopped(w, bootstrap.Destroy(t.Context(), w.run(), steps, bootstrap.Options{}))
	if err := bootstrap.Destroy(t.Context(), w.run(), []bootstrap.Step{&writes{name: "one", wait: func() error { w.hosts["server-1"].lose(); return nil }}, steps[2]}, bootstrap.Options{Force: true}); err != nil {
		t.Errorf("a destroy that is forced needs no lock, and yet: %v", err)
	}
}

// stuck is a step whose changes hang once something has happened.
type stuck struct {
	writes
	happens func()
}

func (s *stuck) Do(ctx context.Context, _ *bootstrap.World) error {
	s.happens()
	<-ctx.Done()
	return paas.Wrap(paas.Unavailable, ctx.Err(), "Machine %q did not answer in time, or the run was interrupted.", "client-1")
}

func (s *stuck) Undo(ctx context.Context, w *bootstrap.World) error { return s.Do(ctx, w) }

func TestDestroyGoesBackwardsAndSaysWhatStays(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	steps := threeSteps()
	steps[1].(*writes).stays = "Backups are kept." //nolint:forcetypeassert // as threeSteps makes them
	if err := bootstrap.Destroy(t.Context(), w.run(), steps, said.options()); err != nil {
		t.Fatal(err)
	}
	said.want(t, "three began", "three undone", "two began", "two stayed: Backups are kept.", "one began", "one undone")

	steps[2].(*writes).wait = func() error { return errors.New("disk full") } //nolint:forcetypeassert // as threeSteps makes them
	if err := bootstrap.Destroy(t.Context(), w.run(), steps, said.options()); err == nil {
		t.Error("no error")
	}
	said.want(t, "three began", `three failed: Step "three" failed: disk full`)
	options := said.options()
	options.Force = true
	if err := bootstrap.Destroy(t.Context(), w.run(), steps, options); err == nil {
		t.Error("no error with force")
	}
	if last := said.lines[len(said.lines)-1]; last != "one undone" {
		t.Errorf("with force it ended at %q", last)
	}
}

func TestWhatNeedsTimeIsWaitedForAndAnInterruptEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	steps := threeSteps()
	steps[0].(*writes).over = func(string) bool { cancel(); return true } //nolint:forcetypeassert // as threeSteps makes them
	err := bootstrap.Up(ctx, w.run(), steps, bootstrap.Options{Settle: time.Hour})
	if want := `Step "one" was interrupted.`; paas.MessageOf(err) != want || !errors.Is(err, context.Canceled) {
		t.Errorf("said %v", err)
	}
	late := &late{writes: writes{name: "late"}, plans: 3}
	if err := bootstrap.Up(t.Context(), w.run(), []bootstrap.Step{late}, bootstrap.Options{Settle: time.Minute}); err != nil {
		t.Error(err)
	}
}

// late is a step whose plan finds what was done only after some time.
type late struct {
	writes
	plans int
}

func (s *late) Plan(ctx context.Context, w *bootstrap.World) ([]bootstrap.Change, error) {
	if s.plans--; s.plans >= 0 {
		return []bootstrap.Change{{Text: "wait"}}, nil
	}
	return s.writes.Plan(ctx, w)
}

func TestStepsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	names := bootstrap.Names(bootstrap.Steps())
	for i, name := range names {
		if slices.Contains(names[:i], name) || name != strings.ToLower(name) || name == "" || strings.ContainsAny(name, " _") {
			t.Errorf("step %q", name)
		}
	}
}
