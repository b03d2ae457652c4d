package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	dialTimeout = 10 * time.Second
	// runTimeout bounds all statements of a call: making a database copies a template of some MiB.
	runTimeout = time.Minute
)

// Client runs statements.
type Client struct{}

// Run logs in and runs statements until one fails. Each takes effect at once. Codes: unavailable (it can't
// be reached, or is busy), invalid (it refuses), conflict (others are connected or own something).
func (c Client) Run(ctx context.Context, login paas.DatabaseLogin, statements []string) error {
	return c.with(ctx, login, func(ctx context.Context, conn *pgx.Conn) error {
		for _, text := range statements {
			if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Has logs in and says whether a query gives a row. Codes as Run.
func (c Client) Has(ctx context.Context, login paas.DatabaseLogin, query string) (has bool, err error) {
	err = c.with(ctx, login, func(ctx context.Context, conn *pgx.Conn) error {
		results, err := conn.PgConn().Exec(ctx, query).ReadAll()
		for _, r := range results {
			has = has || len(r.Rows) > 0
		}
		return err
	})
	return has, err
}

func (c Client) with(ctx context.Context, login paas.DatabaseLogin, work func(context.Context, *pgx.Conn) error) error {
	u, err := url.Parse(login.URL)
	if err != nil || u.Host == "" {
		return paas.Errorf(paas.Invalid, "The address of a database must be postgresql://HOST:PORT/DATABASE.")
	}
	host := u.Host
	u.User = url.UserPassword(login.Username, login.Password.Reveal())
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil { // it cites the address
		return paas.Errorf(paas.Invalid, "The address postgresql://%s%s has settings that are none of PostgreSQL's: look at what follows the question mark.", host, u.Path)
	}
	cfg.ConnectTimeout = dialTimeout
	cfg.RuntimeParams["application_name"] = "crumpet"
	inner, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(inner, cfg)
	if err != nil {
		return explain(ctx, "log in to", host, err)
	}
	defer conn.Close(inner) //nolint:errcheck // what the work says counts
	if err := work(inner, conn); err != nil {
		return explain(ctx, "change", host, err)
	}
	return nil
}

// explain makes a sentence of what a server, or the way to it, said.
func explain(ctx context.Context, does, host string, err error) error {
	if ctx.Err() != nil { // the caller gave up; that is no fault of the server's
		return fmt.Errorf("%s database server %s: %w", does, host, ctx.Err())
	}
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return paas.Wrap(paas.Unavailable, errors.New(clean(err.Error())), "The database server %s does not answer. Check that it runs, and that its address is right.", host)
	}
	cause := fmt.Errorf("%s database server %s: %s (%s)", does, host, clean(said.Message+" "+said.Detail), said.Code)
	switch said.Code[:2] {
	case "28": // invalid authorization
		return paas.Wrap(paas.Unavailable, cause, "The database server %s does not let in the user that Vault made. Look at its pg_hba.conf.", host)
	case "53", "57", "58", "08": // resources, shutting down, system, connection
		return paas.Wrap(paas.Unavailable, cause, "The database server %s can't do it now: %s.", host, clean(said.Message))
	}
	switch said.Code {
	case "42501": // insufficient_privilege
		return paas.Wrap(paas.Invalid, cause, "The database server %s refuses it: %s. The account it is registered with must have CREATEROLE and CREATEDB.", host, clean(said.Message))
	case "55006", "40P01", "55P03", "40001", "XX000": // in use, deadlock, lock, serialization, concurrently updated
		return paas.Wrap(paas.Unavailable, cause, "The database server %s can't do it now: %s.", host, clean(said.Message))
	case "2BP01": // dependent_objects_still_exist
		return paas.Wrap(paas.Conflict, cause, "The database server %s can't drop what others depend on: %s %s. Take that away there by hand.", host, clean(said.Message), clean(said.Detail))
	}
	return paas.Wrap(paas.Internal, cause, "The database server %s refuses it: %s.", host, clean(said.Message))
}

// clean bounds a server's words, and takes out what looks like a password's verifier.
func clean(text string) string {
	text = strings.TrimRight(strings.Join(strings.Fields(text), " "), ". ")
	if i := strings.Index(text, "SCRAM-SHA-256"); i >= 0 {
		text = text[:i] + paas.Hidden
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}
