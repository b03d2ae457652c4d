package client

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// DefaultAddr is where crumpet dev listens unless told otherwise.
const DefaultAddr = "http://127.0.0.1:4780"

// Config says which server to talk to, and as whom.
type Config struct {
	Addr  string // of the server, a URL; default DefaultAddr
	Token string // a bearer token
	Team  string // default "default"

	// Patience is how long a server that can't be reached is tried again; default one minute. One
	// that never answered this client may just have the wrong address: it gets FirstPatience, 2 s.
	Patience      time.Duration
	FirstPatience time.Duration
	// OnRetry is told of each try that found no server, before the next; default nobody.
	OnRetry func(err error)
	// Transport makes the requests; default one with short timeouts for connecting.
	Transport http.RoundTripper
}

// Client calls one server as one team. It may be used by several goroutines.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client
	known  atomic.Bool // the server has answered
}

const (
	defaultPatience = time.Minute
	firstPatience   = 2 * time.Second
	callWithin      = 30 * time.Second // one try of a call that is no stream and no upload
	quietFor        = 50 * time.Second // a stream without a sign of life is taken for dead: three heartbeats
)

// New makes a client. Code: invalid.
func New(config Config) (*Client, error) {
	config.Addr = cmp.Or(config.Addr, DefaultAddr)
	config.Team = cmp.Or(config.Team, paas.DefaultTeam)
	config.Patience = cmp.Or(config.Patience, defaultPatience)
	config.FirstPatience = cmp.Or(config.FirstPatience, firstPatience)
	if config.OnRetry == nil {
		config.OnRetry = func(error) {}
	}
	if !strings.Contains(config.Addr, "://") {
		config.Addr = "http://" + config.Addr
	}
	base, err := url.Parse(strings.TrimSuffix(config.Addr, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || (base.Scheme != "http" && base.Scheme != "https") {
		// The address is not repeated: it may hold a password.
		return nil, paas.Errorf(paas.Invalid, "The server's address must be a URL such as %s, without user, password or query.", DefaultAddr)
	}
	if strings.ContainsAny(config.Token, " \r\n\t") {
		return nil, paas.Errorf(paas.Invalid, "The token has white space in it. Copy it again.")
	}
	if config.Transport == nil {
		config.Transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConnsPerHost:   4,
		}
	}
	return &Client{config: config, base: base, http: &http.Client{
		Transport: config.Transport,
		// A redirect would take the token somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// do makes one request.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreached(err)
	}
	c.known.Store(true)
	return answer, nil
}

// patience is how long from now the server is tried again.
func (c *Client) patience() time.Duration {
	if c.known.Load() {
		return c.config.Patience
	}
	return min(c.config.FirstPatience, c.config.Patience)
}

// Addr is the server's address.
func (c *Client) Addr() string { return c.base.String() }

// Team is the team that calls are about.
func (c *Client) Team() string { return c.config.Team }

func (c *Client) url(path string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	if !query.Has("team") && !teamless(path) {
		query.Set("team", c.config.Team)
	}
	if len(query) == 0 {
		return c.base.String() + path
	}
	return c.base.String() + path + "?" + query.Encode()
}

// teamless says whether calls of a path are about no team, or name it in the path.
func teamless(path string) bool {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return slices.Contains([]string{"login", "logout", "self", "sessions", "teams", "tokens", "users"}, noun)
}

func appPath(app, rest string) string { return "/v1/apps/" + url.PathEscape(app) + rest }

func (c *Client) request(ctx context.Context, method, path string, query url.Values) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.url(path, query), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if c.config.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	r.Header.Set("Accept", "application/json, text/event-stream, application/problem+json")
	return r, nil
}
