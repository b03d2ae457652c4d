package vault

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// databaseLimit bounds one conversation with a database, from connect to commit.
	databaseLimit = 10 * time.Second

	expirationFormat = "2006-01-02 15:04:05-0700"
	// expirationSlack lets a credential outlive its lease a little, never the other way round.
	expirationSlack = 5 * time.Second

	renewByDefault  = `ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`
	rotateByDefault = `ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`
)

// fill puts values into a text's {{name}}s.
func fill(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, "{{"+name+"}}", value)
	}
	return text
}

// within runs work on a connection of its own. A second password is tried where the first is refused: a rotation that
// was cut off leaves it open which of them the database knows.
func (c *connection) within(work func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), databaseLimit)
	defer cancel()
	conn, err := c.dial(ctx, c.Password)
	if c.Next != "" && refusedPassword(err) {
		conn, err = c.dial(ctx, c.Next)
	}
	if err != nil {
		return c.redact(unreached{err})
	}
	defer conn.Close(ctx) //nolint:errcheck // what the work says counts
	return c.redact(work(ctx, conn))
}

// unreached is why work was not begun.
type unreached struct{ error }

func (u unreached) Unwrap() error { return u.error }

func (c *connection) dial(ctx context.Context, password string) (*pgx.Conn, error) {
	address := fill(c.URL, map[string]string{"username": escape(c.Username), "password": escape(password)})
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("connection_url is not an address of PostgreSQL") // pgx would cite it
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "vault"
	}
	return pgx.ConnectConfig(ctx, cfg)
}

// escape is a name or a password as it stands in an address. url.PathEscape leaves an @, where pgx ends the password.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func refusedPassword(err error) bool {
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && said.Code == "28P01"
}

// redact takes secrets out of what a database says; a syntax error cites the statement.
func (c *connection) redact(err error, more ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range append(more, c.Password, c.Next) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[password]")
		}
	}
	return redacted{err, text}
}

// redacted says less than the error it stands for, and is of its kind.
type redacted struct {
	error
	text string
}

func (r redacted) Error() string { return r.text }

func (r redacted) Unwrap() error { return r.error }

// transact runs statements in one transaction. A text may hold several: PostgreSQL itself knows where each ends.
func transact(ctx context.Context, conn *pgx.Conn, statements []string, values map[string]string) error {
	run := func(text string) error {
		_, err := conn.PgConn().Exec(ctx, text).ReadAll()
		return err
	}
	if err := run("BEGIN"); err != nil {
		return fmt.Errorf("unable to start transaction: %w", err)
	}
	for _, text := range statements {
		if err := run(fill(text, values)); err != nil {
			return fmt.Errorf("failed to execute query: %w", err) // closing the connection rolls back
		}
	}
	return run("COMMIT")
}

// setPassword gives the connection's own user another password.
func (c *connection) setPassword(password string) error {
	err := c.within(func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, orDefault(c.Rotation, rotateByDefault),
			map[string]string{"name": c.Username, "username": c.Username, "password": password})
	})
	return c.redact(err, password)
}

// createUser runs the statements that make a lease's user.
func (c *connection) createUser(statements []string, username, password string, expires time.Time) error {
	err := c.within(func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, statements, map[string]string{
			"name": username, "username": username, "password": password, "expiration": expiration(expires),
		})
	})
	return c.redact(err, password)
}

// extendUser lets a user log in for longer.
func (c *connection) extendUser(statements []string, username string, expires time.Time) error {
	return c.within(func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, orDefault(statements, renewByDefault),
			map[string]string{"name": username, "username": username, "expiration": expiration(expires)})
	})
}

// dropUser removes a user, and is done when there is none: a revocation that was cut off after its commit is repeated.
func (c *connection) dropUser(statements []string, username string) error {
	return c.within(func(ctx context.Context, conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", username).Scan(&there); err != nil || !there {
			return err
		}
		if len(statements) > 0 {
			return transact(ctx, conn, statements, map[string]string{"name": username, "username": username})
		}
		return dropByDefault(ctx, conn, username)
	})
}

// dropByDefault takes a user's privileges away and drops it. It needs no transaction: each privilege that is gone is a
// gain, also when the next one can't be taken.
func dropByDefault(ctx context.Context, conn *pgx.Conn, username string) error {
	rows, err := conn.Query(ctx, "SELECT DISTINCT table_schema::text FROM information_schema.role_column_grants WHERE grantee = $1", username)
	if err != nil {
		return err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if !slices.Contains(schemas, "public") {
		schemas = append(schemas, "public")
	}
	var database string
	if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return err
	}
	user := pgx.Identifier{username}.Sanitize()
	var texts []string
	for _, schema := range schemas {
		in := pgx.Identifier{schema}.Sanitize()
		texts = append(texts, "REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA "+in+" FROM "+user,
			"REVOKE ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA "+in+" FROM "+user, "REVOKE USAGE ON SCHEMA "+in+" FROM "+user)
	}
	texts = append(texts, "REVOKE CONNECT ON DATABASE "+pgx.Identifier{database}.Sanitize()+" FROM "+user)
	var failed error
	for _, text := range texts {
		if _, err := conn.Exec(ctx, text); err != nil {
			failed = fmt.Errorf("could not perform all revocation statements: %w", err)
		}
	}
	if failed != nil {
		return failed
	}
	_, err = conn.Exec(ctx, "DROP ROLE IF EXISTS "+user)
	return err
}

func expiration(t time.Time) string { return t.Add(expirationSlack).UTC().Format(expirationFormat) }

func orDefault(statements []string, text string) []string {
	if len(statements) == 0 {
		return []string{text}
	}
	return statements
}
