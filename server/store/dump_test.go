package store_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// TestADumpGoesThroughBothDatabasesAndStaysWhatItWas: a row in every table, from SQLite to PostgreSQL and back.
func TestADumpGoesThroughBothDatabasesAndStaysWhatItWas(t *testing.T) {
	t.Parallel()
	first := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, first, "sqlite", first.Path)
	text, said := dumpOf(t, first)
	for table, n := range said.Rows {
		if n == 0 {
			t.Errorf("table %s has no row in the dump", table)
		}
	}
	second := store.Config{URL: pgtest.Start(t).Database(t)}
	third := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	for _, cfg := range []store.Config{second, third} {
		must(t, store.Restore(t.Context(), cfg, false, strings.NewReader(text)))
		again, saidAgain := dumpOf(t, cfg)
		if diff := cmp.Diff(rowsOfDump(t, text), rowsOfDump(t, again)); diff != "" {
			t.Fatalf("dump of %+v (-before +after):\n%s", cfg, diff)
		}
		if diff := cmp.Diff(said.Rows, saidAgain.Rows); diff != "" {
			t.Error(diff)
		}
		if holds, err := store.Holds(t.Context(), cfg, said); err != nil || !holds {
			t.Errorf("Holds = %t, %v after the restore", holds, err)
		}
		if saidAgain.LastEvent <= said.LastEvent || saidAgain.LastAudit != said.LastAudit {
			t.Errorf("ids go on from event %d and audit %d, want above %d and from %d", saidAgain.LastEvent, saidAgain.LastAudit, said.LastEvent, said.LastAudit)
		}
		// What comes next is numbered above all that was given, and the audit is still guarded.
		s, err := store.Open(t.Context(), cfg)
		must(t, err)
		must(t, s.Emit(t.Context(), paas.Event{Time: time.Now(), Team: "red", App: "shop", Message: "after"}))
		must(t, s.AddAudited(t.Context(), paas.Audited{Time: time.Now(), Team: "red"}))
		if id, err := s.LastEvent(t.Context()); err != nil || id != saidAgain.LastEvent+1 {
			t.Errorf("the next event has the id %d, %v, want %d", id, err, saidAgain.LastEvent+1)
		}
		must(t, s.Close())
		if holds, err := store.Holds(t.Context(), cfg, said); err != nil || holds {
			t.Errorf("Holds = %t, %v after a further event", holds, err)
		}
		if err := store.Restore(t.Context(), cfg, false, strings.NewReader(text)); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "1 apps") {
			t.Errorf("a second Restore without force = %v, want a conflict that names what is there", err)
		}
		must(t, store.Restore(t.Context(), cfg, true, strings.NewReader(text)))
		again, _ = dumpOf(t, cfg)
		if diff := cmp.Diff(rowsOfDump(t, text), rowsOfDump(t, again)); diff != "" {
			t.Errorf("dump after a Restore with force (-before +after):\n%s", diff)
		}
	}
	db := openDB(t, "sqlite", third.Path)
	if _, err := db.ExecContext(t.Context(), "DELETE FROM audit"); err == nil {
		t.Error("the audit's guard is gone after a Restore with force")
	}
	pg := openDB(t, "pgx", second.URL)
	if _, err := pg.ExecContext(t.Context(), "DELETE FROM audit"); err == nil {
		t.Error("the audit's guard is gone in PostgreSQL after a Restore with force")
	}
}

// everyTable makes a database with a row in every table.
func everyTable(t *testing.T, cfg store.Config, driver, at string) {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	must(t, err)
	must(t, s.AddTeam(t.Context(), paas.Team{Name: "red", CreatedAt: time.Now()}))
	must(t, s.Save(t.Context(), 0, paas.Change{
		Ref: paas.AppRef{Team: "red", App: "shop"}, App: &paas.App{Team: "red", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}},
		Releases: []paas.Release{{Team: "red", App: "shop", Number: 1, CreatedBy: "ann \x01 <b> \U0001f9c7", Artifact: "aa", Runtime: "bb", CreatedAt: time.Now()}},
		Events:   []paas.Event{{Time: time.Now(), Team: "red", App: "shop", Message: "one"}, {Time: time.Now(), Team: "red", App: "shop", Message: "two"}},
	}))
	must(t, s.Close())
	db := openDB(t, driver, at)
	columns := tablesOf(t, db, driver)
	for todo, left := slices.Collect(maps.Keys(columns)), []string(nil); len(todo) > 0; todo, left = left, nil {
		var refused error
		for _, table := range todo {
			if len(rowsIn(t, db, table, slices.Collect(maps.Keys(columns[table])))) == 0 {
				if err := fill(t, db, driver, table, columns[table]); err != nil { // another table comes first
					left, refused = append(left, table), err
				}
			}
		}
		if len(left) == len(todo) {
			t.Fatal(refused)
		}
	}
	_, err = db.ExecContext(t.Context(), "DELETE FROM events WHERE message = 'two'") // its id is not given again
	must(t, err)
	must(t, db.Close())
}

