package doctor

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Nomad is what is asked of Nomad. Codes, here and below: forbidden, unavailable.
type Nomad interface {
	Quorum(ctx context.Context) (paas.Quorum, error)
	// Agents gives the servers named and all clients; one that could not be asked itself says why.
	Agents(ctx context.Context, servers []paas.QuorumServer) ([]paas.NomadAgent, error)
	Rooms(ctx context.Context) (map[string]paas.NodeCapacity, error)
	// RouterJob gives nil where routers are no job of the platform's.
	RouterJob(ctx context.Context) (*paas.RouterJob, error)
	TokenEnd(ctx context.Context) (*time.Time, error)
}

// Consul is what is asked of Consul.
type Consul interface {
	Quorum(ctx context.Context) (paas.Quorum, error)
	Serving(ctx context.Context) ([]paas.Serving, error)
	RuleKeys(ctx context.Context, index uint64, wait time.Duration) (keys []paas.RuleKey, next uint64, err error)
	TokenEnd(ctx context.Context) (*time.Time, error)
}

// Vault is what is asked of Vault.
type Vault interface {
	Quorum(ctx context.Context) (paas.Quorum, error)
	// Lease tells of Crumpet's own token.
	Lease(ctx context.Context) (paas.Lease, error)
}

// Routers is what is asked of every Fabio.
type Routers interface {
	Settings(ctx context.Context) ([]paas.RouterSettings, error)
	Tables(ctx context.Context) ([]paas.RouterTable, error)
}

// Endpoint is one that may show a certificate, or a file with one.
type Endpoint struct {
	Of    string // a backend's name
	Where string // HOST:PORT, or the path of a file
	File  string // whose file it is and what for, as "the authority of server a"; "" for none
}

// Sources are all that is asked. All are required but Endpoints and, with Outside, Drift and Machine.
type Sources struct {
	Nomad   Nomad
	Consul  Consul
	Vault   Vault
	Routers Routers
	Nodes   func(ctx context.Context) ([]paas.NodeView, error)
	Drift   func(ctx context.Context, of *paas.AppRef) ([]paas.Finding, error)
	Machine func() (paas.Machine, error)
	// Certificate looks at one endpoint; what could not be seen has a reason.
	Certificate func(ctx context.Context, at Endpoint) paas.Certificate
	Endpoints   []Endpoint // known from the configuration
	VaultURL    string     // of the Vault that we speak to: its peers are asked at the same port
	Outside     *Outside   // nil where a Crumpet server looks
}

const (
	sourceWithin = 8 * time.Second         // for one source
	certWithin   = 4 * time.Second         // for one endpoint
	certsAtOnce  = 8                       // at the same time
	agree        = 1500 * time.Millisecond // between two looks at routers' tables: one that follows Consul takes less
)

// Look asks all sources side by side. Whatever does not answer is a fact that is not known.
func Look(ctx context.Context, s Sources, at time.Time) Facts {
	f := Facts{At: at, Quorums: map[string]Known[paas.Quorum]{}}
	var mu sync.Mutex // guards f.Quorums
	var first, second sync.WaitGroup
	for program, ask := range map[string]func(context.Context) (paas.Quorum, error){
		paas.BackendNomad: s.Nomad.Quorum, paas.BackendConsul: s.Consul.Quorum, paas.BackendVault: s.Vault.Quorum,
	} {
		first.Go(func() {
			q := fact(ctx, ask)
			mu.Lock()
			defer mu.Unlock()
			f.Quorums[program] = q
		})
	}
	second.Go(func() { f.Rooms = fact(ctx, s.rooms) })
	second.Go(func() { f.Routers = fact(ctx, s.Routers.Settings) })
	second.Go(func() { f.RouterJob = fact(ctx, s.Nomad.RouterJob) })
	second.Go(func() { f.Stale = fact(ctx, s.stale) })
	if s.Outside == nil {
		second.Go(func() { s.own(ctx, &f) })
	} else {
		second.Go(func() { f.Outside = s.Outside.look(ctx) })
	}
	first.Wait()
	f.Agents = fact(ctx, func(ctx context.Context) ([]paas.NomadAgent, error) {
		return s.Nomad.Agents(ctx, f.Quorums[paas.BackendNomad].Is.Servers)
	})
	f.Certificates = s.certificates(ctx, f.Agents.Is, f.Quorums[paas.BackendVault].Is.Servers)
	second.Wait()
	return f
}

