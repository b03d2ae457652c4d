package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/devstack"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const (
	// devProvider is what dev registers its PostgreSQL as.
	devProvider = "dev"
	// registerLimit is for a server that serves, and does not lead yet.
	registerLimit = 30 * time.Second
)

// devDatabases registers the PostgreSQL of a dev as an operator would, or tells the server why there is none.
// A dev goes on without: what could not be done is said.
func (s *session) devDatabases(ctx context.Context, stack devstack.Stack, token string) error {
	pg := stack.Postgres
	if pg.URL() == "" && pg.Missing == "" { // it was not asked for
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, registerLimit)
	defer cancel()
	api, err := client.New(client.Config{Addr: stack.Addr, Token: token})
	if err != nil {
		return err
	}
	if err := registerDatabases(limited, api, pg); err != nil && ctx.Err() == nil {
		s.say("The offering postgres is not there: %s", paas.MessageOf(err))
	}
	return nil
}

// registerDatabases does it where it was not done for this very data folder before. The password is one that
// nobody but Vault knows a moment later.
func registerDatabases(ctx context.Context, api *client.Client, pg devstack.StackPostgres) error {
	list, err := api.Providers(ctx)
	if err != nil {
		return err
	}
	var before wire.Provider
	for _, p := range list.Items {
		if p.Name == devProvider {
			before = p
		}
	}
	r := wire.AddProvider{Name: devProvider, Kind: paas.KindPostgres, URL: pg.URL(), Absent: pg.Missing}
	if pg.Missing != "" {
		if before.Absent == pg.Missing {
			return nil
		}
		r.URL, r.Username = before.URL, before.Username // its databases are there again when it is
	} else {
		has, err := pg.HasAccount(ctx)
		if err != nil {
			return err
		}
		if has && before.URL == r.URL && before.Absent == "" {
			return nil
		}
		if r.Username, r.Password, err = pg.Account(ctx); err != nil {
			return err
		}
	}
	for {
		_, err := api.AddProvider(ctx, r)
		if code := paas.CodeOf(err); code != paas.Unavailable && code != paas.Conflict {
			return err
		}
		pause := time.NewTimer(250 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// devPostgres is what --postgres says.
func devPostgres(flag string) (devstack.Postgres, error) {
	switch flag {
	case "auto":
		return devstack.FindPostgres(), nil
	case "off":
		return devstack.Postgres{}, nil
	}
	return devstack.Postgres{}, usagef("--postgres %q: use auto or off", flag)
}

// devVersion is what the line of a child that is ready says of it.
func devVersion(programs devstack.Programs, postgres devstack.Postgres, name string) string {
	if name == "postgres" {
		return fmt.Sprintf("postgresql %s", postgres.Version)
	}
	return versionOf(programs, name)
}
