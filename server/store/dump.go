package store

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// A dump is the rows of all tables as lines of JSON, the same for both databases:
//
//	{"crumpet_store":1,"version":20,"engine":"SQLite","at":"..."}
//	{"table":"apps","columns":[{"name":"team","kind":"text"},...]}
//	["default","shop",...]                                            a row; more rows, more tables
//	{"end":{"rows":{"apps":1,...},"sequences":{"events":812,...}}}    without this line it is not whole

// dumpFormat is the number of this form; a change that an older Crumpet would misread raises it.
const dumpFormat = 1

// dumped are the tables that a dump holds, each after those that its rows refer to.
var dumped = []string{
	"counters", "teams", "users", "members", "sessions", "logins", "tokens",
	"apps", "releases", "slots", "sides", "deployments", "claims", "demands", "sources", "launches", "builds",
	"configs", "volumes", "hosts", "host_shares", "changes",
	"service_providers", "service_instances", "bindings", "service_operations",
	"instances", "jobs", "runs", "routes", "routers", "traffic", "nodes", "backends", "drains",
	"events", "audit",
}

// undumped are the tables that a dump leaves out, and why.
var undumped = map[string]string{
	"blobs":            "artifacts are copied by their digests, from wherever they are kept",
	"blob_pieces":      "as above",
	"servers":          "they are processes, each of which writes its row itself",
	"goose_db_version": "the version stands in the first line",
}

// sequences are the tables whose ids are never given twice, even when the row with the highest is gone.
var sequences = []string{"events", "audit"}

type (
	dumpHead struct {
		Format  int       `json:"crumpet_store"`
		Version int64     `json:"version"`
		Engine  string    `json:"engine"`
		At      time.Time `json:"at"`
	}
	dumpTable struct {
		Table   string       `json:"table"`
		Columns []dumpColumn `json:"columns"`
	}
	dumpColumn struct {
		Name string `json:"name"`
		Kind kind   `json:"kind"`
	}
	dumpEnd struct {
		Rows      map[string]int64 `json:"rows"`
		Sequences map[string]int64 `json:"sequences"`
	}
)

// OpenAsIs opens a database that is there for a Dump, and changes nothing in it. Codes as Open's; conflict also for
// one that is older than this Crumpet, not_found for a file that is not there.
func OpenAsIs(ctx context.Context, cfg Config) (*Store, error) {
	if err := exists(cfg); err != nil {
		return nil, err
	}
	cfg.ready = asItIs
	return Open(ctx, cfg)
}

// Dump writes all rows, of one moment, while servers go on writing. It does not end by itself while w takes bytes: ctx
// bounds it. An error of w comes back wrapped. Code conflict: the database has a table that this Crumpet does not know.
func (s *Store) Dump(ctx context.Context, w io.Writer) (paas.Dump, error) {
	out := &sink{w: w}
	// Before the transaction sees anything: whatever was committed until then is in it.
	d := paas.Dump{Engine: s.engine.name, At: stamp(time.Now())}
	err := once(ctx, s.read, s.engine.reads, func(ctx context.Context, tx bun.Tx) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		return s.dump(ctx, tx, bufio.NewWriterSize(out, 64<<10), &d)
	})
	switch {
	case out.err != nil:
		return paas.Dump{}, fmt.Errorf("write dump: %w", out.err)
	case err != nil:
		return paas.Dump{}, failed("dump database", err)
	}
	return d, nil
}

