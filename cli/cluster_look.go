package cli

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// lookFromOutside has a doctor look at a cluster over SSH, as an operator does while no Crumpet server answers.
func (s *session) lookFromOutside(ctx context.Context, flags fleetFlags) (paas.Checkup, error) {
	f, err := flags.read(s)
	if err != nil {
		return paas.Checkup{}, err
	}
	kept, err := s.peek(f, flags)
	if err != nil {
		return paas.Checkup{}, err
	}
	m, err := s.reach(f, flags, kept)
	if err != nil {
		return paas.Checkup{}, err
	}
	defer m.close()
	reached := m.Reached(ctx)
	sources, err := outsideSources(ctx, m.World, reached)
	if err != nil {
		return paas.Checkup{}, err
	}
	s.say("Looking from outside, over SSH: drift and Crumpet's own tokens are known to its servers only.")
	return doctor.New(sources, time.Now, nil).Checkup(ctx)
}

// outsideSources are the agents of a fleet, reached with what up keeps.
func outsideSources(ctx context.Context, w *bootstrap.World, reached map[string]error) (doctor.Sources, error) {
	through, err := w.Everywhere()
	if err != nil {
		return doctor.Sources{}, err
	}
	at := func(p fleet.Name, port string) string {
		m, _, err := w.Machine(w.Nearest(ctx, p))
		if err != nil {
			return "https://127.0.0.1:" + port // a fleet without a server is refused before
		}
		return "https://" + net.JoinHostPort(m.Address, port)
	}
	ofNomad, err := nomad.New(nomad.Config{Address: at(fleet.Nomad, "4646"), Token: w.Kept.Get(bootstrap.KeptNomadToken), Transport: through})
	if err != nil {
		return doctor.Sources{}, err
	}
	ofConsul, err := consul.New(consul.Config{Address: at(fleet.Consul, "8501"), Token: w.Kept.Get(bootstrap.KeptConsulToken), Transport: through})
	if err != nil {
		return doctor.Sources{}, err
	}
	token, _ := w.VaultLogin(ctx) // without one Vault still says whether it is sealed
	vaultAt := at(fleet.Vault, "8200")
	ofVault, err := vault.New(vault.Config{Addr: vaultAt, Token: token, Transport: through})
	if err != nil {
		return doctor.Sources{}, err
	}
	var admins []string
	for _, m := range w.Fleet.Of(fleet.Client) {
		admins = append(admins, net.JoinHostPort(m.Address, strconv.Itoa(w.Fleet.Ports.Admin)))
	}
	ofFabio, err := fabio.New(fabio.Config{Addresses: admins, RouterURL: "http://127.0.0.1:" + strconv.Itoa(w.Fleet.Ports.Router), Transport: through})
	return doctor.Sources{
		Nomad: ofNomad, Consul: ofConsul, Vault: vaultOutside{ofVault}, Routers: ofFabio,
		Nodes:       func(ctx context.Context) ([]paas.NodeView, error) { return nodesOf(ctx, ofNomad) },
		Certificate: server.CertificateBy(w.DialThere), Endpoints: endpointsOf(w.Fleet), VaultURL: vaultAt,
		Outside: &doctor.Outside{Machines: reached, Crumpet: w.PlatformServes},
	}, err
}

// nodesOf gives Nomad's nodes, without what is known of instances on them.
func nodesOf(ctx context.Context, c *nomad.Client) ([]paas.NodeView, error) {
	list, _, err := c.Nodes(ctx, 0, 0)
	var nodes []paas.NodeView
	for _, stub := range list {
		nodes = append(nodes, paas.NodeView{Node: watch.NodeOf(stub)})
	}
	return nodes, err
}

// endpointsOf are those of Consul: agents of Nomad and servers of Vault tell of each other.
func endpointsOf(f fleet.Fleet) (list []doctor.Endpoint) {
	for _, m := range f.Machines {
		list = append(list, doctor.Endpoint{Of: paas.BackendConsul, Where: net.JoinHostPort(m.Address, "8501")})
	}
	return list
}

// vaultOutside is Vault for whom Crumpet's own token is not known.
type vaultOutside struct{ *vault.Client }

// Lease is not asked for from outside.
func (vaultOutside) Lease(context.Context) (paas.Lease, error) {
	return paas.Lease{}, paas.Errorf(paas.Unavailable, "Only a server of Crumpet knows its own token.")
}
