package store_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

func TestTheAuditRefusesToBeChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "crumpet.db")
	postgres := pgtest.Start(t).Database(t)
	for name, row := range map[string]struct {
		cfg        store.Config
		driver, at string
		words      []string
	}{
		"SQLite":     {store.Config{Path: path}, "sqlite", path, []string{"UPDATE audit SET detail = ''", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1", "REPLACE INTO audit SELECT * FROM audit"}},
		"PostgreSQL": {store.Config{URL: postgres}, "pgx", postgres, []string{"UPDATE audit SET detail = ''", "DELETE FROM audit", "TRUNCATE audit"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), row.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // nothing is written after
			line := paas.Audited{Time: time.Unix(9, 0).UTC(), By: "eve", Action: "status", Outcome: paas.AuditDenied, Status: 403}
			if err := s.AddAudited(t.Context(), line); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open(row.driver, row.at)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // read only by now
			for _, words := range row.words {
				if _, err := db.ExecContext(t.Context(), words); err == nil || !strings.Contains(err.Error(), "audit are never") && !strings.Contains(err.Error(), "lines of the audit") {
					t.Errorf("%s: %v, want the trigger's words", words, err)
				}
			}
			list, err := s.Audited(t.Context(), paas.AuditFilter{})
			if err != nil || len(list) != 1 || list[0].By != "eve" {
				t.Errorf("after that the audit holds %+v, %v", list, err)
			}
		})
	}
}
