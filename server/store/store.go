package store

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Config says where the store is and whom it tells of commits.
type Config struct {
	// Path of the SQLite file; its folder is made when missing. Required.
	Path string
	// Notify is called after each commit, once for each app the commit wrote about. It must return at
	// once: it runs in the writer's goroutine. May be nil.
	Notify func(paas.AppRef)
}

// Store is an open database.
type Store struct {
	write  *bun.DB // one connection: writers queue here instead of fighting for SQLite's one write lock
	read   *bun.DB
	notify func(paas.AppRef)
	close  func() error
}

// readers is how many reads may go on side by side.
const readers = 8

// Open opens the database at cfg.Path and brings its tables up to date. A database that a newer
// Crumpet has written is refused with code conflict.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The folder of the database %s can't be made.", cfg.Path)
	}
	write, err := connect(cfg.Path, 1)
	if err != nil {
		return nil, failed("open database", err)
	}
	if err := migrate(ctx, write.DB); err != nil {
		_ = write.Close() // the migration's error is the one to report
		return nil, err
	}
	read, err := connect(cfg.Path, readers)
	if err != nil {
		_ = write.Close() // as above
		return nil, failed("open database", err)
	}
	s := &Store{write: write, read: read, notify: cfg.Notify}
	if s.notify == nil {
		s.notify = func(paas.AppRef) {}
	}
	s.close = sync.OnceValue(func() error {
		readErr := read.Close()
		if err := write.Close(); err != nil { // last: the closer of the last connection folds the WAL
			return failed("close database", err)
		}
		if readErr != nil {
			return failed("close database", readErr)
		}
		return nil
	})
	return s, nil
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

// Close closes the database; a second call does nothing.
func (s *Store) Close() error { return s.close() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.NewSelect().ColumnExpr("1").Scan(ctx, &one); err != nil {
		return failed("ping database", err)
	}
	return nil
}

// update runs fn in a write transaction and, after its commit, tells of the apps fn returned.
func (s *Store) update(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) ([]paas.AppRef, error)) error {
	var touched []paas.AppRef
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var err error
		touched, err = fn(ctx, tx)
		return err
	})
	if err != nil {
		return failed(what, err)
	}
	seen := make([]paas.AppRef, 0, len(touched))
	for _, ref := range touched {
		if !slices.Contains(seen, ref) {
			seen = append(seen, ref)
			s.notify(ref)
		}
	}
	return nil
}

// view runs fn in a read transaction: everything it reads is of one moment.
func (s *Store) view(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) error) error {
	if err := s.read.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, fn); err != nil {
		return failed(what, err)
	}
	return nil
}
