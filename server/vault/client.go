package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config says where Vault is and how to speak to it.
type Config struct {
	Addr      string        // URL; http://127.0.0.1:8200 by default
	Token     string        // "" with TokenFile
	TokenFile string        // holds the token; read anew for each call, as an agent may renew it
	Mount     string        // of Crumpet's KV v2; crumpet by default
	JWT       string        // mount of the auth method that believes Nomad's identities; jwt-nomad by default
	Audience  string        // of those identities; vault.io by default
	Database  string        // mount of the database engine; database by default
	Timeout   time.Duration // of one call; 10 s by default
	// Transport makes the connections, and knows all of TLS then; nil for one by the environment.
	Transport *http.Transport
}

// Client speaks to one Vault.
type Client struct {
	api     *vaultapi.Client
	cfg     Config
	address string // without user and password, for sentences
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	if cfg.Addr == "" {
		cfg.Addr = "http://127.0.0.1:8200"
	}
	if cfg.Mount == "" {
		cfg.Mount = "crumpet"
	}
	if cfg.JWT == "" {
		cfg.JWT = "jwt-nomad"
	}
	if cfg.Audience == "" {
		cfg.Audience = "vault.io"
	}
	if cfg.Database == "" {
		cfg.Database = "database"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	u, err := url.Parse(cfg.Addr)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("vault.address %q is not a URL such as http://127.0.0.1:8200", cfg.Addr)
	}
	u.User = nil
	conf := vaultapi.DefaultConfig()
	if conf.Error != nil {
		return nil, fmt.Errorf("read vault's environment: %w", conf.Error)
	}
	conf.Address, conf.AgentAddress = cfg.Addr, ""
	conf.Timeout = cfg.Timeout
	conf.MaxRetries = 0 // callers retry, with their own backoff
	if cfg.Transport != nil {
		conf.HttpClient.Transport = cfg.Transport
	} else if t, ok := conf.HttpClient.Transport.(*http.Transport); ok {
		t.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	api, err := vaultapi.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("make vault client: %w", err)
	}
	api.SetToken(cfg.Token)
	return &Client{api: api, cfg: cfg, address: u.String()}, nil
}

// Ping asks Vault whether it can serve: initialized and unsealed.
func (c *Client) Ping(ctx context.Context) error {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	health, err := c.api.Sys().HealthWithContext(callCtx)
	switch {
	case err != nil:
		return c.fail(ctx, err, "ask Vault for its health")
	case !health.Initialized:
		return paas.Errorf(paas.Unavailable, "Vault at %s is not initialized. Run `vault operator init` once.", c.address)
	case health.Sealed:
		return c.sealed(nil)
	}
	return nil
}

// login takes the token from its file, where there is one.
func (c *Client) login() error {
	if c.cfg.TokenFile == "" {
		return nil
	}
	b, err := os.ReadFile(c.cfg.TokenFile)
	if err != nil {
		return paas.Wrap(paas.Unavailable, err, "The Vault token can't be read from %s. Check vault.token_file.", c.cfg.TokenFile)
	}
	c.api.SetToken(strings.TrimSpace(string(b)))
	return nil
}

// fail turns an error of the official client into a paas.Error. does is what was attempted, verb
// and object. ctx is the caller's, without our own deadline.
func (c *Client) fail(ctx context.Context, err error, does string) error {
	if ctx.Err() != nil { // the caller gave up; that is no fault of Vault's
		return fmt.Errorf("%s: %w", does, ctx.Err())
	}
	cause := fmt.Errorf("%s: %w", does, err)
	var answer *vaultapi.ResponseError
	if !errors.As(err, &answer) {
		return paas.Wrap(paas.Unavailable, cause,
			"Vault at %s does not answer. Check that it runs and that vault.address is right.", c.address)
	}
	said := strings.TrimRight(strings.Join(strings.Fields(strings.Join(answer.Errors, "; ")), " "), ". ")
	if len(said) > 300 {
		said = strings.ToValidUTF8(said[:300], "") + "..."
	}
	cause = fmt.Errorf("%s: status %d: %s", does, answer.StatusCode, said)
	switch {
	case strings.Contains(said, "Vault is sealed"):
		return c.sealed(cause)
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		return paas.Wrap(paas.Forbidden, cause,
			"Vault at %s refuses the token. Check vault.token and that its policy allows to create, read and update %s/*.", c.address, c.cfg.Mount)
	case answer.StatusCode == http.StatusNotFound:
		return paas.Wrap(paas.NotFound, cause, "Vault at %s knows no such path.", c.address)
	case answer.StatusCode == http.StatusBadRequest && strings.Contains(said, "check-and-set"):
		return paas.Wrap(paas.Conflict, cause, "Somebody else wrote it to Vault meanwhile. Try again.")
	case answer.StatusCode == http.StatusBadRequest:
		return paas.Wrap(paas.Invalid, cause, "Vault does not accept it: %s.", said)
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode >= http.StatusBadGateway:
		return paas.Wrap(paas.Unavailable, cause, "Vault at %s can't answer now (status %d). Try again in a moment.", c.address, answer.StatusCode)
	}
	return paas.Wrap(paas.Internal, cause, "Vault at %s failed: %s.", c.address, said)
}

func (c *Client) sealed(cause error) error {
	return paas.Wrap(paas.Unavailable, cause, "Vault at %s is sealed. Unseal it with `vault operator unseal`.", c.address)
}
