package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"maps"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// writers is how many writes of one server may go on side by side.
const writers = 8

// lockClass is the first half of the keys of our advisory locks; the second tells what is locked. The
// schema is part of it, so that two Crumpets in one database only wait for each other.
const (
	lockClass  = 0x63727570
	lockEvents = "hashtext(current_schema() || '.events')"
	lockSchema = "hashtext(current_schema() || '.migrations')"
)

// session are settings of each connection. The database gives up on a server that holds a lock and says
// nothing: one that is stopped in the middle of a transaction must not keep another from leading.
var session = map[string]string{
	"application_name":                    "crumpet",
	"client_encoding":                     "UTF8",
	"standard_conforming_strings":         "on",
	"timezone":                            "UTC",
	"idle_in_transaction_session_timeout": "5s",
	"lock_timeout":                        "10s",
	"statement_timeout":                   "30s",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "3",
	"tcp_keepalives_count":                "3",
	"tcp_user_timeout":                    "15s",
}

// dialLimit bounds the making of one connection, and how long one may stay without any answer to a packet.
const (
	dialLimit  = 5 * time.Second
	quietLimit = 15 * time.Second
)

func openPostgres(ctx context.Context, cfg Config) (*Store, error) {
	parsed, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		// The parser's error repeats the URL, and with it the password.
		return nil, paas.Errorf(paas.Invalid, "store.url is not the address of a PostgreSQL database, such as postgres://USER:PASSWORD@HOST/DATABASE.")
	}
	maps.Copy(parsed.RuntimeParams, session)
	parsed.ConnectTimeout = dialLimit
	parsed.DialFunc = dial
	if cfg.Dial != nil {
		parsed.DialFunc = cfg.Dial
		parsed.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	}
	parsed.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // bun writes the arguments into the text
	write, read := pool(*parsed, writers), pool(*parsed, readers)
	if err := alone(ctx, write.DB, cfg.ready); err != nil {
		_ = errors.Join(read.Close(), write.Close()) // the migration's error is the one to report
		return nil, unopened(parsed, err)
	}
	speak := &speaker{id: rand.Text(), config: parsed}
	return &Store{write: write, read: read, engine: engine{
		name: "PostgreSQL",
		// Everything of one snapshot is of one moment, and each write sees what the one before it committed.
		reads:    &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		writes:   &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		again:    func(err error) bool { return lostRace(err) || lostConnection(err) },
		announce: speak.announce,
		listen:   speak.listen,
	}}, nil
}

func pool(cfg pgx.ConnConfig, connections int) *bun.DB {
	db := stdlib.OpenDB(cfg, stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
		return p.IdleDuration > 10*time.Millisecond // the database may have been restarted meanwhile
	}))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(db, pgdialect.New())
}

// dial makes a connection that notices within quietLimit that the other side is gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 3 * time.Second, Count: 3},
		Control: func(network, _ string, c syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			var set error
			err := c.Control(func(fd uintptr) {
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(quietLimit.Milliseconds()))
			})
			return errors.Join(err, set)
		},
	}
	return d.DialContext(ctx, network, address)
}

// alone makes a database ready while no other server does.
func alone(ctx context.Context, db *sql.DB, ready func(ctx context.Context, db *sql.DB, d dialect) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool, or is broken
	const patient = "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
	if _, err := conn.ExecContext(ctx, patient); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1, "+lockSchema+")", lockClass); err != nil {
		return err
	}
	err = ready(ctx, db, postgresMigrations)
	// The end of the session frees the lock, takes the settings back, and works with any error too.
	dropped := conn.Raw(func(any) error { return driver.ErrBadConn })
	if err == nil && !errors.Is(dropped, driver.ErrBadConn) {
		err = dropped
	}
	return err
}

// unopened says why a database can't be opened, without its password.
func unopened(cfg *pgx.ConnConfig, err error) error {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code {
		case "28P01", "28000":
			return paas.Wrap(paas.Forbidden, answer, "PostgreSQL at %s refuses user %q. Check the user and the password in store.url.", cfg.Host, cfg.User)
		case "3D000":
			return paas.Wrap(paas.NotFound, answer, "PostgreSQL at %s has no database %q. Make it with `createdb -O %s %s`.", cfg.Host, cfg.Database, cfg.User, cfg.Database)
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return paas.Wrap(paas.Unavailable, err, "PostgreSQL at %s:%d does not answer. Check that it runs and that store.url is right.", cfg.Host, cfg.Port)
	}
	return failed("open database", err)
}

// onPostgres says that the transaction is one of PostgreSQL.
func onPostgres(db bun.IDB) bool { return db.Dialect().Name() == bundialect.PG }

// lostRace says that the database took back a transaction in favour of another.
func lostRace(err error) bool {
	switch stateOf(err) {
	case "40001", "40P01": // serialization failure, deadlock
		return true
	}
	return false
}

// lostConnection says that the database was not reached, or has ended the connection.
func lostConnection(err error) bool {
	switch state := stateOf(err); {
	case state == "57014": // a statement was canceled: by a timeout, or an operator
		return false
	case state != "":
		return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P") || state == "25P03" || state == "53300"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// refused says that the database answered a commit with an error, so that nothing is committed.
func refused(err error) bool { return stateOf(err) != "" || errors.Is(err, pgx.ErrTxCommitRollback) }

// stateOf gives the SQLSTATE of the database's answer, "" if it is none.
func stateOf(err error) string {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Code
	}
	return ""
}
