package sealed_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

type kept struct {
	path   string
	public string
	to     sealed.Recipients
	with   sealed.Identities
}

func keeps(t *testing.T) kept {
	t.Helper()
	key := ageKey(t)
	to, err := sealed.NewRecipients(key.public)
	if err != nil {
		t.Fatal(err)
	}
	with, err := sealed.ReadIdentities(nil, key.path)
	if err != nil {
		t.Fatal(err)
	}
	return kept{filepath.Join(t.TempDir(), "prod.cluster.age"), key.public, to, with}
}

func (k kept) hold(t *testing.T) *sealed.State {
	t.Helper()
	s, err := sealed.HoldState(k.path, "prod", k.to)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheStateIsFoundAgainSealed(t *testing.T) {
	t.Parallel()
	k := keeps(t)
	s := k.hold(t)
	if values, err := s.Load(k.with); err != nil || len(values) != 0 {
		t.Fatalf("%v, %v", values, err)
	}
	want := map[string]string{"ca": "first"}
	for _, text := range []string{"first", "second"} {
		want["ca"] = text
		if err := s.Save(want); err != nil {
			t.Fatal(err)
		}
		got, err := sealed.ReadState(k.path, "prod", k.with)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(k.path)
	if err != nil || bytes.Contains(text, []byte("second")) {
		t.Errorf("it lies there in plain text, %v", err)
	}
	if info, err := os.Stat(k.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(k.path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	s = k.hold(t)
	got, err := s.Load(k.with)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	if _, err := s.Retire("destroyed"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The next one is moved aside beside it.
	s = k.hold(t)
	if err := s.Save(map[string]string{"ca": "third"}); err != nil {
		t.Fatal(err)
	}
	if name, err := s.Retire("destroyed"); err != nil || name != k.path+".destroyed-2" {
		t.Errorf("%q, %v", name, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{".destroyed": "second", ".destroyed-2": "third"} {
		if got, err := sealed.ReadState(k.path+name, "prod", k.with); err != nil || got["ca"] != value {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestTheStateIsHeldByOneRun(t *testing.T) {
	t.Parallel()
	k := keeps(t)
	s := k.hold(t)
	busy := func(when string) {
		t.Helper()
		_, err := sealed.HoldState(k.path, "prod", k.to)
		if paas.CodeOf(err) != paas.Conflict {
			t.Fatalf("%s: %v", when, err)
		}
	}
	busy("nothing saved")
	for range 3 {
		if err := s.Save(map[string]string{"a": "b"}); err != nil {
			t.Fatal(err)
		}
		busy("saved")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.hold(t).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAStateThatNothingWasSavedInLeavesNoFile(t *testing.T) {
	t.Parallel()
	k := keeps(t)
	s := k.hold(t)
	if empty, err := s.Empty(); err != nil || !empty {
		t.Errorf("%t, %v", empty, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(k.path); err == nil {
		t.Error("the file is there")
	}
	if values, err := sealed.ReadState(k.path, "prod", k.with); err != nil || len(values) != 0 {
		t.Errorf("%v, %v", values, err)
	}
}

func TestAStateOfAnotherClusterIsRefused(t *testing.T) {
	t.Parallel()
	k := keeps(t)
	s := k.hold(t)
	if err := s.Save(map[string]string{"ca": "x"}); err != nil {
		t.Fatal(err)
	}
	_, err := sealed.ReadState(k.path, "staging", k.with)
	wantCode(t, err, paas.Invalid, `"prod"`, `"staging"`)
	_, err = sealed.ReadState(k.path, "prod", keeps(t).with)
	wantCode(t, err, paas.Forbidden, k.path, "others")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(k.path, 50); err != nil {
		t.Fatal(err)
	}
	_, err = sealed.ReadState(k.path, "prod", k.with)
	wantCode(t, err, paas.Invalid, k.path)
}

func TestAStateKnowsWhetherItsKeepersChanged(t *testing.T) {
	t.Parallel()
	k := keeps(t)
	s := k.hold(t)
	if s.Others() {
		t.Error("nothing was saved, and it is sealed to others")
	}
	if err := s.Save(map[string]string{"ca": "x"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stranger := ageKey(t)
	both, err := sealed.NewRecipients(stranger.public, k.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		s, err := sealed.HoldState(k.path, "prod", both)
		if err != nil {
			t.Fatal(err)
		}
		values, err := s.Load(k.with)
		if err != nil || s.Others() != want {
			t.Fatalf("sealed to others %t, %v", s.Others(), err)
		}
		if err := s.Save(values); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	with, err := sealed.ReadIdentities(nil, stranger.path)
	if err != nil {
		t.Fatal(err)
	}
	if values, err := sealed.ReadState(k.path, "prod", with); err != nil || values["ca"] != "x" {
		t.Errorf("the new keeper reads %v, %v", values, err)
	}
}
