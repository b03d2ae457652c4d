package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// API is how a client of a program's own makes calls to it on one machine: what Send is for single calls.
type API struct {
	Address   string // URL
	Transport *http.Transport
}

// API gives it. Each connection begins on the machine, and shows a certificate of an operator. Codes: not_found for
// another's machine, and before step authority.
func (w *World) API(machine string, p fleet.Name) (API, error) {
	m, host, err := w.Machine(machine)
	if err != nil {
		return API{}, err
	}
	port, ok := apiPorts[p]
	if !ok {
		return API{}, paas.Errorf(paas.Internal, "%s has no API that up calls", p)
	}
	address := net.JoinHostPort(m.Address, strconv.Itoa(port))
	transport, err := w.transport(m, host, address)
	return API{Address: "https://" + address, Transport: transport}, err
}

// Answering gives a server of Nomad or Consul that answers and has a leader. Code: unavailable.
func (w *World) Answering(ctx context.Context, p fleet.Name) (machine string, err error) {
	var failed []error
	for _, m := range w.Fleet.Of(fleet.Server) {
		var leader string
		err := w.Call(ctx, m.Name, p, http.MethodGet, "/v1/status/leader", nil, &leader)
		if err == nil && leader == "" {
			err = paas.Errorf(paas.Unavailable, "%s on %s has no leader.", p, m.Name)
		}
		if err == nil {
			return m.Name, nil
		}
		failed = append(failed, err)
	}
	return "", errors.Join(failed...)
}

// VaultLeading is the machine whose server of Vault leads. Code: unavailable.
func (w *World) VaultLeading(ctx context.Context) (machine string, err error) {
	machine, err = w.vaultLeader(ctx)
	if err == nil && machine == "" {
		err = paas.Errorf(paas.Unavailable, "No server of Vault leads: they are sealed, away, or too few. crumpet cluster status says which.")
	}
	return machine, err
}

// Dial opens a connection to an address as Crumpet's servers see it: from the first client that can, else from a server.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var failed []error
	for _, m := range slices.Concat(w.Fleet.Of(fleet.Client), w.Fleet.Of(fleet.Server)) {
		_, host, err := w.Machine(m.Name)
		if err != nil {
			return nil, err
		}
		conn, err := host.Dial(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// Database is the URL of Crumpet's database, which may hold a password. Code: as of reading store { url_file }.
func (w *World) Database(ctx context.Context) (string, error) {
	return w.readLine(ctx, w.Fleet.Store.URLFile)
}

// Router makes requests that begin on some client, whose router is at 127.0.0.1.
func (w *World) Router() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: w.dialClient}}
}

// PlatformServes asks Crumpet, by way of a router, whether it serves. Code: unavailable.
func (w *World) PlatformServes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	host := "crumpet." + w.Fleet.Domain
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", host, err)
	}
	answer, err := w.Router().Do(request)
	if err != nil {
		return paas.Wrap(paas.Unavailable, err, "Crumpet does not answer at %s yet.", host)
	}
	_ = answer.Body.Close() // only its status counts
	if answer.StatusCode != http.StatusOK {
		return paas.Errorf(paas.Unavailable, "Crumpet at %s answers with %d.", host, answer.StatusCode)
	}
	return nil
}
