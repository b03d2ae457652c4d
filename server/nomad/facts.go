package nomad

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	askAgents    = 8 // at the same time
	longestAgent = 4 << 20
	agentTimeout = 3 * time.Second
)

// Quorum gives Nomad's servers as its autopilot sees them. Codes: forbidden (operator read is needed), unavailable.
func (c *Client) Quorum(ctx context.Context) (paas.Quorum, error) {
	q, cancel := c.query(ctx, "")
	defer cancel()
	health, _, err := c.api.Operator().AutopilotServerHealth(q)
	var ill nomadapi.UnexpectedResponseError
	if errors.As(err, &ill) && ill.StatusCode() == http.StatusTooManyRequests { // so it says that one is not healthy
		health = &nomadapi.OperatorHealthReply{}
		err = json.Unmarshal([]byte(ill.Body()), health)
	}
	if err != nil {
		return paas.Quorum{}, c.fail(ctx, err, "ask Nomad's autopilot for its servers")
	}
	quorum := paas.Quorum{Program: paas.BackendNomad}
	for _, s := range health.Servers {
		quorum.Servers = append(quorum.Servers, paas.QuorumServer{
			Name: s.Name, Address: s.Address, Version: s.Version, Leader: s.Leader, Voter: s.Voter, Healthy: s.Healthy,
		})
		if s.Leader {
			quorum.Leader, quorum.Version = s.Name, s.Version
		}
	}
	slices.SortFunc(quorum.Servers, func(a, b paas.QuorumServer) int { return strings.Compare(a.Name, b.Name) })
	return quorum, nil
}

// Agents gives the servers of a quorum and all clients, each with what it says of itself: an agent tells its
// settings to who asks itself, not through others. One that could not be asked says why. Codes as of Quorum.
func (c *Client) Agents(ctx context.Context, servers []paas.QuorumServer) ([]paas.NomadAgent, error) {
	agents, err := c.clients(ctx)
	if err != nil {
		return nil, err
	}
	own, err := url.Parse(c.base)
	if err != nil {
		return nil, fmt.Errorf("parse nomad.address: %w", err)
	}
	for _, s := range servers {
		host, _, err := net.SplitHostPort(s.Address) // of its RPC; every agent's API is at the same port
		if err != nil {
			host = s.Address
		}
		address := net.JoinHostPort(host, cmp.Or(own.Port(), "4646"))
		i := slices.IndexFunc(agents, func(a paas.NomadAgent) bool { return a.Address == address })
		if i < 0 {
			agents = append(agents, paas.NomadAgent{Name: s.Name, Address: address, Version: s.Version, TLS: own.Scheme == "https"})
			i = len(agents) - 1
		}
		agents[i].Server = true
	}
	slices.SortFunc(agents, func(a, b paas.NomadAgent) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Address, b.Address))
	})
	c.each(len(agents), func(i int) {
		if agents[i].Down {
			return
		}
		settings, err := c.settings(ctx, agents[i])
		if agents[i].Settings = settings; err != nil {
			agents[i].Reason = paas.MessageOf(err)
		}
	})
	return agents, ctx.Err()
}

// each runs do for 0 to n-1, some at the same time, and returns when all have ended.
func (c *Client) each(n int, do func(i int)) {
	room := make(chan struct{}, askAgents)
	var all sync.WaitGroup
	for i := range n {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			do(i)
		})
	}
	all.Wait()
}

// clients reads every node whole: a list leaves out its attributes.
func (c *Client) clients(ctx context.Context) ([]paas.NomadAgent, error) {
	q, cancel := c.query(ctx, "")
	defer cancel()
	nodes, _, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list nodes")
	}
	agents, errs := make([]paas.NomadAgent, len(nodes)), make([]error, len(nodes))
	c.each(len(nodes), func(i int) {
		one, end := c.query(ctx, "")
		defer end()
		node, _, err := c.api.Nodes().Info(nodes[i].ID, one)
		if err != nil {
			errs[i] = c.fail(ctx, err, "read node "+nodes[i].Name)
			return
		}
		agents[i] = clientOf(node)
	})
	return agents, errors.Join(errs...)
}