// patient takes the limits from a transaction that lasts as long as its rows are many.
func patient(ctx context.Context, tx bun.Tx) error {
	if !onPostgres(tx) {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
	return err
}

func (s *Store) dump(ctx context.Context, tx bun.Tx, w *bufio.Writer, d *paas.Dump) error {
	known, err := catalog(ctx, tx)
	if err != nil {
		return err
	}
	if err := complete(known); err != nil {
		return err
	}
	d.Rows = map[string]int64{}
	if err := tx.NewRaw("SELECT MAX(version_id) FROM goose_db_version WHERE is_applied").Scan(ctx, &d.Version); err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	if err := lines.Encode(dumpHead{Format: dumpFormat, Version: d.Version, Engine: d.Engine, At: d.At}); err != nil {
		return err
	}
	for _, table := range dumped {
		if err := lines.Encode(dumpTable{Table: table, Columns: known[table]}); err != nil {
			return err
		}
		if d.Rows[table], err = writeRows(ctx, tx, lines, table, known[table]); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	end := dumpEnd{Rows: d.Rows, Sequences: map[string]int64{}}
	for _, table := range sequences {
		if end.Sequences[table], err = highest(ctx, tx, table); err != nil {
			return err
		}
	}
	d.LastEvent, d.LastAudit = end.Sequences["events"], end.Sequences["audit"]
	if d.Artifacts, err = artifactsOf(ctx, tx); err != nil {
		return err
	}
	if err := lines.Encode(map[string]dumpEnd{"end": end}); err != nil {
		return err
	}
	return w.Flush()
}

// complete says whether every table is one that dumps know of, or know to leave out.
func complete(known map[string][]dumpColumn) error {
	for _, table := range slices.Sorted(maps.Keys(known)) {
		if _, left := undumped[table]; !left && !slices.Contains(dumped, table) {
			return paas.Errorf(paas.Conflict, "Crumpet's database has a table %q that this Crumpet does not know, so a copy would not be whole. Use the Crumpet that made it.", table)
		}
	}
	for _, table := range dumped {
		if len(known[table]) == 0 {
			return paas.Errorf(paas.Conflict, "Crumpet's database lacks the table %q. Use the Crumpet that made it.", table)
		}
	}
	return nil
}

func writeRows(ctx context.Context, tx bun.Tx, lines *json.Encoder, table string, columns []dumpColumn) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+namesOf(columns)+" FROM "+table+" ORDER BY 1, 2")
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // Err says what went wrong
	cells := make([]any, len(columns))
	for i, c := range columns {
		cells[i] = c.Kind.cell()
	}
	row := make([]any, len(columns))
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return n, err
		}
		for i, cell := range cells {
			row[i] = plain(cell)
		}
		if err := lines.Encode(row); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

func namesOf(columns []dumpColumn) string {
	return strings.Join(convert(columns, func(c dumpColumn) string { return c.Name }), ", ")
}

// highest gives the highest id that a table has ever given.
func highest(ctx context.Context, tx bun.Tx, table string) (n int64, err error) {
	query := "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = ?), 0)"
	if onPostgres(tx) {
		query = "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence(?, 'id')::regclass), 0)"
	}
	err = tx.NewRaw(query, table).Scan(ctx, &n)
	return n, err
}

// artifactsOf gives the digests that releases name.
func artifactsOf(ctx context.Context, tx bun.Tx) ([]string, error) {
	var digests []string
	err := tx.NewRaw("SELECT artifact FROM releases UNION SELECT runtime FROM releases ORDER BY 1").Scan(ctx, &digests)
	return slices.DeleteFunc(digests, func(d string) bool { return d == "" }), err
}

// sink notes the error of a writer, so that it is told from one of the database.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// catalog gives the columns of every table, in their order.
func catalog(ctx context.Context, db bun.IDB) (map[string][]dumpColumn, error) {
	query := `SELECT m.name, c.name, c.type FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY m.name, c.cid`
	if onPostgres(db) {
		query = `SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c
			JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position`
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says what went wrong
	tables := map[string][]dumpColumn{}
	for rows.Next() {
		var table, column, declared string
		if err := rows.Scan(&table, &column, &declared); err != nil {
			return nil, err
		}
		k := kindOf(declared)
		if _, left := undumped[table]; k == "" && !left {
			return nil, paas.Errorf(paas.Internal, "Column %s of table %s has the type %s, which no dump knows.", column, table, declared)
		}
		tables[table] = append(tables[table], dumpColumn{column, k})
	}
	return tables, rows.Err()
}
