package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// consul makes Consul's servers one cluster that has the management token that is kept.
type consul struct{}

func (consul) Name() string { return "consul" }

func (consul) About() string {
	return "Consul's servers, with TLS, encrypted gossip and ACLs that deny by default"
}

// ConsulTokenOf is the name under which the token for Consul of an actor is kept: of "agent/MACHINE", "nomad/MACHINE",
// "fabio" or "crumpet".
func ConsulTokenOf(actor string) string { return KeptConsulToken + ":" + actor }

// consulPart is Consul on a machine. With management its file of tokens says which token that shall be.
func (w *World) consulPart(m fleet.Machine, management string) Part {
	secrets := agents.ConsulSecrets{Gossip: w.Kept.Get(KeptGossip), Agent: w.Kept.Get(ConsulTokenOf("agent/" + m.Name))}
	if m.Is(fleet.Server) {
		secrets.Management = management
	}
	service := agents.ConsulService(m)
	certificate, key := agents.Cert(fleet.Consul)
	return Part{
		Machine: m, Service: service, Version: w.Fleet.Program(fleet.Consul).Version,
		Files: filesOf(agents.ConsulFiles(w.Fleet, m, secrets), service.User), Watched: []string{agents.CAFile, certificate, key},
		Breaks: fmt.Sprintf("Instances on %s get no requests until Consul there has checked them again, some seconds.", m.Name),
	}
}

func (w *World) consulServers(management string) Cluster {
	c := Cluster{Healthy: w.consulHealthy, Leader: w.consulLeader}
	for _, m := range w.Fleet.Of(fleet.Server) {
		p := w.consulPart(m, management)
		if !m.Is(fleet.Client) {
			p.Breaks = ""
		}
		c.Parts = append(c.Parts, p)
	}
	return c
}

// untaken is the management token where Consul has not taken it for its own: it says so, or was never started on any
// server. It is "" where that can't be known now: nothing secret is written for a Consul that is only down.
func (w *World) untaken(ctx context.Context) (string, error) {
	token := w.Kept.Get(KeptConsulToken)
	if token == "" {
		return "", nil
	}
	switch err := w.consulKnowsUs(ctx); {
	case err == nil:
		return "", nil
	case paas.CodeOf(err) == paas.Forbidden:
		return token, nil
	}
	for _, m := range w.Fleet.Of(fleet.Server) {
		host, ok := w.Hosts[m.Name]
		if !ok {
			continue
		}
		note, err := readOr(ctx, host, w.consulPart(m, "").noteFile())
		if note != nil || err != nil {
			return "", err
		}
	}
	return token, nil
}

func (w *World) consulKnowsUs(ctx context.Context) error {
	return w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/acl/token/self", nil, nil)
}

func (consul) Plan(ctx context.Context, w *World) ([]Change, error) {
	var changes []Change
	for name, text := range map[string]string{KeptGossip: "make the key of Consul's gossip", KeptConsulToken: "make Consul's management token"} {
		if w.Kept.Get(name) == "" {
			changes = append(changes, Change{Text: text})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Text, b.Text) })
	management, err := w.untaken(ctx)
	if err != nil {
		return nil, err
	}
	parts, err := w.PlanParts(ctx, w.consulServers(management).Parts)
	if err != nil {
		return nil, err
	}
	changes = append(changes, w.planForget(ctx, w.consulServers("").Parts)...)
	if changes = append(changes, parts...); len(changes) == 0 {
		if err := w.consulHealthy(ctx); err != nil {
			changes = []Change{{Text: "wait for Consul: " + sentence(err)}}
		}
	}
	return changes, nil
}

func (consul) Do(ctx context.Context, w *World) error {
	if _, err := w.Kept.Ensure(ctx, KeptGossip, gossipKey); err != nil {
		return err
	}
	if _, err := w.Kept.Ensure(ctx, KeptConsulToken, newUUID); err != nil {
		return err
	}
	management, err := w.untaken(ctx)
	if err != nil {
		return err
	}
	servers := w.consulServers(management)
	if err := w.forgetLost(ctx, servers.Parts); err != nil && !silent(err) {
		return err
	}
	servers.Healthy = w.checkedAgain(ctx, w.consulFollowed) // until it has taken the token it tells us no more
	if err := w.MakeParts(ctx, servers); err != nil {
		return err
	}
	if err := w.haveTaken(ctx); err != nil {
		return err
	}
	// The management token need not lie on the machines any longer.
	return w.MakeParts(ctx, w.consulServers(""))
}

// haveTaken waits until Consul has taken the management token. A server takes it when it comes to lead, as it knew it at
// its start: where all were started without it, all are restarted.
func (w *World) haveTaken(ctx context.Context) error {
	const patience = 5 * time.Second
	err := Until(ctx, patience, w.consulKnowsUs)
	if paas.CodeOf(err) != paas.Forbidden {
		return err
	}
	servers := w.consulServers(w.Kept.Get(KeptConsulToken))
	servers.Healthy = w.consulFollowed
	if err := w.MakeParts(ctx, servers); err != nil {
		return err
	}
	order, err := w.leaderLast(ctx, servers, time.Minute, servers.Parts)
	if err != nil {
		return err
	}
	for _, p := range order {
		if err := w.act(ctx, p, agents.Restart); err != nil {
			return onMachine(p.Machine.Name, err)
		}
		if err := Until(ctx, time.Minute, w.consulFollowed); err != nil {
			return err
		}
	}
	return Until(ctx, time.Minute, w.consulKnowsUs)
}

