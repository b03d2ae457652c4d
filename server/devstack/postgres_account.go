package devstack

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "postgres"
	account   = "crumpet"
)

// StackPostgres is the PostgreSQL of a stack.
type StackPostgres struct {
	Missing string // why there is none, a sentence; "" where there is, or none was asked for
	Version string // "" where there is none
	addr    string
	keys    *postgresKeys
}

// URL is where it is, without user and password; "" where there is none.
func (p StackPostgres) URL() string {
	if p.addr == "" {
		return ""
	}
	return "postgres://" + p.addr + "/postgres"
}

// HasAccount says whether there is an account for the server: there is none in a new data folder.
func (p StackPostgres) HasAccount(ctx context.Context) (has bool, err error) {
	err = p.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", account).Scan(&has)
	})
	return has, err
}

// Account makes the account that an operator would make for the server, or gives it another password. It is
// no superuser.
func (p StackPostgres) Account(ctx context.Context) (username, password string, err error) {
	has, err := p.HasAccount(ctx)
	if err != nil {
		return "", "", err
	}
	statement := "CREATE"
	if has {
		statement = "ALTER"
	}
	password = rand.Text()
	err = p.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf("%s ROLE %s LOGIN CREATEROLE CREATEDB PASSWORD '%s'", statement, account, password))
		return err
	})
	return account, password, err
}

// ready says whether it lets in its superuser.
func (p *StackPostgres) ready(ctx context.Context) error {
	return p.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) })
}

func (p StackPostgres) ask(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, p.keys.Superuser), Host: p.addr, Path: "/postgres", RawQuery: "sslmode=disable"}
	conn, err := pgx.Connect(ctx, address.String())
	if err != nil {
		return fmt.Errorf("log in to postgres: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // what the work says counts
	return work(ctx, conn)
}
