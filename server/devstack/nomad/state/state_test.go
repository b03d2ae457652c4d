package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

func open(t *testing.T, dir string) *state.Store {
	t.Helper()
	s, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func putJob(t *testing.T, s *state.Store, id string, version uint64) uint64 {
	t.Helper()
	index, err := s.Update("JobRegistered", func(tx *state.Tx) error {
		row := tx.Job("default", id)
		if row == nil {
			row = &state.Job{}
		}
		tx.PutJob(row.With(&nomadapi.Job{ID: &id, Namespace: new("default"), Version: &version}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func versions(s *state.Store, id string) (out []uint64) {
	s.View(func(v *state.View) {
		if row := v.Job("default", id); row != nil {
			for _, j := range row.Versions {
				out = append(out, *j.Version)
			}
		}
	})
	return out
}

func TestSixVersionsOfAJobSurviveAReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for version := range uint64(8) {
		putJob(t, s, "app", version)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if diff := cmp.Diff([]uint64{7, 6, 5, 4, 3, 2}, versions(s, "app")); diff != "" {
		t.Error(diff)
	}
	if index := putJob(t, s, "app", 8); index != 9 {
		t.Errorf("the index went on with %d", index)
	}
}

func TestATornLineIsATransactionThatNeverWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	putJob(t, s, "app", 0)
	putJob(t, s, "app", 1)
	path := filepath.Join(dir, "log.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw[:len(raw)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if diff := cmp.Diff([]uint64{0}, versions(s, "app")); diff != "" {
		t.Error(diff)
	}
	putJob(t, s, "app", 1)
	if diff := cmp.Diff([]uint64{1, 0}, versions(open(t, dir), "app")); diff != "" {
		t.Errorf("writing after a torn line: %s", diff)
	}
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	before := putJob(t, s, "app", 0)
	changed := s.Changed()
	broken := errors.New("broken")
	if _, err := s.Update("x", func(tx *state.Tx) error {
		tx.DeleteJob("default", "app")
		tx.PutEval(&nomadapi.Evaluation{ID: "e"})
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if got := versions(s, "app"); len(got) != 1 {
		t.Error("the job is gone")
	}
	s.View(func(v *state.View) {
		if v.Eval("e") != nil || v.Index() != before || v.Last(state.Evals) != 0 {
			t.Errorf("index %d, last %d", v.Index(), v.Last(state.Evals))
		}
	})
	select {
	case <-changed:
		t.Error("waiters were woken")
	default:
	}
	index, err := s.Update("x", func(*state.Tx) error { return nil })
	if err != nil || index != before {
		t.Errorf("a transaction without rows took index %d: %v", index, err)
	}
}

func TestEventsFollowFromTheRows(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	changed := s.Changed()
	index := putJob(t, s, "app", 0)
	select {
	case <-changed:
	default:
		t.Error("waiters were not woken")
	}
	events, lost := s.EventsFrom(index)
	if lost || len(events) != 1 || len(events[0].Events) != 1 {
		t.Fatalf("got %+v, lost %v", events, lost)
	}
	if e := events[0].Events[0]; e.Topic != "Job" || e.Key != "app" || e.Type != "JobRegistered" || e.Index != index {
		t.Errorf("got %+v", e)
	}
	for version := range uint64(200) {
		putJob(t, s, "app", version)
	}
	if _, lost := s.EventsFrom(index); !lost {
		t.Error("old events are gone, and nobody says so")
	}
	if later, _ := s.EventsFrom(index + 200); len(later) != 1 {
		t.Errorf("got %d transactions", len(later))
	}
}