func clientOf(n *nomadapi.Node) paas.NomadAgent {
	a := paas.NomadAgent{
		Name: n.Name, Node: n.ID, Address: n.HTTPAddr, Client: true, TLS: n.TLSEnabled, Version: n.Attributes["nomad.version"],
		Down: n.Status != nomadapi.NodeStatusReady, Consul: n.Attributes["unique.consul.name"],
	}
	if driver := n.Drivers["exec"]; driver != nil {
		a.Exec = driver.Detected && driver.Healthy
	}
	if has := n.NodeResources; has != nil {
		a.MinPort, a.MaxPort = has.MinDynamicPort, has.MaxDynamicPort
	}
	return a
}

// agentSelf is what of an agent's own answer is asked for.
type agentSelf struct {
	Config struct {
		Client struct {
			MaxKillTimeout string
			ChrootEnv      map[string]string
		}
		Server struct {
			HeartbeatGrace  time.Duration
			EventBufferSize *int
		}
	} `json:"config"`
}

// settings asks one agent itself. Our token goes to no agent without TLS where we ourselves speak TLS.
func (c *Client) settings(ctx context.Context, a paas.NomadAgent) (*paas.AgentSettings, error) {
	does := "ask the agent at " + a.Address
	scheme := "http"
	if a.TLS {
		scheme = "https"
	} else if strings.HasPrefix(c.base, "https://") {
		return nil, paas.Errorf(paas.Unavailable, "The agent at %s serves no TLS, so it was not asked: the token would be read on its way.", a.Address)
	}
	callCtx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(callCtx, http.MethodGet, scheme+"://"+a.Address+"/v1/agent/self", http.NoBody)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The address %q of a Nomad agent is none.", a.Address)
	}
	if c.token != "" {
		req.Header.Set("X-Nomad-Token", c.token)
	}
	began := time.Now()
	resp, err := c.toAgent(a).Do(req)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "The Nomad agent at %s can't be asked from here.", a.Address)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestAgent))
	switch {
	case err != nil:
		return nil, paas.Wrap(paas.Unavailable, err, "The Nomad agent at %s can't be asked from here.", a.Address)
	case resp.StatusCode != http.StatusOK:
		return nil, c.answered(does, resp.StatusCode, string(body))
	}
	var self agentSelf
	if err := json.Unmarshal(body, &self); err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The agent at %s answers with something that is not of Nomad's API.", a.Address)
	}
	return settingsOf(self, resp.Header.Get("Date"), began, time.Now()), nil
}

// toAgent gives what dials an agent: Nomad's certificates name its role and region, not always its address.
func (c *Client) toAgent(a paas.NomadAgent) *http.Client {
	own, ok := c.http.Transport.(*http.Transport)
	if !ok || !a.TLS || own.TLSClientConfig == nil {
		return c.http
	}
	transport := own.Clone()
	transport.DisableKeepAlives = true
	role := "client"
	if a.Server {
		role = "server"
	}
	transport.TLSClientConfig.ServerName = role + "." + cmp.Or(c.region, "global") + ".nomad"
	return &http.Client{Transport: transport}
}

func settingsOf(self agentSelf, date string, began, ended time.Time) *paas.AgentSettings {
	s := &paas.AgentSettings{
		ChrootEnv: len(self.Config.Client.ChrootEnv), HeartbeatGrace: self.Config.Server.HeartbeatGrace, Skew: skewOf(date, began, ended),
	}
	if size := self.Config.Server.EventBufferSize; size != nil {
		s.EventBufferSize = *size
	}
	if kill, err := time.ParseDuration(self.Config.Client.MaxKillTimeout); err == nil {
		s.MaxKillTimeout = kill
	}
	return s
}

// skewOf says by how much the clock that gave an HTTP date is before or behind ours, at the least: the date is of
// whole seconds, and was written between began and ended.
func skewOf(date string, began, ended time.Time) *time.Duration {
	at, err := http.ParseTime(date)
	if err != nil {
		return nil
	}
	var skew time.Duration
	if late := at.Sub(ended); late > 0 {
		skew = late
	} else if early := at.Add(time.Second).Sub(began); early < 0 {
		skew = early
	}
	return &skew
}

// TokenEnd says when our own token ends, nil for never. Without a token there is nothing to end. Code: forbidden.
func (c *Client) TokenEnd(ctx context.Context) (*time.Time, error) {
	if c.token == "" {
		return nil, nil
	}
	q, cancel := c.query(ctx, "")
	defer cancel()
	token, _, err := c.api.ACLTokens().Self(q)
	if err != nil {
		return nil, c.fail(ctx, err, "look up own nomad token")
	}
	return token.ExpirationTime, nil
}
