package store_test

import (
	"database/sql"
	"fmt"
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

// before is the version of the last Crumpet without teams, users and an audit.
const before = 16

// TestADatabaseFromBeforeTeamsIsBroughtUpToDate: in a database of version 16 with a row in every table each row
// is what it was after the migration, and the apps have a team that they can be changed in.
func TestADatabaseFromBeforeTeamsIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "crumpet.db")
		broughtUp(t, store.Config{Path: path}, "sqlite", path)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		address := pgtest.Start(t).Database(t)
		broughtUp(t, store.Config{URL: address}, "pgx", address)
	})
}

func broughtUp(t *testing.T, cfg store.Config, driver, at string) {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	must(t, err)
	must(t, s.AddTeam(t.Context(), paas.Team{Name: "red", CreatedAt: time.Now()}))
	ref := paas.AppRef{Team: "red", App: "shop"}
	must(t, s.Save(t.Context(), 0, paas.Change{
		Ref: ref, App: &paas.App{Team: "red", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}},
		Releases: []paas.Release{{Team: "red", App: "shop", Number: 1, CreatedBy: "ann"}}, Slots: []paas.Slotted{{Team: "red", App: "shop", Slot: paas.Blue, Release: 1}},
		Deployments: []paas.Deployment{{ID: "d1", Team: "red", App: "shop", Release: 1, State: paas.DeploymentPaused, CreatedAt: time.Now()}},
		SetClaims:   true, Claims: []paas.Route{{Host: "shop.example.com", Path: "/"}},
	}))
	must(t, s.Close())

	db, err := sql.Open(driver, at)
	must(t, err)
	defer db.Close() //nolint:errcheck // the test is over
	must(t, store.BackTo(t.Context(), db, driver == "pgx", before))
	rows := map[string][]string{}
	columns := tablesOf(t, db, driver)
	for todo, left := slices.Collect(maps.Keys(columns)), []string(nil); len(todo) > 0; todo, left = left, nil {
		var refused error
		for _, table := range todo {
			names := slices.Sorted(maps.Keys(columns[table]))
			if len(rowsIn(t, db, table, names)) == 0 {
				if err := fill(t, db, driver, table, columns[table]); err != nil { // another table comes first
					left, refused = append(left, table), err
					continue
				}
			}
			if rows[table] = rowsIn(t, db, table, names); len(rows[table]) == 0 {
				t.Fatalf("table %s has no row", table)
			}
		}
		if len(left) == len(todo) {
			t.Fatal(refused)
		}
	}
	if len(columns) < 20 || columns["teams"] != nil {
		t.Fatalf("tables of version %d: %v", before, slices.Sorted(maps.Keys(columns)))
	}

	if s, err = store.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // as above
	for table, of := range columns {
		after := rowsIn(t, db, table, slices.Sorted(maps.Keys(of)))
		if table == "counters" { // which gets one of who may do what
			after = slices.DeleteFunc(after, func(row string) bool { return row == "name=access value=0" })
		}
		if diff := cmp.Diff(rows[table], after); diff != "" {
			t.Errorf("table %s (-before +after):\n%s", table, diff)
		}
	}
	snap, err := s.Snapshot(t.Context(), ref)
	must(t, err)
	if snap.App.Counts["web"] != 2 || snap.Releases[1].CreatedBy != "ann" || len(snap.Deployments) != 1 {
		t.Errorf("the app is %+v", snap)
	}
	must(t, s.Save(t.Context(), 0, paas.Change{Ref: ref, Version: snap.Version, Demand: &paas.Demand{Apps: 1, Instances: 2}}))
	teams, err := s.Teams(t.Context())
	must(t, err)
	var names []string
	for _, team := range teams {
		names = append(names, team.Name)
	}
	if !slices.Contains(names, "default") || !slices.Contains(names, "red") {
		t.Errorf("teams %v, want default and those that own something", names)
	}
	hosts, err := s.Hosts(t.Context())
	must(t, err)
	if !slices.ContainsFunc(hosts, func(h paas.Host) bool { return h.Host == "shop.example.com" && h.Team == "red" }) {
		t.Errorf("hosts %+v, want shop.example.com of red", hosts)
	}
}

// tablesOf gives the columns of each table, with their types in lower case.
func tablesOf(t *testing.T, db *sql.DB, driver string) map[string]map[string]string {
	t.Helper()
	query := "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
	if driver == "sqlite" {
		query = "SELECT m.name, c.name, c.type FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
	}
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close() //nolint:errcheck // it was read
	tables := map[string]map[string]string{}
	for rows.Next() {
		var table, column, kind string
		must(t, rows.Scan(&table, &column, &kind))
		if strings.HasPrefix(table, "goose") {
			continue
		}
		if tables[table] == nil {
			tables[table] = map[string]string{}
		}
		tables[table][column] = strings.ToLower(kind)
	}
	must(t, rows.Err())
	return tables
}

// fill adds a row of the app red/shop.
func fill(t *testing.T, db *sql.DB, driver, table string, columns map[string]string) error {
	t.Helper()
	names := slices.Sorted(maps.Keys(columns))
	var values []any
	var marks []string
	for i, name := range names {
		mark := "?"
		if driver == "pgx" {
			mark = fmt.Sprintf("$%d", i+1)
		}
		marks = append(marks, mark)
		kind := columns[name]
		switch {
		case name == "team":
			values = append(values, "red")
		case name == "app":
			values = append(values, "shop")
		case strings.HasPrefix(kind, "timestamp"):
			values = append(values, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
		case strings.HasPrefix(kind, "bool"):
			values = append(values, true)
		case kind == "blob", kind == "bytea":
			values = append(values, []byte{7})
		case strings.Contains(kind, "int"):
			values = append(values, 1)
		case strings.Contains(kind, "real"), strings.Contains(kind, "double"):
			values = append(values, 1.5)
		default:
			values = append(values, "null") // JSON, where it is a document's
		}
	}
	_, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", values...)
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	return nil
}

// rowsIn gives the rows of a table as text, in order.
func rowsIn(t *testing.T, db *sql.DB, table string, columns []string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
	must(t, err)
	defer rows.Close() //nolint:errcheck // it was read
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		must(t, rows.Scan(values...))
		var texts []string
		for i, v := range values {
			texts = append(texts, fmt.Sprintf("%s=%v", columns[i], *v.(*any)))
		}
		all = append(all, strings.Join(texts, " "))
	}
	must(t, rows.Err())
	slices.Sort(all)
	return all
}
