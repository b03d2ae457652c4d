package retention_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/retention"
)

// world is a store and a folder in memory, with a clock that a test sets.
type world struct {
	at       time.Time
	snap     paas.Snapshot
	ledger   paas.Ledger
	builds   []paas.BuildJob
	conflict bool // writes of the app lose against somebody
	lost     bool // another server leads

	dropped []int
	swept   struct {
		before time.Time
		named  map[string]bool
	}
	order []string // of writes
	until map[string]time.Time
}

func (w *world) Refs(context.Context) ([]paas.AppRef, error) { return []paas.AppRef{shop}, nil }

func (w *world) Snapshot(context.Context, paas.AppRef) (paas.Snapshot, error) { return w.snap, nil }

func (w *world) Ledger(context.Context, paas.AppRef) (paas.Ledger, error) { return w.ledger, nil }

func (w *world) Save(_ context.Context, _ int64, c paas.Change) error {
	if w.conflict {
		return paas.Errorf(paas.Conflict, "changed meanwhile")
	}
	w.order = append(w.order, "releases")
	w.dropped = append(w.dropped, c.DropReleases...)
	w.ledger.Releases = slices.DeleteFunc(w.ledger.Releases, func(r paas.LedgerRelease) bool { return slices.Contains(c.DropReleases, r.Number) })
	return nil
}

func (w *world) Runs(context.Context) ([]paas.Run, error) { return nil, nil }

func (w *world) Observe(context.Context, int64, paas.Observation) error { return nil }

func (w *world) drop(what string, before time.Time) (bool, error) {
	if w.lost {
		return false, paas.Errorf(paas.Conflict, "another leads")
	}
	w.order = append(w.order, what)
	w.until[what] = before
	return len(slices.DeleteFunc(slices.Clone(w.order), func(s string) bool { return s != what })) < 3, nil
}

func (w *world) DropEvents(_ context.Context, _ int64, before time.Time) (bool, error) {
	return w.drop("events", before)
}

func (w *world) DropBuilds(_ context.Context, _ int64, before time.Time) (bool, error) {
	return w.drop("builds", before)
}

func (w *world) NamedBlobs(context.Context) (map[string]bool, error) {
	named := map[string]bool{}
	for _, r := range w.ledger.Releases {
		named[fmt.Sprint(r.Number)] = true
	}
	return named, nil
}

func (w *world) UnfinishedBuilds(context.Context) ([]paas.BuildJob, error) { return w.builds, nil }

func (w *world) Sweep(_ context.Context, named map[string]bool, before time.Time) (int, int64, error) {
	w.order = append(w.order, "content")
	w.swept.named, w.swept.before = named, before
	return 0, 0, nil
}

func newWorld() (*world, *retention.Retention) {
	w := &world{at: now, until: map[string]time.Time{}}
	w.snap, w.ledger = history(7)
	return w, retention.New(retention.Config{Store: w, Blobs: w, Limits: limits, Every: time.Millisecond, Now: func() time.Time { return w.at }})
}

func TestALookDropsReleasesFirstAndWhatTheyNamedLast(t *testing.T) {
	t.Parallel()
	w, r := newWorld()
	r.Look(t.Context(), 1)
	if !slices.Equal(w.dropped, []int{3, 2, 1}) {
		t.Errorf("dropped %v", w.dropped)
	}
	if want := []string{"releases", "events", "events", "events", "builds", "builds", "builds", "content"}; !slices.Equal(w.order, want) {
		t.Errorf("in the order %v, want %v", w.order, want)
	}
	if w.swept.named["3"] || !w.swept.named["4"] {
		t.Errorf("named %v", w.swept.named)
	}
	if !w.until["events"].Equal(ago(30)) || !w.until["builds"].Equal(ago(30)) || !w.swept.before.Equal(ago(7)) {
		t.Errorf("events until %s, builds until %s, content until %s", w.until["events"], w.until["builds"], w.swept.before)
	}
	// As the clock goes on, so does what is too old.
	w.at = now.Add(65 * day)
	r.Look(t.Context(), 1)
	if !slices.Equal(w.dropped, []int{3, 2, 1, 4}) { // of 7, 6, 5, 4: two serve or can be rolled back to, 5 is 85 days old, 4 is 95
		t.Errorf("later dropped %v", w.dropped)
	}
}

func TestALookWithoutTheLeadDropsNoContent(t *testing.T) {
	t.Parallel()
	w, r := newWorld()
	w.conflict, w.lost = true, true
	r.Look(t.Context(), 1)
	if slices.Contains(w.order, "releases") {
		t.Errorf("did %v", w.order)
	}
	if w.swept.named["1"] != true {
		t.Error("what could not be dropped is not named any more")
	}
}

func TestContentOfABuildThatWaitsIsKept(t *testing.T) {
	t.Parallel()
	w, r := newWorld()
	w.builds = []paas.BuildJob{{CreatedAt: ago(1)}, {CreatedAt: ago(20)}}
	r.Look(t.Context(), 1)
	if !w.swept.before.Equal(ago(27)) {
		t.Errorf("content of before %s goes", w.swept.before)
	}
}

func TestRunLooksAgainAndAgainUntilItsEnd(t *testing.T) {
	t.Parallel()
	w, r := newWorld()
	ctx, end := context.WithCancel(t.Context())
	looks := 0
	r.Blobs = sweep(func() {
		if looks++; looks == 3 {
			end()
		}
	})
	_ = w
	if err := r.Run(ctx, 1); err != nil || looks != 3 {
		t.Errorf("%d looks, %v", looks, err)
	}
}

type sweep func()

func (s sweep) Sweep(context.Context, map[string]bool, time.Time) (int, int64, error) {
	s()
	return 0, 0, nil
}
