package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	// EventGap is left between the last event of a dump and the first after its restore, so that a reader who has seen
	// events that are lost does not take new ones for them.
	EventGap = 1_000_000
	// aliveFor is how long after its last sign a server is taken to run.
	aliveFor = 30 * time.Second
	// batchRows and batchBytes bound one INSERT.
	batchRows, batchBytes = 200, 256 << 10
)

// Restore puts the rows of a dump into a database that holds nothing of value yet, or with force in place of whatever
// it holds, and brings its tables up to date. The rows come in one transaction: an interrupted Restore is begun again.
// Blobs that are there stay, but where the tables are of another version than the dump's.
//
// Codes: conflict for a database that holds something, that a server uses, or a dump of a newer Crumpet; invalid for a
// dump that is damaged or not whole. An error of from comes back wrapped.
func Restore(ctx context.Context, cfg Config, force bool, from io.Reader) error {
	in := &source{r: from}
	lines := &dumpLines{r: bufio.NewReaderSize(in, 64<<10)}
	err := restore(ctx, cfg, force, lines)
	if in.err != nil {
		return fmt.Errorf("read dump: %w", in.err)
	}
	return err
}

func restore(ctx context.Context, cfg Config, force bool, lines *dumpLines) error {
	var head dumpHead
	if err := lines.next(&head); err != nil {
		return err
	}
	if head.Format != dumpFormat {
		return damaged("it has the format %d, and this Crumpet knows %d", head.Format, dumpFormat)
	}
	cfg.ready = func(ctx context.Context, db *sql.DB, d dialect) error {
		if err := makeRoom(ctx, db, d, head.Version, force); err != nil {
			return failed("make room for the copy", err)
		}
		return nil
	}
	s, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = once(ctx, s.write, s.engine.writes, func(ctx context.Context, tx bun.Tx) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		if err := empty(ctx, tx); err != nil {
			return err
		}
		return fill(ctx, tx, lines)
	})
	if closing := s.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return failed("restore database", err)
	}
	cfg.ready = nil
	if s, err = Open(ctx, cfg); err != nil { // which migrates
		return err
	}
	return s.Close()
}

