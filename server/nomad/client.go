package nomad

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Config says where Nomad is and how to speak to it.
type Config struct {
	Address string // URL of a server or an agent; http://127.0.0.1:4646 by default
	Region  string // the agent's own by default
	Token   string // ACL token; none by default

	CAFile   string // PEM file of the authority that signed Nomad's certificate
	CertFile string // PEM file of our client certificate
	KeyFile  string // PEM file of its key
	// Transport makes the connections, and knows all of TLS then; nil for one of the client's own.
	Transport *http.Transport

	Timeout time.Duration // of one call that doesn't wait; 10 s by default
	Proc    string        // where Listening finds processes; /proc by default
}

// Client speaks to one Nomad region.
type Client struct {
	api     *nomadapi.Client
	address string // without user and password, for sentences
	// What exec needs of the configuration: the official client keeps it to itself.
	base, region, token string
	http                *http.Client
	timeout             time.Duration
	proc                string
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	if cfg.Address == "" {
		cfg.Address = "http://127.0.0.1:4646"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Proc == "" {
		cfg.Proc = "/proc"
	}
	address, err := plainAddress(cfg.Address)
	if err != nil {
		return nil, err
	}
	conf := &nomadapi.Config{
		Address:  cfg.Address,
		Region:   cfg.Region,
		SecretID: cfg.Token,
		TLSConfig: &nomadapi.TLSConfig{
			CACert:     cfg.CAFile,
			ClientCert: cfg.CertFile,
			ClientKey:  cfg.KeyFile,
		},
	}
	if conf.HttpClient, err = cfg.client(conf.TLSConfig); err != nil {
		return nil, err
	}
	api, err := nomadapi.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("make nomad client: %w", err)
	}
	base := strings.TrimSuffix(address, "/")
	if strings.HasPrefix(base, "unix:") {
		base = "http://127.0.0.1" // the official client has told the transport where that is
	}
	return &Client{
		api: api, address: address, base: base, region: cfg.Region, token: cfg.Token, http: conf.HttpClient,
		timeout: cfg.Timeout, proc: cfg.Proc,
	}, nil
}

// client makes connections, by files of TLS where no transport is given.
func (cfg Config) client(files *nomadapi.TLSConfig) (*http.Client, error) {
	if cfg.Transport != nil {
		return &http.Client{Transport: cfg.Transport}, nil
	}
	own := &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     time.Minute,
	}}
	if err := nomadapi.ConfigureTLS(own, files); err != nil {
		return nil, fmt.Errorf("configure tls of nomad: %w", err)
	}
	return own, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.api.Close() }

// Ping asks Nomad whether it has a leader and which version it is.
func (c *Client) Ping(ctx context.Context) (version string, err error) {
	q, cancel := c.query(ctx, "")
	defer cancel()
	var leader string
	if _, err := c.api.Raw().Query("/v1/status/leader", &leader, q); err != nil {
		return "", c.fail(ctx, err, "ask Nomad for its leader")
	}
	if leader == "" {
		return "", c.noLeader(nil)
	}
	var self nomadapi.AgentSelf
	if _, err := c.api.Raw().Query("/v1/agent/self", &self, q); err != nil {
		return "", c.fail(ctx, err, "ask Nomad for its version")
	}
	return self.Member.Tags["build"], nil
}

// query gives the options of a read in a namespace, with the deadline of one call.
func (c *Client) query(ctx context.Context, namespace string) (*nomadapi.QueryOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	q := &nomadapi.QueryOptions{Namespace: namespace}
	return q.WithContext(ctx), cancel
}

// write gives the options of a write in a namespace, with the deadline of one call.
func (c *Client) write(ctx context.Context, namespace string) (*nomadapi.WriteOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	w := &nomadapi.WriteOptions{Namespace: namespace}
	return w.WithContext(ctx), cancel
}

// plainAddress checks an address and takes user and password out of it.
func plainAddress(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || (u.Host == "" && u.Scheme != "unix") {
		return "", fmt.Errorf("nomad.address %q is not a URL such as http://127.0.0.1:4646", address)
	}
	u.User = nil
	return u.String(), nil
}
