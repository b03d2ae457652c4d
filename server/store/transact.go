package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

const (
	tries     = 6                     // of a transaction that lost against another, or lost its connection
	firstWait = 10 * time.Millisecond // between them; doubled each time, with jitter
)

// unsure is a commit that nobody confirmed: it may have happened, so it must not be repeated.
type unsure struct{ error }

func (u unsure) Unwrap() error { return u.error }

// transact runs fn in a transaction, from the start again while the engine says that this may help. What
// failed before its commit left nothing behind, so it may be done again; a commit whose answer was lost
// may not.
func (s *Store) transact(ctx context.Context, db *bun.DB, options *sql.TxOptions, fn func(ctx context.Context, tx bun.Tx) error) error {
	return s.transactWithin(ctx, callLimit, db, options, fn)
}

func (s *Store) transactWithin(ctx context.Context, limit time.Duration, db *bun.DB, options *sql.TxOptions, fn func(ctx context.Context, tx bun.Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for n := 1; ; n++ {
		err := once(limited, db, options, fn)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil && limited.Err() != nil { // our limit, not the caller's
			return paas.Wrap(paas.Unavailable, err, "Crumpet's database did not answer within %s. Try again.", limit)
		}
		var lost unsure
		if n == tries || errors.As(err, &lost) || !s.engine.again(err) {
			return err
		}
		if err := pause(limited, firstWait<<n); err != nil {
			return err
		}
	}
}

func once(ctx context.Context, db *bun.DB, options *sql.TxOptions, fn func(ctx context.Context, tx bun.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	open := true
	defer func() {
		if open {
			_ = tx.Rollback() // the first error is the one to report
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	open = false
	if err := tx.Commit(); err != nil {
		if refused(err) {
			return err
		}
		return unsure{err}
	}
	return nil
}

// pause waits about d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