// Holds says whether the database holds what a dump does, as after a Restore.
func Holds(ctx context.Context, cfg Config, d paas.Dump) (bool, error) {
	s, err := OpenAsIs(ctx, cfg)
	if code := paas.CodeOf(err); code == paas.NotFound || code == paas.Conflict {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer s.Close() //nolint:errcheck // it was read
	same := true
	err = s.view(ctx, "count rows", func(ctx context.Context, tx bun.Tx) error {
		for _, table := range []string{"apps", "releases", "users", "events", "audit", "configs"} {
			var n int64
			if err := tx.NewRaw("SELECT COUNT(*) FROM "+table).Scan(ctx, &n); err != nil {
				return err
			}
			same = same && n == d.Rows[table]
		}
		last, err := highest(ctx, tx, "events")
		same = same && last == d.LastEvent+EventGap
		return err
	})
	return same && err == nil, err
}

// asItIs is ready when the tables are of this Crumpet's version.
func asItIs(ctx context.Context, db *sql.DB, d dialect) error {
	provider, err := d.provider(db)
	if err != nil {
		return err
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return failed("read database version", err)
	}
	if current != known {
		return paas.Errorf(paas.Conflict, "The database has version %d, and this Crumpet copies version %d. Use the crumpet that the server runs.", current, known)
	}
	return nil
}

// makeRoom brings the tables to a version, if there is nothing in them that would be missed.
func makeRoom(ctx context.Context, db *sql.DB, d dialect, version int64, force bool) error {
	provider, err := d.provider(db)
	if err != nil {
		return err
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if version > known {
		return paas.Errorf(paas.Conflict, "The copy has version %d, written by a newer Crumpet; this one knows versions up to %d. Use the crumpet of the backup, or a newer one.", version, known)
	}
	if current > 0 {
		if err := unused(ctx, db); err != nil {
			return err
		}
		found, err := filled(ctx, db)
		if err != nil {
			return err
		}
		if len(found) > 0 && !force {
			return paas.Errorf(paas.Conflict, "The database is not empty: it has %s. Restore into a new one, or use --force to lose what it holds.", strings.Join(found, ", "))
		}
		if current != version {
			if err := dropTables(ctx, db, d); err != nil {
				return err
			}
		}
	}
	if current == version {
		return nil
	}
	if provider, err = d.provider(db); err != nil { // it has to look again
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// unused refuses a database that a server has just written to.
func unused(ctx context.Context, db *sql.DB) error {
	if has, err := hasTable(ctx, db, "servers"); err != nil || !has {
		return err
	}
	rows, err := db.QueryContext(ctx, "SELECT name, seen_at FROM servers")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err says what went wrong
	for rows.Next() {
		var name string
		var seen time.Time
		if err := rows.Scan(&name, &seen); err != nil {
			return err
		}
		if time.Since(seen) < aliveFor {
			return paas.Errorf(paas.Conflict, "The crumpet server %q uses the database. Stop every server; one that was killed is forgotten after %s.", name, aliveFor)
		}
	}
	return rows.Err()
}

// filled names what a database holds that was wished for by somebody, as "3 apps".
func filled(ctx context.Context, db *sql.DB) ([]string, error) {
	var found []string
	for _, table := range []string{"apps", "users", "configs", "service_instances", "teams"} {
		if has, err := hasTable(ctx, db, table); err != nil {
			return nil, err
		} else if !has {
			continue
		}
		query := "SELECT COUNT(*) FROM " + table
		if table == "teams" {
			query += " WHERE name <> 'default'"
		}
		var n int
		if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return nil, err
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, strings.ReplaceAll(table, "_", " ")))
		}
	}
	return found, nil
}

// hasTable says whether there is a table; its name is one of ours.
func hasTable(ctx context.Context, db *sql.DB, table string) (bool, error) {
	var n int
	err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE 1 = 0").Scan(&n)
	if err != nil && (stateOf(err) == "42P01" || strings.Contains(err.Error(), "no such table")) {
		return false, nil
	}
	return err == nil, err
}

// dropTables drops all that migrations have made.
func dropTables(ctx context.Context, db *sql.DB, d dialect) error {
	tables := append(slices.Clone(dumped), "blobs", "blob_pieces", "servers", "goose_db_version")
	slices.Reverse(tables)
	for _, table := range tables {
		query := "DROP TABLE IF EXISTS " + table
		if d.name == goose.DialectPostgres {
			query += " CASCADE"
		}
		if _, err := db.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	if d.name != goose.DialectPostgres {
		return nil
	}
	_, err := db.ExecContext(ctx, "DROP FUNCTION IF EXISTS audit_only_grows() CASCADE")
	return err
}

func damaged(format string, args ...any) error {
	return paas.Errorf(paas.Invalid, "The copy of the store is damaged: %s.", fmt.Sprintf(format, args...))
}

// source notes the error of a reader, so that it is told from one of the database.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// dumpLines reads a dump line by line.
type dumpLines struct {
	r      *bufio.Reader
	number int
}

func (l *dumpLines) raw() ([]byte, error) {
	line, err := l.r.ReadBytes('\n')
	l.number++
	if errors.Is(err, io.EOF) {
		return nil, damaged("it ends in line %d", l.number)
	}
	return line, err
}

func (l *dumpLines) next(into any) error {
	line, err := l.raw()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, into); err != nil {
		return damaged("line %d: %s", l.number, err)
	}
	return nil
}

// exists says whether there is a file of a SQLite database.
func exists(cfg Config) error {
	if cfg.URL != "" {
		return nil
	}
	if _, err := os.Stat(cfg.Path); err != nil {
		return paas.Wrap(paas.NotFound, err, "There is no database %s.", cfg.Path)
	}
	return nil
}
