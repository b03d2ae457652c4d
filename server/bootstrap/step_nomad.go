package bootstrap

import (
	"context"
	"net/http"
	"slices"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// nomad makes Nomad's servers one cluster. A machine that is a client as well has one agent for both.
type nomad struct{}

func (nomad) Name() string { return "nomad" }

func (nomad) About() string { return "Nomad's servers, with TLS, encrypted gossip and ACLs" }

func (w *World) nomadPart(m fleet.Machine) Part {
	secrets := agents.NomadSecrets{Consul: w.Kept.Get(ConsulTokenOf("nomad/" + m.Name))}
	if m.Is(fleet.Server) {
		secrets.Gossip = w.Kept.Get(KeptNomadGossip)
	}
	service := agents.NomadService(m)
	certificate, key := agents.Cert(fleet.Nomad)
	return Part{
		Machine: m, Service: service, Version: w.Fleet.Program(fleet.Nomad).Version,
		Files: filesOf(agents.NomadFiles(w.Fleet, m, secrets), service.User), Watched: []string{agents.CAFile, certificate, key},
	}
}

func (w *World) nomadServers() Cluster {
	c := Cluster{Healthy: w.nomadHealthy, Leader: func(ctx context.Context) (string, error) { return w.leaderOf(ctx, fleet.Nomad) }}
	for _, m := range w.Fleet.Of(fleet.Server) {
		c.Parts = append(c.Parts, w.nomadPart(m))
	}
	return c
}

// both are the servers that are clients as well.
func (w *World) both() []fleet.Machine {
	return slices.DeleteFunc(w.Fleet.Of(fleet.Server), func(m fleet.Machine) bool { return !m.Is(fleet.Client) })
}

func (nomad) Plan(ctx context.Context, w *World) ([]Change, error) {
	var changes []Change
	if w.Kept.Get(KeptNomadGossip) == "" {
		changes = append(changes, Change{Text: "make the key of Nomad's gossip"})
	}
	names, err := w.planHosts(ctx, w.Fleet.Of(fleet.Server))
	if err != nil {
		return nil, err
	}
	parts, err := w.PlanParts(ctx, slices.Concat(w.relays(w.both()).Parts, w.nomadServers().Parts))
	if err != nil {
		return nil, err
	}
	if changes = slices.Concat(changes, names, parts); len(changes) == 0 {
		if err := w.nomadHealthy(ctx); err != nil {
			changes = []Change{{Text: "wait for Nomad: " + sentence(err)}}
		}
	}
	return changes, nil
}

func (nomad) Do(ctx context.Context, w *World) error {
	if _, err := w.Kept.Ensure(ctx, KeptNomadGossip, gossipKey); err != nil {
		return err
	}
	if err := w.makeHosts(ctx, w.Fleet.Of(fleet.Server)); err != nil {
		return err
	}
	if err := w.MakeParts(ctx, w.relays(w.both())); err != nil {
		return err
	}
	return w.MakeParts(ctx, w.nomadServers())
}

func (nomad) Undo(ctx context.Context, w *World) error {
	if err := w.EndParts(ctx, slices.Concat(w.relays(w.both()).Parts, w.nomadServers().Parts)); err != nil {
		return err
	}
	if err := w.endHosts(ctx, w.Fleet.Of(fleet.Server)); err != nil {
		return err
	}
	return w.Kept.Put(ctx, KeptNomadGossip, "")
}

// nomadHealthy wants every server to be a peer, to follow one leader and, as far as Nomad knows our token already, to know
// it too and to have a vote.
func (w *World) nomadHealthy(ctx context.Context) error {
	if err := w.peered(ctx, fleet.Nomad, "4647"); err != nil || w.nomadKnowsUs(ctx) != nil {
		return err
	}
	if err := w.nomadCaughtUp(ctx); err != nil {
		return err
	}
	return w.voting(ctx, fleet.Nomad)
}

// nomadCaughtUp asks every server for what it answers by itself: one that has just started follows a leader, and refuses
// every token until it has read Raft's log.
func (w *World) nomadCaughtUp(ctx context.Context) error {
	for _, m := range w.Fleet.Of(fleet.Server) {
		err := w.Call(ctx, m.Name, fleet.Nomad, http.MethodGet, "/v1/agent/self", nil, nil)
		if paas.CodeOf(err) == paas.Forbidden {
			return paas.Errorf(paas.Unavailable, "Nomad on %s follows its leader, and does not know its tokens yet.", m.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