func openDB(t *testing.T, driver, at string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, at)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() }) // closed already where it matters
	return db
}

func dumpOf(t *testing.T, cfg store.Config) (string, paas.Dump) {
	t.Helper()
	s, err := store.OpenAsIs(t.Context(), cfg)
	must(t, err)
	defer s.Close() //nolint:errcheck // it was read
	var text bytes.Buffer
	d, err := s.Dump(t.Context(), &text)
	must(t, err)
	return text.String(), d
}

// rowsOfDump gives the lines between the first and the last.
func rowsOfDump(t *testing.T, text string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 40 {
		t.Fatalf("the dump has %d lines", len(lines))
	}
	return lines[1 : len(lines)-1]
}

func TestADumpNamesTheArtifactsOfReleases(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, cfg, "sqlite", cfg.Path)
	if _, d := dumpOf(t, cfg); !slices.Equal(d.Artifacts, []string{"aa", "bb"}) {
		t.Errorf("artifacts %q, want aa and bb", d.Artifacts)
	}
}

func TestATableThatNobodyKnowsIsNotLeftOut(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, cfg, "sqlite", cfg.Path)
	db := openDB(t, "sqlite", cfg.Path)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE strangers (name TEXT NOT NULL)")
	must(t, err)
	s, err := store.OpenAsIs(t.Context(), cfg)
	must(t, err)
	defer s.Close() //nolint:errcheck // it was read
	if _, err := s.Dump(t.Context(), io.Discard); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "strangers") {
		t.Fatalf("Dump = %v, want a conflict that names the table", err)
	}
}

func TestADumpThatIsNotWholeLeavesTheDatabaseEmpty(t *testing.T) {
	t.Parallel()
	from := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, from, "sqlite", from.Path)
	text, _ := dumpOf(t, from)
	lines := strings.SplitAfter(strings.TrimSpace(text), "\n")
	postgres := pgtest.Start(t).Database(t)
	for name, cfg := range map[string]store.Config{"SQLite": {Path: filepath.Join(t.TempDir(), "to.db")}, "PostgreSQL": {URL: postgres}} {
		bad := map[string]string{
			"without its last line": strings.Join(lines[:len(lines)-1], ""),
			"without a row":         strings.Join(slices.Delete(slices.Clone(lines), 3, 4), ""),
			"cut within a line":     text[:len(text)/2],
			"with a row too many":   strings.Replace(text, lines[2], lines[2]+strings.Replace(lines[2], "access", "excess", 1), 1),
		}
		for what, damaged := range bad {
			if err := store.Restore(t.Context(), cfg, false, strings.NewReader(damaged)); paas.CodeOf(err) != paas.Invalid {
				t.Errorf("%s: Restore of a dump %s = %v, want invalid", name, what, err)
			}
		}
		broken := errors.New("broken pipe")
		if err := store.Restore(t.Context(), cfg, false, io.MultiReader(strings.NewReader(text[:len(text)/2]), failing{broken})); !errors.Is(err, broken) {
			t.Errorf("%s: Restore = %v, want the reader's error", name, err)
		}
		s, err := store.OpenAsIs(t.Context(), cfg)
		must(t, err)
		refs, err := s.Refs(t.Context())
		if err != nil || len(refs) > 0 {
			t.Errorf("%s has apps %v, %v after interrupted restores", name, refs, err)
		}
		must(t, s.Close())
		must(t, store.Restore(t.Context(), cfg, false, strings.NewReader(text)))
	}
}

