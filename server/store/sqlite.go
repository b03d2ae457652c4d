package store

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// oneFile is SQLite, one file of one server: nobody else has to be told, and a writer that waits in SQLite's own
// queue has nothing to try again.
var oneFile = engine{
	name:     "SQLite",
	reads:    &sql.TxOptions{ReadOnly: true},
	again:    func(error) bool { return false },
	announce: func(context.Context, bun.Tx, []paas.AppRef, bool) error { return nil },
	listen:   func(ctx context.Context, _ *Store) { <-ctx.Done() },
}

func openSQLite(ctx context.Context, cfg Config) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The folder of the database %s can't be made.", cfg.Path)
	}
	write, err := connect(cfg.Path, 1)
	if err != nil {
		return nil, failed("open database", err)
	}
	if err := cfg.ready(ctx, write.DB, sqliteMigrations); err != nil {
		_ = write.Close() // the migration's error is the one to report
		return nil, err
	}
	read, err := connect(cfg.Path, readers)
	if err != nil {
		_ = write.Close() // as above
		return nil, failed("open database", err)
	}
	return &Store{write: write, read: read, engine: oneFile}, nil
}

// connect opens a pool. The pragmas are in the address, so every connection has them:
//   - WAL, so that readers and the writer don't wait for each other;
//   - synchronous=FULL, not NORMAL: with NORMAL a power cut may take back the last commits, and then
//     an event id that a reader has already seen would be given a second time;
//   - immediate transactions, so that one that reads and then writes can't lose its snapshot between.
//
// A read-only transaction is a plain deferred one.
func connect(path string, connections int) (*bun.DB, error) {
	address := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_txlock=immediate" +
		"&_pragma=busy_timeout(10000)" +
		"&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)"
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, sqlitedialect.New()), nil
}
