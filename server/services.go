package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/postgres"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/vault"
)

var (
	_ service.Store         = (*store.Store)(nil)
	_ service.Vault         = (*vault.Client)(nil)
	_ service.Leases        = (*vault.Client)(nil)
	_ service.DatabaseVault = (*vault.Client)(nil)
	_ service.SQL           = postgres.Client{}
	_ service.Variables     = (*nomad.Client)(nil)
	_ service.Deployer      = (*deploy.Deployer)(nil)
	_ service.Broker        = (*broker.Client)(nil)
	_ deploy.Services       = (*service.Services)(nil)
	_ api.Services          = (*service.Services)(nil)
	_ api.Bindings          = (*service.Services)(nil)
	_ api.Providers         = (*service.Services)(nil)
)

// newServices makes what makes and binds services. It and the deployer ask each other, so it finds the
// deployer by the server.
func (s *Server) newServices(c clients, opt Options, at *boundaries) *service.Services {
	cfg := service.Config{
		Store: s.store, Vault: c.vault, Variables: c.nomad, Leases: c.vault, Deployer: rebinds{s},
		Engines: map[paas.ServiceKind]service.Engine{
			paas.KindPostgres: service.Postgres{Vault: c.vault, SQL: postgres.Client{}, Now: opt.Now},
			paas.KindBroker:   service.Brokers{Dial: dialBroker},
			paas.KindUser:     service.Users{},
		},
		Validate: broker.Validate, Reads: jobspec.Reads, Now: opt.Now, NewID: newServiceID, Log: s.log,
	}
	if at != nil {
		cfg.Around = at.around
	}
	return service.New(cfg)
}

// rebinds brings new credentials to the programs of apps.
type rebinds struct{ *Server }

func (r rebinds) Wake(ref paas.AppRef) { r.deploy.Wake(ref) }

func (r rebinds) Rebind(ctx context.Context, ref paas.AppRef, cause, by string) (paas.DeployResult, error) {
	return r.deploy.Rebind(ctx, ref, cause, by)
}

// newServiceID gives a random UUID: what brokers expect of an id.
func newServiceID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// dialBroker makes a client for one call: what opens the broker may be another by the next.
func dialBroker(a service.Account) (service.Broker, error) {
	cfg := broker.Config{Name: a.Name, URL: a.URL, Username: a.Username, Password: a.Secret.Password.Reveal(), Token: a.Secret.Token.Reveal()}
	if cfg.Token != "" {
		cfg.Username = ""
	}
	if a.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(a.CA)) {
			return nil, paas.Errorf(paas.Invalid, "The certificates given for broker %q are not PEM. Give a file with lines such as -----BEGIN CERTIFICATE-----.", a.Name)
		}
		cfg.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return broker.New(cfg)
}
