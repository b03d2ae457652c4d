package server

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

var (
	_ doctor.Nomad   = (*nomad.Client)(nil)
	_ doctor.Consul  = (*consul.Client)(nil)
	_ doctor.Vault   = vaultPatient{}
	_ doctor.Routers = (*fabio.Client)(nil)
)

func (s *Server) newDoctor(c clients, opt Options) *doctor.Doctor {
	return doctor.New(doctor.Sources{
		Nomad: c.nomad, Consul: c.consul, Vault: vaultPatient{c.vault, s.token, opt.Now}, Routers: c.fabio,
		Nodes: s.nodes.Nodes, Drift: s.repair.Drift, Machine: thisMachine, Certificate: CertificateBy((&net.Dialer{}).DialContext),
		Endpoints: s.endpoints(), VaultURL: s.cfg.Vault.Address,
	}, opt.Now, s.log)
}

// endpoints are the certificates that the configuration knows of.
func (s *Server) endpoints() (list []doctor.Endpoint) {
	for of, address := range map[string]string{
		paas.BackendNomad: s.cfg.Nomad.Address, paas.BackendConsul: s.cfg.Consul.Address, paas.BackendVault: s.cfg.Vault.Address, paas.BackendFabio: s.cfg.Fabio.URL,
	} {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" {
			continue
		}
		at := u.Host
		if u.Port() == "" {
			at = net.JoinHostPort(u.Hostname(), "443")
		}
		list = append(list, doctor.Endpoint{Of: of, Where: at})
	}
	// In a task the path is one inside it: it says little without the server, which is called as `crumpet servers` does.
	for path, what := range map[string]string{s.cfg.Nomad.CAFile: "the authority that server %s trusts", s.cfg.Nomad.CertFile: "what server %s shows"} {
		if path != "" {
			list = append(list, doctor.Endpoint{Of: paas.BackendNomad, Where: path, File: fmt.Sprintf(what, s.self.name)})
		}
	}
	return list
}

// vaultPatient is Vault with what is known of our token there.
type vaultPatient struct {
	*vault.Client
	token *keeper
	now   func() time.Time
}

// Lease tells of our own token. Codes: forbidden, unavailable.
func (v vaultPatient) Lease(ctx context.Context) (paas.Lease, error) {
	token, err := v.Self(ctx)
	if err != nil {
		return paas.Lease{}, err
	}
	l := paas.Lease{Renewable: token.Renewable, Warn: v.token.warning()}
	if !token.Endless {
		ends := v.now().Add(token.Left).UTC()
		l.Ends = &ends
	}
	return l, nil
}
