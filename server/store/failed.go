package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// failed turns an error of the database into one for the edge. Our own pass unchanged; so does the
// end of a context, which is the caller's doing.
func failed(what string, err error) error {
	var own *paas.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, sql.ErrConnDone), busy(err), lostRace(err), lostConnection(err), stateOf(err) == "55P03", stateOf(err) == "57014": // the last two: a lock, or the answer, took too long
		return paas.Wrap(paas.Unavailable, fmt.Errorf("%s: %w", what, err), "Crumpet's database does not answer now. Try again.")
	}
	return paas.Wrap(paas.Internal, fmt.Errorf("%s: %w", what, err), "Crumpet's database failed. The server's log says why.")
}

func busy(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff // the upper bits say which kind of busy
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}

// missing gives the not_found error with that sentence for a query without a row.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return paas.Errorf(paas.NotFound, format, args...)
	}
	return err
}
