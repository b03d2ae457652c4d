package cli

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// controlPlane is what a backup copies, reached directly: it must be there to be restored when no Crumpet server is.
type controlPlane struct {
	data   string // folder of the server; "" where the database has the artifacts
	store  store.Config
	nomad  *nomad.Client
	consul *consul.Client
	vault  *vault.Client
}

// openControlPlane reaches one as its server does.
func openControlPlane(file string) (p controlPlane, err error) {
	// The token of the environment is the operator's, who may do more than the server in whose file another stands.
	getenv := func(name string) string {
		if name == "VAULT_TOKEN" {
			return ""
		}
		return os.Getenv(name)
	}
	c, err := config.Load(file, getenv, config.Config{})
	if err != nil {
		return p, err
	}
	p.store.Path = c.Store.Path
	if p.store.URL, err = c.StoreURL(); err != nil {
		return p, err
	}
	if !c.Shared() {
		p.data = c.Data
	}
	if p.nomad, err = nomad.New(nomad.Config{
		Address: c.Nomad.Address, Region: c.Nomad.Region, Token: c.Nomad.Token,
		CAFile: c.Nomad.CAFile, CertFile: c.Nomad.CertFile, KeyFile: c.Nomad.KeyFile,
	}); err != nil {
		return p, err
	}
	if p.consul, err = consul.New(consul.Config{Address: c.Consul.Address, Token: c.Consul.Token, Datacenter: c.Consul.Datacenter, Prefix: c.Consul.Rules}); err != nil {
		return p, err
	}
	with := vault.Config{Addr: c.Vault.Address, Token: c.Vault.Token, TokenFile: c.Vault.TokenFile, Mount: c.Vault.Mount}
	if token := os.Getenv("VAULT_TOKEN"); token != "" {
		with.Token, with.TokenFile = token, ""
	}
	p.vault, err = vault.New(with)
	return p, err
}

func (p controlPlane) blobs() string { return filepath.Join(p.data, "blobs") }

func (p controlPlane) programs() map[string]backup.Program {
	return map[string]backup.Program{backup.Nomad: nomadState{p.nomad}, backup.Consul: consulState{p.consul}, backup.Vault: vaultState{p.vault}}
}

func (p controlPlane) targets(wait time.Duration) map[string]backup.ProgramTarget {
	return map[string]backup.ProgramTarget{
		backup.Nomad: nomadState{p.nomad}, backup.Consul: consulState{p.consul}, backup.Vault: vaultState{p.vault}.within(wait),
	}
}

// fleetStore is the database of a cluster that up has made. Its servers keep artifacts there too. Connections begin on
// a client, where the servers run.
func fleetStore(ctx context.Context, w *bootstrap.World) (controlPlane, error) {
	address, err := w.Database(ctx)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := w.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &endsInTime{Conn: conn}, nil
	}
	return controlPlane{store: store.Config{URL: address, Dial: dial}}, err
}

// endsInTime is a connection through SSH, which knows no deadlines: it is closed at one. That ends what waits for it.
type endsInTime struct {
	net.Conn
	mu    sync.Mutex // guards timer
	timer *time.Timer
}

// SetDeadline closes the connection at a time, never for none.
func (c *endsInTime) SetDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.timer = nil; !at.IsZero() {
		c.timer = time.AfterFunc(time.Until(at), func() { _ = c.Close() }) // whoever reads is told
	}
	return nil
}

// fleetNomad and fleetConsul are clients of a server that answers, with the management tokens that are kept.
func fleetNomad(ctx context.Context, w *bootstrap.World) (nomadState, error) {
	api, err := fleetAPI(ctx, w, fleet.Nomad)
	if err != nil {
		return nomadState{}, err
	}
	c, err := nomad.New(nomad.Config{Address: api.Address, Token: w.Kept.Get(bootstrap.KeptNomadToken), Transport: api.Transport})
	return nomadState{c}, err
}

func fleetConsul(ctx context.Context, w *bootstrap.World) (consulState, error) {
	api, err := fleetAPI(ctx, w, fleet.Consul)
	if err != nil {
		return consulState{}, err
	}
	c, err := consul.New(consul.Config{Address: api.Address, Token: w.Kept.Get(bootstrap.KeptConsulToken), Transport: api.Transport})
	return consulState{c}, err
}

func fleetAPI(ctx context.Context, w *bootstrap.World, p fleet.Name) (bootstrap.API, error) {
	machine, err := w.Answering(ctx, p)
	if err != nil {
		return bootstrap.API{}, err
	}
	return w.API(machine, p)
}

// fleetVaultOn is a client of Vault on one machine.
func fleetVaultOn(w *bootstrap.World, machine, token string) (vaultState, error) {
	api, err := w.API(machine, fleet.Vault)
	if err != nil {
		return vaultState{}, err
	}
	c, err := vault.New(vault.Config{Addr: api.Address, Token: token, Transport: api.Transport})
	return vaultState{c}, err
}

// databaseOf is where a database is and whose, without its password; "" for none, and for a text that is no URL.
func databaseOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return ""
	}
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User.Username() != "" {
		plain.User = url.User(u.User.Username())
	}
	return plain.String()
}

// missingIn says what is missing in a state file for a command.
func missingIn(state, what string) error {
	return paas.Errorf(paas.NotFound, "%s has no %s: `crumpet cluster up` keeps it there. Is this the state of the cluster? --state names another file.", state, what)
}
