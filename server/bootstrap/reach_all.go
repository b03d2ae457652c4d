package bootstrap

import (
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Everywhere leads to whatever listens on the fleet's machines, by its address: a connection begins on the machine that has
// the address. It shows a certificate of an operator. Code not_found: before step authority.
func (w *World) Everywhere() (*http.Transport, error) {
	config, err := w.clientTLS("") // each connection is to be with whom it was asked for
	return &http.Transport{TLSClientConfig: config, DialContext: w.DialThere}, err
}

// DialThere opens a connection that begins on the machine that has the address, else on any.
func (w *World) DialThere(ctx context.Context, network, address string) (net.Conn, error) {
	at, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(w.Fleet.Machines, func(m fleet.Machine) bool { return m.Address == at })
	if i < 0 {
		return w.Dial(ctx, network, address)
	}
	_, host, err := w.Machine(w.Fleet.Machines[i].Name)
	if err != nil {
		return nil, err
	}
	return host.Dial(ctx, network, address)
}

// Nearest is a server of a program to ask: one that has a leader, else one that answers at all, else any. "" where
// the fleet has no server.
func (w *World) Nearest(ctx context.Context, p fleet.Name) string {
	servers, alive := w.Fleet.Of(fleet.Server), ""
	path := "/v1/status/leader"
	if p == fleet.Vault {
		path = "/v1/sys/leader"
	}
	for _, m := range slices.Backward(servers) {
		var has any
		switch err := w.Send(ctx, Request{Machine: m.Name, Program: p, Method: http.MethodGet, Path: path, NoToken: true, Out: &has}); {
		case err == nil && leads(has):
			return m.Name
		case err == nil || alive == "":
			alive = m.Name
		}
	}
	return alive
}

// leads says whether an answer names a leader: Nomad and Consul answer with its address, Vault with an object.
func leads(has any) bool {
	if vault, ok := has.(map[string]any); ok {
		has = vault["leader_address"]
	}
	address, _ := has.(string)
	return address != ""
}

// Reached asks each machine for a word, all at once. The errors are by machine, nil for one that answers; one that does not
// is not tried again by this World.
func (w *World) Reached(ctx context.Context) map[string]error {
	failed := make([]error, len(w.Fleet.Machines))
	var each sync.WaitGroup
	for i, m := range w.Fleet.Machines {
		each.Go(func() {
			_, host, err := w.Machine(m.Name)
			if err == nil {
				_, err = host.Run(ctx, "true", nil)
			}
			failed[i] = err
		})
	}
	each.Wait()
	all := map[string]error{}
	for i, m := range w.Fleet.Machines {
		if all[m.Name] = failed[i]; failed[i] != nil {
			w.Hosts[m.Name] = unreached{failed[i]}
		}
	}
	return all
}

// unreached is a machine that did not answer.
type unreached struct{ err error }

func (u unreached) Run(context.Context, string, []byte) ([]byte, error) { return nil, u.err }
func (u unreached) Read(context.Context, string) ([]byte, error)        { return nil, u.err }
func (u unreached) Write(context.Context, File) error                   { return u.err }
func (u unreached) Upload(context.Context, string, io.Reader, int64, fs.FileMode) error {
	return u.err
}
func (u unreached) Dial(context.Context, string, string) (net.Conn, error) { return nil, u.err }
func (u unreached) Hold(context.Context, string, string) (<-chan struct{}, func(), error) {
	return nil, nil, u.err
}
