package store

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// empty deletes the rows of all tables that a dump holds. The audit's are guarded: its guards are taken off and put
// back within the transaction, so that they are never missing.
func empty(ctx context.Context, tx bun.Tx) error {
	on, err := unguard(ctx, tx)
	if err != nil {
		return err
	}
	for _, table := range slices.Backward(dumped) {
		if has, err := stands(ctx, tx, table); err != nil || !has {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return err
		}
	}
	for _, guard := range on {
		if _, err := tx.ExecContext(ctx, guard); err != nil {
			return err
		}
	}
	return nil
}

// stands says whether there is a table: a version before the newest has not all of them.
func stands(ctx context.Context, tx bun.Tx, table string) (has bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)"
	if onPostgres(tx) {
		query = "SELECT to_regclass(?) IS NOT NULL"
	}
	err = tx.NewRaw(query, table).Scan(ctx, &has)
	return has, err
}

// unguard takes the audit's guards off, and gives the statements that put them back.
func unguard(ctx context.Context, tx bun.Tx) (on []string, err error) {
	if has, err := stands(ctx, tx, "audit"); err != nil || !has {
		return nil, err
	}
	if onPostgres(tx) {
		_, err := tx.ExecContext(ctx, "ALTER TABLE audit DISABLE TRIGGER USER")
		return []string{"ALTER TABLE audit ENABLE TRIGGER USER"}, err
	}
	var guards []struct{ Name, SQL string }
	if err := tx.NewRaw("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").Scan(ctx, &guards); err != nil {
		return nil, err
	}
	for _, g := range guards {
		if _, err := tx.ExecContext(ctx, "DROP TRIGGER "+g.Name); err != nil {
			return nil, err
		}
		on = append(on, g.SQL)
	}
	return on, nil
}

// fill inserts the rows of a dump, and holds it to what its last line says.
func fill(ctx context.Context, tx bun.Tx, lines *dumpLines) error {
	known, err := catalog(ctx, tx)
	if err != nil {
		return err
	}
	in := &inserter{tx: tx, postgres: onPostgres(tx), rows: map[string]int64{}}
	for {
		line, err := lines.raw()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("[")) {
			if err := in.row(ctx, line, lines.number); err != nil {
				return err
			}
			continue
		}
		if err := in.flush(ctx); err != nil {
			return err
		}
		var mark struct {
			dumpTable
			End *dumpEnd `json:"end"`
		}
		if err := json.Unmarshal(line, &mark); err != nil {
			return damaged("line %d: %s", lines.number, err)
		}
		if mark.End != nil {
			return in.end(ctx, *mark.End)
		}
		if err := in.begin(mark.dumpTable, known[mark.Table]); err != nil {
			return err
		}
	}
}

// inserter inserts rows, many with each statement.
type inserter struct {
	tx       bun.Tx
	postgres bool
	table    dumpTable
	values   []any
	pending  int // rows
	size     int // bytes of them, about
	rows     map[string]int64
}

func (i *inserter) begin(t dumpTable, columns []dumpColumn) error {
	byName := func(a, b dumpColumn) int { return strings.Compare(a.Name, b.Name) }
	if !slices.Contains(dumped, t.Table) || !slices.Equal(slices.SortedFunc(slices.Values(t.Columns), byName), slices.SortedFunc(slices.Values(columns), byName)) {
		return damaged("table %q has not the columns that it has in this version of the database", t.Table)
	}
	i.table, i.rows[t.Table] = t, 0
	return nil
}

func (i *inserter) row(ctx context.Context, line []byte, number int) error {
	var cells []json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil {
		return damaged("line %d: %s", number, err)
	}
	if len(cells) != len(i.table.Columns) {
		return damaged("line %d has %d values for the %d columns of table %q", number, len(cells), len(i.table.Columns), i.table.Table)
	}
	for n, cell := range cells {
		v, err := i.table.Columns[n].Kind.value(cell)
		if err != nil {
			return damaged("line %d, column %s: %s", number, i.table.Columns[n].Name, err)
		}
		if text, ok := v.(string); ok && i.postgres {
			v = strings.ReplaceAll(text, "\x00", "") // which SQLite keeps in a program's words, and PostgreSQL refuses
		}
		i.values = append(i.values, v)
	}
	i.rows[i.table.Table]++
	i.pending++
	if i.size += len(line); i.pending < batchRows && i.size < batchBytes {
		return nil
	}
	return i.flush(ctx)
}

func (i *inserter) flush(ctx context.Context) error {
	if i.pending == 0 {
		return nil
	}
	tuple := "(?" + strings.Repeat(", ?", len(i.table.Columns)-1) + ")"
	query := "INSERT INTO " + i.table.Table + " (" + namesOf(i.table.Columns) + ") VALUES " + tuple + strings.Repeat(", "+tuple, i.pending-1)
	_, err := i.tx.NewRaw(query, i.values...).Exec(ctx)
	i.values, i.pending, i.size = i.values[:0], 0, 0
	return err
}

// end sees that nothing is missing, and that no id is given again.
func (i *inserter) end(ctx context.Context, want dumpEnd) error {
	if !maps.Equal(i.rows, want.Rows) {
		return damaged("it has other numbers of rows than its last line says")
	}
	for _, table := range sequences {
		last, known := want.Sequences[table]
		if !known {
			continue
		}
		if table == "events" {
			last += EventGap
		}
		if last == 0 {
			continue
		}
		if i.postgres {
			if _, err := i.tx.NewRaw("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", table, last).Exec(ctx); err != nil {
				return err
			}
			continue
		}
		if _, err := i.tx.NewRaw("DELETE FROM sqlite_sequence WHERE name = ?", table).Exec(ctx); err != nil {
			return err
		}
		if _, err := i.tx.NewRaw("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, last).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
