package store

import (
	"context"
	"database/sql"
	"net"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// Config says where the store is and whom it tells of commits.
type Config struct {
	// Path of the SQLite file; its folder is made when missing. Required without URL.
	Path string
	// URL of a PostgreSQL database, which several servers may use at once. It may hold a password, so it
	// appears in no error.
	URL string
	// Dial makes the connections to URL, whose host it is given by its name; nil for direct ones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Notify is called after each commit, once for each app the commit wrote about, and for the commits of
	// other servers while Run runs. It must return at once: it runs in the writer's goroutine. May be nil.
	Notify func(paas.AppRef)
	// NotifyBuilds is called like Notify, when builds were written. May be nil.
	NotifyBuilds func()

	// ready brings a database to the state that the Store begins with; migrate unless another is set.
	ready func(ctx context.Context, db *sql.DB, d dialect) error
}

// Store is an open database.
type Store struct {
	write  *bun.DB // with SQLite one connection: writers queue here instead of fighting for its one write lock
	read   *bun.DB
	engine engine
	notify func(paas.AppRef)
	builds func()
	close  func() error
}

// engine is what differs between the databases.
type engine struct {
	name   string // for a person: SQLite, PostgreSQL
	reads  *sql.TxOptions
	writes *sql.TxOptions
	// again says that a transaction that failed with err, and is certainly not committed, may go through if
	// it is tried once more.
	again func(err error) bool
	// announce tells other servers, once tx is committed, of the apps it wrote about.
	announce func(ctx context.Context, tx bun.Tx, touched []paas.AppRef, builds bool) error
	// listen calls others' announcements out until ctx ends.
	listen func(ctx context.Context, s *Store)
}

// readers is how many reads may go on side by side.
const readers = 8

// callLimit bounds one transaction.
const callLimit = 30 * time.Second

// Open opens the database and brings its tables up to date. A database that a newer Crumpet has written
// is refused with code conflict; one that is not there is unavailable, and one that refuses us forbidden.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	open := openSQLite
	if cfg.URL != "" {
		open = openPostgres
	}
	if cfg.ready == nil {
		cfg.ready = migrate
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if s.notify = cfg.Notify; s.notify == nil {
		s.notify = func(paas.AppRef) {}
	}
	if s.builds = cfg.NotifyBuilds; s.builds == nil {
		s.builds = func() {}
	}
	s.close = sync.OnceValue(func() error {
		readErr := s.read.Close()
		if err := s.write.Close(); err != nil { // last: the closer of SQLite's last connection folds the WAL
			return failed("close database", err)
		}
		if readErr != nil {
			return failed("close database", readErr)
		}
		return nil
	})
	return s, nil
}

// Engine names the database for a person.
func (s *Store) Engine() string { return s.engine.name }

// Run tells of the commits of other servers until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	s.engine.listen(ctx, s)
	return nil
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

// update runs fn in a write transaction and, after its commit, tells of the apps fn returned. fn may run
// more than once; only one run of it is committed.
func (s *Store) update(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) ([]touch, error)) error {
	return s.change(ctx, what, false, fn)
}

// change is update; builds says that it writes builds.
func (s *Store) change(ctx context.Context, what string, builds bool, fn func(ctx context.Context, tx bun.Tx) ([]touch, error)) error {
	var touched []paas.AppRef
	err := s.transact(ctx, s.write, s.engine.writes, func(ctx context.Context, tx bun.Tx) error {
		written, err := fn(ctx, tx)
		if err != nil {
			return err
		}
		if err := mark(ctx, tx, written); err != nil {
			return err
		}
		touched = refsOf(written)
		if len(touched) == 0 && !builds {
			return nil
		}
		return s.engine.announce(ctx, tx, touched, builds)
	})
	if err != nil {
		return failed(what, err)
	}
	for _, ref := range touched {
		s.notify(ref)
	}
	if builds {
		s.builds()
	}
	return nil
}

// view runs fn in a read transaction: everything it reads is of one moment. fn may run more than once.
func (s *Store) view(ctx context.Context, what string, fn func(ctx context.Context, tx bun.Tx) error) error {
	if err := s.transact(ctx, s.read, s.engine.reads, fn); err != nil {
		return failed(what, err)
	}
	return nil
}