// failing fails every read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// full fails from its n-th write on.
type full struct{ left int }

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAWriterThatIsFullEndsTheDumpWithItsError(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, cfg, "sqlite", cfg.Path)
	s, err := store.OpenAsIs(t.Context(), cfg)
	must(t, err)
	defer s.Close() //nolint:errcheck // it was read
	for n := range 100 {
		_, err := s.Dump(t.Context(), &full{left: n})
		if err == nil {
			if n == 0 {
				t.Error("a writer that takes nothing made a dump")
			}
			return
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("write %d: Dump = %v, want the writer's error", n, err)
		}
	}
	t.Error("a small dump took 100 writes")
}

// TestADumpOfAnOlderVersionIsBroughtUpToDate: the tables of version 19 had no sources, no launches, and events without
// a share.
func TestADumpOfAnOlderVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	from := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, from, "sqlite", from.Path)
	text, said := dumpOf(t, from)
	if said.Version != 20 {
		t.Fatalf("the tables have version %d: older knows how those of 20 differ from those of 19 only", said.Version)
	}
	old := older(t, text)
	for _, cfg := range []store.Config{{Path: filepath.Join(t.TempDir(), "to.db")}, {URL: pgtest.Start(t).Database(t)}} {
		fresh, err := store.Open(t.Context(), cfg) // of the newest version, and empty
		must(t, err)
		must(t, fresh.Close())
		must(t, store.Restore(t.Context(), cfg, false, strings.NewReader(old)))
		_, now := dumpOf(t, cfg)
		if now.Version != said.Version || now.Rows["sources"] != 0 || now.Rows["events"] != said.Rows["events"] || now.Rows["apps"] != 1 {
			t.Errorf("restored: %+v", now)
		}
		newer := strings.Replace(text, fmt.Sprintf(`"version":%d`, said.Version), `"version":99999`, 1)
		if err := store.Restore(t.Context(), cfg, true, strings.NewReader(newer)); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "99999") {
			t.Errorf("Restore of a newer dump = %v, want a conflict", err)
		}
	}
}

// older makes a dump of version 19.
func older(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	table, share := "", -1
	for n, line := range strings.SplitAfter(strings.TrimSpace(text)+"\n", "\n") {
		var mark map[string]json.RawMessage
		switch {
		case line == "":
		case n == 0:
			line = strings.Replace(line, `"version":20`, `"version":19`, 1)
		case strings.HasPrefix(line, `{"end"`):
			line = strings.Replace(strings.Replace(line, `"sources":1,`, "", 1), `"launches":1,`, "", 1)
		case strings.HasPrefix(line, "{"):
			must(t, json.Unmarshal([]byte(line), &mark))
			must(t, json.Unmarshal(mark["table"], &table))
			if share = -1; table == "events" {
				var columns []map[string]string
				must(t, json.Unmarshal(mark["columns"], &columns))
				share = slices.IndexFunc(columns, func(c map[string]string) bool { return c["name"] == "share" })
				line = strings.Replace(line, `,{"name":"share","kind":"int"}`, "", 1)
			}
		case share >= 0:
			var cells []json.RawMessage
			must(t, json.Unmarshal([]byte(line), &cells))
			b, err := json.Marshal(slices.Delete(cells, share, share+1))
			must(t, err)
			line = string(b) + "\n"
		}
		if table != "sources" && table != "launches" || strings.HasPrefix(line, `{"end"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestADatabaseThatAServerUsesIsNotReplaced(t *testing.T) {
	t.Parallel()
	from := store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")}
	everyTable(t, from, "sqlite", from.Path)
	text, _ := dumpOf(t, from)
	to := store.Config{Path: filepath.Join(t.TempDir(), "to.db")}
	s, err := store.Open(t.Context(), to)
	must(t, err)
	must(t, s.PutServer(t.Context(), paas.Server{ID: "1", Name: "north", SeenAt: time.Now()}))
	must(t, s.Close())
	if err := store.Restore(t.Context(), to, true, strings.NewReader(text)); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "north") {
		t.Errorf("Restore = %v, want a conflict that names the server", err)
	}
	if _, err := store.OpenAsIs(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "no.db")}); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("OpenAsIs of no file = %v, want not_found", err)
	}
}
