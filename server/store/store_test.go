package store_test

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, notify func(paas.AppRef)) storetest.Opened {
		cfg := store.Config{Path: storetest.PathIn(t, filepath.Join(t.TempDir(), "a folder"), "50% #1?.db"), Notify: notify}
		open := func(t testing.TB) storetest.Store {
			t.Helper()
			s, err := store.Open(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		return storetest.Opened{Store: open(t), Reopen: open}
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	storetest.Run(t, func(t testing.TB, notify func(paas.AppRef)) storetest.Opened {
		cfg := store.Config{URL: cluster.Database(t), Notify: notify}
		open := func(t testing.TB) storetest.Store {
			t.Helper()
			s, err := store.Open(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		return storetest.Opened{Store: open(t), Reopen: open}
	})
}

func TestADatabaseOfANewerCrumpetIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a folder that is made", "crumpet.db")
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), store.Config{Path: path})
	if paas.CodeOf(err) != paas.Conflict || !strings.Contains(paas.MessageOf(err), "99999") {
		t.Fatalf("Open = %v, want a conflict that names version 99999", err)
	}
}

func TestAWriterWaitsForTheWriterOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "crumpet.db")
	a, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // the test is over
	b, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() //nolint:errcheck // the test is over
	errs := make(chan error)
	for _, s := range []*store.Store{a, b} {
		go func() {
			for range 50 {
				if err := s.Emit(t.Context(), paas.Event{Time: time.Now(), Kind: paas.EventDrift}); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// crashEnv makes this test binary the child of TestAKilledWriter.
const crashEnv = "CRUMPET_STORE_TEST_CRASH"

func TestMain(m *testing.M) {
	if where := os.Getenv(crashEnv); where != "" {
		crash(where)
	}
	if address := os.Getenv(leadEnv); address != "" {
		leadOn(address)
	}
	os.Exit(m.Run())
}

// crash writes pairs of an app and its event until it is killed.
func crash(where string) {
	cfg := store.Config{Path: where}
	if strings.Contains(where, "://") {
		cfg = store.Config{URL: where}
	}
	s, err := store.Open(context.Background(), cfg)
	if err != nil {
		os.Exit(3)
	}
	_, _ = os.Stdout.WriteString("ready\n") // the parent sees a missing line
	for n := 0; ; n++ {
		ref := paas.AppRef{Team: "default", App: "app" + strings.Repeat("x", n%20) + string(rune('a'+n/20%26)) + string(rune('a'+n/520%26))}
		err := s.Save(context.Background(), 0, paas.Change{
			Ref: ref, App: &paas.App{Team: ref.Team, Name: ref.App},
			Releases: []paas.Release{{Team: ref.Team, App: ref.App, Number: 1}},
			Events:   []paas.Event{{Team: ref.Team, App: ref.App, Kind: paas.EventReleaseCreated}},
		})
		if err != nil {
			os.Exit(4)
		}
	}
}

func TestAKilledWriterLeavesWholeChangesOnly(t *testing.T) {
	t.Parallel()
	killedWriter(t, store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")})
}

func killedWriter(t *testing.T, cfg store.Config) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), crashEnv+"="+cfg.Path+cfg.URL)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatalf("the child wrote no line: %v", err)
	}
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for { // until it is in the thick of it
		last, err := s.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last >= 20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the child wrote too little in 30 s")
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	refs, err := s.Refs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(refs)) != last {
		t.Errorf("%d apps and %d events, want as many", len(refs), last)
	}
	for _, ref := range refs {
		if _, err := s.Release(t.Context(), ref, 1); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