func (consul) Undo(ctx context.Context, w *World) error {
	if err := w.EndParts(ctx, w.consulServers("").Parts); err != nil {
		return err
	}
	for _, name := range []string{KeptConsulToken, KeptGossip} {
		if err := w.Kept.Put(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// consulHealthy wants every server to be a voter, one of them to lead, and all to follow.
func (w *World) consulHealthy(ctx context.Context) error {
	if err := w.voting(ctx, fleet.Consul); err != nil {
		return err
	}
	return w.followed(ctx, fleet.Consul)
}

// voting wants every server to have a vote and to be found healthy, and one of them to lead. One that came back empty gets
// its vote after some seconds of health: to restart another before would take the majority away.
func (w *World) voting(ctx context.Context, p fleet.Name) error {
	var raft struct {
		Servers []struct {
			Node          string // of Nomad with its region: server-1.global
			Leader, Voter bool
		}
	}
	if err := w.CallAny(ctx, p, http.MethodGet, "/v1/operator/raft/configuration", nil, &raft); err != nil {
		return err
	}
	led := false
	voters := map[string]bool{}
	for _, s := range raft.Servers {
		name, _, _ := strings.Cut(s.Node, ".")
		led = led || s.Leader
		voters[name] = voters[name] || s.Voter
	}
	if !led {
		return paas.Errorf(paas.Unavailable, "%s has no leader.", p)
	}
	for _, m := range w.Fleet.Of(fleet.Server) {
		if !voters[m.Name] {
			return paas.Errorf(paas.Unavailable, "The server of %s on %s has no vote yet.", p, m.Name)
		}
	}
	// A server may have its vote some seconds before autopilot, which the doctor asks, finds it healthy: it answers 429.
	err := w.CallAny(ctx, p, http.MethodGet, "/v1/operator/autopilot/health", nil, nil)
	if paas.CodeOf(err) == paas.Limited {
		return paas.Errorf(paas.Unavailable, "%s does not find all its servers healthy yet: crumpet cluster status says which.", p)
	}
	return err
}

// consulFollowed wants every server to be a peer and to follow the leader. It needs no token.
func (w *World) consulFollowed(ctx context.Context) error { return w.peered(ctx, fleet.Consul, "8300") }

// peered wants every server to be a peer of Raft at a port, and all to follow one leader.
func (w *World) peered(ctx context.Context, p fleet.Name, port string) error {
	var peers []string
	if err := w.CallAny(ctx, p, http.MethodGet, "/v1/status/peers", nil, &peers); err != nil {
		return err
	}
	for _, m := range w.Fleet.Of(fleet.Server) {
		if !slices.Contains(peers, net.JoinHostPort(m.Address, port)) {
			return paas.Errorf(paas.Unavailable, "The server of %s on %s is not one of its peers yet.", p, m.Name)
		}
	}
	return w.followed(ctx, p)
}

// followed asks every server who leads: one that does not hear the leader says nobody.
func (w *World) followed(ctx context.Context, p fleet.Name) error {
	for _, m := range w.Fleet.Of(fleet.Server) {
		leader := ""
		if err := w.Call(ctx, m.Name, p, http.MethodGet, "/v1/status/leader", nil, &leader); err != nil {
			return err
		}
		if leader == "" {
			return paas.Errorf(paas.Unavailable, "%s on %s hears no leader.", p, m.Name)
		}
	}
	return nil
}

func (w *World) consulLeader(ctx context.Context) (string, error) {
	return w.leaderOf(ctx, fleet.Consul)
}

// leaderOf is the machine whose server leads, "" for one that is none of the fleet.
func (w *World) leaderOf(ctx context.Context, p fleet.Name) (string, error) {
	leader := ""
	if err := w.CallAny(ctx, p, http.MethodGet, "/v1/status/leader", nil, &leader); err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(leader)
	if err != nil {
		return "", paas.Errorf(paas.Unavailable, "%s has no leader.", p)
	}
	for _, m := range w.Fleet.Of(fleet.Server) {
		if ip := net.ParseIP(m.Address); ip != nil && ip.Equal(net.ParseIP(host)) {
			return m.Name, nil
		}
	}
	return "", nil
}

// CallAny is Call on the first server that answers.
func (w *World) CallAny(ctx context.Context, p fleet.Name, method, path string, in, out any) error {
	err := error(paas.Errorf(paas.NotFound, "Cluster %s has no server.", w.Fleet.Name))
	for _, m := range w.Fleet.Of(fleet.Server) {
		if err = w.Call(ctx, m.Name, p, method, path, in, out); paas.CodeOf(err) != paas.Unavailable {
			return err
		}
	}
	return err
}

func gossipKey() (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make gossip key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

func newUUID() (string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return uuidText(id), nil
}

func uuidText(id []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
