package consul

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// DefaultPrefix is where the rules of apps stand. It lies below Fabio's default
// registry.consul.kvpath and ends in a slash, as Fabio reads a mere string prefix.
const DefaultPrefix = "fabio/config/crumpet/"

// Config says where Consul is and how to speak to it.
type Config struct {
	Address    string        // URL of an agent; http://127.0.0.1:8500 by default
	Token      string        // ACL token; none by default
	Datacenter string        // the agent's own by default
	Prefix     string        // of the keys of rules, ending in a slash; DefaultPrefix by default
	Timeout    time.Duration // of one call that doesn't wait; 10 s by default
	// Transport makes the connections; nil for one of the client's own.
	Transport *http.Transport
}

// Client speaks to one Consul agent.
type Client struct {
	api     *consulapi.Client
	address string // without user and password, for sentences
	prefix  string
	token   bool // has one
	timeout time.Duration
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	if cfg.Address == "" {
		cfg.Address = "http://127.0.0.1:8500"
	}
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if !strings.HasSuffix(cfg.Prefix, "/") {
		return nil, fmt.Errorf("consul prefix %q does not end in a slash", cfg.Prefix)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("consul.address %q is not a URL such as http://127.0.0.1:8500", cfg.Address)
	}
	u.User = nil
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     time.Minute,
		}
	}
	api, err := consulapi.NewClient(&consulapi.Config{
		Address:    cfg.Address,
		Token:      cfg.Token,
		Datacenter: cfg.Datacenter,
		Transport:  cfg.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("make consul client: %w", err)
	}
	return &Client{api: api, address: u.String(), prefix: cfg.Prefix, token: cfg.Token != "", timeout: cfg.Timeout}, nil
}

// Ping asks Consul whether it has a leader.
func (c *Client) Ping(ctx context.Context) error {
	q, cancel := c.query(ctx)
	defer cancel()
	leader, err := c.api.Status().LeaderWithQueryOptions(q)
	if err != nil {
		return c.fail(ctx, err, "ask Consul for its leader")
	}
	if leader == "" {
		return paas.Errorf(paas.Unavailable, "Consul at %s has no leader. Check that a majority of its servers runs.", c.address)
	}
	return nil
}

// Listed is a registered instance of a service.
type Listed struct {
	Address string // HOST:PORT
	Ill     bool   // a check of its own is critical
}

// Services gives all registered instances of a service whose node is well. One that is ill is among them: it may
// serve clients already, or still.
func (c *Client) Services(ctx context.Context, name string) ([]Listed, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	entries, _, err := c.api.Health().Service(name, "", false, q)
	if err != nil {
		return nil, c.fail(ctx, err, fmt.Sprintf("list instances of service %q", name))
	}
	var list []Listed
	for _, e := range entries {
		if slices.ContainsFunc(e.Checks, nodeLost) {
			continue
		}
		host := e.Service.Address
		if host == "" {
			host = e.Node.Address
		}
		list = append(list, Listed{
			Address: net.JoinHostPort(host, strconv.Itoa(e.Service.Port)),
			Ill:     slices.ContainsFunc(e.Checks, func(check *consulapi.HealthCheck) bool { return check.Status == consulapi.HealthCritical }),
		})
	}
	return list, nil
}

// nodeLost says that a check is of a node, not of a service, and does not pass.
func nodeLost(check *consulapi.HealthCheck) bool {
	return check.ServiceID == "" && check.Status == consulapi.HealthCritical
}

// query gives the options of a read, with the deadline of one call.
func (c *Client) query(ctx context.Context) (*consulapi.QueryOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	return (&consulapi.QueryOptions{}).WithContext(ctx), cancel
}

// write gives the options of a write, with the deadline of one call.
func (c *Client) write(ctx context.Context) (*consulapi.WriteOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	return (&consulapi.WriteOptions{}).WithContext(ctx), cancel
}

// fail turns an error of the official client into a paas.Error. does is what was attempted, verb
// and object. ctx is the caller's, without our own deadline.
func (c *Client) fail(ctx context.Context, err error, does string) error {
	if ctx.Err() != nil { // the caller gave up; that is no fault of Consul's
		return fmt.Errorf("%s: %w", does, ctx.Err())
	}
	cause := fmt.Errorf("%s: %w", does, err)
	var answer consulapi.StatusError
	if !errors.As(err, &answer) {
		return paas.Wrap(paas.Unavailable, cause,
			"Consul at %s does not answer. Check that it runs and that consul.address is right.", c.address)
	}
	switch {
	case strings.Contains(answer.Body, "No cluster leader"):
		return paas.Wrap(paas.Unavailable, cause, "Consul at %s has no leader. Check that a majority of its servers runs.", c.address)
	case answer.Code == http.StatusForbidden, answer.Code == http.StatusUnauthorized:
		return paas.Wrap(paas.Forbidden, cause, "Consul at %s does not allow it: %s. Check the policy of the token in consul.token.", c.address, bound(answer.Body, 300))
	case answer.Code == http.StatusNotFound, strings.HasPrefix(answer.Body, "Unknown service"): // 500 where ACLs are on
		return paas.Wrap(paas.NotFound, cause, "Consul at %s knows no such thing.", c.address)
	case answer.Code == http.StatusBadRequest, answer.Code == http.StatusRequestEntityTooLarge:
		return paas.Wrap(paas.Invalid, cause, "Consul does not accept it: %s.", bound(answer.Body, 300))
	case answer.Code == http.StatusTooManyRequests, answer.Code >= http.StatusBadGateway:
		return paas.Wrap(paas.Unavailable, cause, "Consul at %s can't answer now (status %d). Try again in a moment.", c.address, answer.Code)
	}
	return paas.Wrap(paas.Internal, cause, "Consul at %s failed: %s.", c.address, bound(answer.Body, 300))
}

// bound brings foreign text onto one line of at most n bytes, without a full stop.
func bound(s string, n int) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ". ")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "..."
	}
	return s
}
