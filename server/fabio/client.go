package fabio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	tableTimeout  = 3 * time.Second
	answerTimeout = 2 * time.Second
	longestTable  = 64 << 20 // bytes
	// wildcard stands for the * of a wildcard host when it is probed.
	wildcard = "crumpet-probe"
)

// Config says where the routers are.
type Config struct {
	Addresses []string                                    // of admin APIs, URLs or HOST:PORT
	Discover  func(ctx context.Context) ([]Router, error) // finds more of them; may be nil
	RouterURL string                                      // where requests for apps go in
	Now       func() time.Time                            // time.Now by default
	Transport *http.Transport                             // to admin APIs; nil for one of the client's own
}

// Client reads all routers.
type Client struct {
	cfg   Config
	http  *http.Client
	probe *http.Client // follows no redirect, keeps no connection
	// metrics holds the URL of each router's counters, by its admin URL.
	metrics sync.Map
	refused refusals
	looks   readings // of Routers
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.RouterURL)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("fabio.url %q is not a URL such as http://127.0.0.1:9999", cfg.RouterURL)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	}
	return &Client{
		cfg:  cfg,
		http: &http.Client{Transport: cfg.Transport},
		probe: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		refused: refusals{since: map[string]time.Time{}},
	}, nil
}

// Tables gives the route table of every router that answered, in the order of their addresses, and
// an error that names those that did not, but for those that are gone. No router at all is an error as well.
func (c *Client) Tables(ctx context.Context) ([]paas.RouterTable, error) {
	return every(ctx, c, c.table)
}

// Ping says whether every router answers. One that is gone is missing here: somebody should know of it.
func (c *Client) Ping(ctx context.Context) error {
	_, _, errs, err := everyone(ctx, c, c.table)
	return errors.Join(append(errs, err)...)
}

// Answers gives the status of a GET for a host and path through the router, redirects not followed.
// The answer may be the router's own.
func (c *Client) Answers(ctx context.Context, host, path string) (status int, err error) {
	callCtx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(callCtx, http.MethodGet, strings.TrimSuffix(c.cfg.RouterURL, "/")+path, http.NoBody)
	if err != nil {
		return 0, paas.Wrap(paas.Invalid, err, "The path %q can't be asked for.", path)
	}
	req.Host = strings.Replace(host, "*", wildcard, 1)
	if port := req.URL.Port(); port != "" { // as a browser sends it
		req.Host += ":" + port
	}
	req.Header.Set("User-Agent", "crumpet")
	resp, err := c.probe.Do(req)
	if err != nil {
		return 0, paas.Wrap(paas.Unavailable, err, "The router at %s gives no answer for %s%s.", c.cfg.RouterURL, host, path)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, nil
}

// routers gives each once, by its admin URL. What is registered may be ill; what is configured is taken to be well.
func (c *Client) routers(ctx context.Context) ([]Router, error) {
	var found []Router
	for _, a := range c.cfg.Addresses {
		found = append(found, Router{Address: a})
	}
	if c.cfg.Discover != nil {
		more, err := c.cfg.Discover(ctx)
		if err != nil {
			return nil, fmt.Errorf("find the routers: %w", err)
		}
		found = append(found, more...)
	}
	known := map[string]Router{}
	for _, r := range found {
		if !strings.Contains(r.Address, "://") {
			r.Address = "http://" + r.Address
		}
		r.Address = strings.TrimSuffix(r.Address, "/")
		if before, twice := known[r.Address]; twice {
			r.Ill = r.Ill && before.Ill
		}
		known[r.Address] = r
	}
	c.refused.keep(known)
	return slices.SortedFunc(maps.Values(known), func(a, b Router) int { return strings.Compare(a.Address, b.Address) }), nil
}

// entry is a row of Fabio's /api/routes.
type entry struct {
	Service string  `json:"service"`
	Host    string  `json:"host"`
	Path    string  `json:"path"`
	Dst     string  `json:"dst"`
	Weight  float64 `json:"weight"`
}

func (c *Client) table(ctx context.Context, address string) (paas.RouterTable, error) {
	callCtx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(callCtx, http.MethodGet, address+"/api/routes", http.NoBody)
	if err != nil {
		return paas.RouterTable{}, paas.Wrap(paas.Invalid, err, "The address %q of a router is not a URL.", address)
	}
	resp, err := c.http.Do(req)
	if err != nil && ctx.Err() != nil {
		return paas.RouterTable{}, fmt.Errorf("read the route table of %s: %w", address, ctx.Err())
	}
	c.refused.note(address, err, c.cfg.Now())
	if err != nil {
		return paas.RouterTable{}, unreachable(address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return paas.RouterTable{}, unreachable(address, fmt.Errorf("status %d", resp.StatusCode))
	}
	var rows []entry // null when the table is empty
	if err := json.NewDecoder(io.LimitReader(resp.Body, longestTable)).Decode(&rows); err != nil {
		return paas.RouterTable{}, unreachable(address, err)
	}
	table := paas.RouterTable{Router: address, Entries: make([]paas.RouterEntry, 0, len(rows))}
	for _, r := range rows {
		table.Entries = append(table.Entries, paas.RouterEntry{
			Service: r.Service, Host: r.Host, Path: r.Path, Dst: target(r.Dst), Weight: r.Weight,
		})
	}
	return table, nil
}

// target gives HOST:PORT of the URL that requests are sent to.
func target(dst string) string {
	u, err := url.Parse(dst)
	if err != nil || u.Host == "" {
		return dst
	}
	return u.Host
}

// unreachable says what is known of a router whose table is not: a walk that waits for it has no other reason.
func unreachable(address string, cause error) error {
	switch {
	case errors.Is(cause, syscall.ECONNREFUSED):
		return paas.Wrap(paas.Unavailable, cause, "The router at %s refuses connections. Start Fabio there; if it has ended, it is left out %s after its check in Consul fails.", address, Refusing)
	case errors.Is(cause, context.DeadlineExceeded):
		return paas.Wrap(paas.Unavailable, cause, "The router at %s does not answer within %s, and may still lead clients. End it if it is stuck, or see that its ui.addr can be reached from here.", address, tableTimeout)
	}
	return paas.Wrap(paas.Unavailable, cause, "The router at %s does not show its route table. Check that Fabio runs and that its ui.addr can be reached from here.", address)
}