// own looks at what only a server of Crumpet knows: what it wishes for, its tokens and its machine.
func (s Sources) own(ctx context.Context, f *Facts) {
	leases := make([]paas.Lease, 3)
	var all sync.WaitGroup
	all.Go(func() { leases[0] = lease(ctx, paas.BackendVault, s.Vault.Lease) })
	all.Go(func() { leases[1] = lease(ctx, paas.BackendNomad, ending(s.Nomad.TokenEnd)) })
	all.Go(func() { leases[2] = lease(ctx, paas.BackendConsul, ending(s.Consul.TokenEnd)) })
	all.Go(func() {
		f.Drift = fact(ctx, func(ctx context.Context) ([]paas.Finding, error) { return s.Drift(ctx, nil) })
	})
	all.Go(func() { f.Machine = fact(ctx, func(context.Context) (paas.Machine, error) { return s.Machine() }) })
	all.Wait()
	f.Leases = leases
}

// fact asks one source, within its time.
func fact[T any](ctx context.Context, ask func(context.Context) (T, error)) (k Known[T]) {
	ctx, cancel := context.WithTimeout(ctx, sourceWithin)
	defer cancel()
	is, err := ask(ctx)
	switch {
	case err == nil:
		k.Is = is
	case ctx.Err() != nil:
		k.Reason, k.Code = "There was no answer within "+sourceWithin.String()+".", paas.Unavailable
	default:
		k.Reason, k.Code = paas.MessageOf(err), paas.CodeOf(err)
	}
	return k
}

func lease(ctx context.Context, of string, ask func(context.Context) (paas.Lease, error)) paas.Lease {
	known := fact(ctx, ask)
	known.Is.Of, known.Is.Reason = of, known.Reason
	return known.Is
}

func ending(ask func(context.Context) (*time.Time, error)) func(context.Context) (paas.Lease, error) {
	return func(ctx context.Context) (paas.Lease, error) {
		ends, err := ask(ctx)
		return paas.Lease{Ends: ends}, err
	}
}

// rooms gives the nodes that take instances.
func (s Sources) rooms(ctx context.Context) ([]Room, error) {
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	has, err := s.Nomad.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	var rooms []Room
	for _, n := range nodes {
		if room, known := has[n.ID]; known && n.Status == paas.NodeReady && n.Eligible {
			rooms = append(rooms, Room{Name: n.Name, CPU: room.CPU, Memory: room.Memory})
		}
	}
	return rooms, nil
}

// stale looks twice where the first look finds something: a table follows Consul a moment later.
func (s Sources) stale(ctx context.Context) ([]paas.StaleRow, error) {
	first, err := s.tables(ctx)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	timer := time.NewTimer(agree)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
	}
	again, err := s.tables(ctx)
	return slices.DeleteFunc(again, func(r paas.StaleRow) bool { return !slices.Contains(first, r) }), err
}

func (s Sources) tables(ctx context.Context) ([]paas.StaleRow, error) {
	serving, err := s.Consul.Serving(ctx)
	if err != nil {
		return nil, err
	}
	keys, _, err := s.Consul.RuleKeys(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	tables, err := s.Routers.Tables(ctx)
	if err != nil && len(tables) == 0 {
		return nil, err // one router of several that is silent is a finding of its own, of drift
	}
	var rules strings.Builder
	for _, k := range keys {
		rules.WriteString(k.Text + "\n")
	}
	return Stale(serving, tables, rules.String()), nil
}

// certificates looks at what the configuration names, and at every agent and peer that speaks TLS.
func (s Sources) certificates(ctx context.Context, agents []paas.NomadAgent, vaults []paas.QuorumServer) []paas.Certificate {
	at := slices.Clone(s.Endpoints)
	for _, a := range agents {
		if a.TLS && !a.Down {
			at = append(at, Endpoint{Of: paas.BackendNomad, Where: a.Address})
		}
	}
	if u, err := url.Parse(s.VaultURL); err == nil && u.Scheme == "https" {
		for _, peer := range vaults {
			if host, _, err := net.SplitHostPort(peer.Address); err == nil && !strings.Contains(host, "/") {
				at = append(at, Endpoint{Of: paas.BackendVault, Where: net.JoinHostPort(host, u.Port())})
			}
		}
	}
	slices.SortStableFunc(at, func(a, b Endpoint) int { return strings.Compare(a.Of+" "+a.Where, b.Of+" "+b.Where) })
	at = slices.Compact(at)
	list := make([]paas.Certificate, len(at))
	room := make(chan struct{}, certsAtOnce)
	var all sync.WaitGroup
	for i := range at {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			one, cancel := context.WithTimeout(ctx, certWithin)
			defer cancel()
			list[i] = s.Certificate(one, at[i])
		})
	}
	all.Wait()
	return list
}
