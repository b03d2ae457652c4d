package fabio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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
	Discover  func(ctx context.Context) ([]string, error) // finds more of them; may be nil
	RouterURL string                                      // where requests for apps go in
}

// Client reads all routers.
type Client struct {
	cfg   Config
	http  *http.Client
	probe *http.Client // follows no redirect, keeps no connection
	// metrics holds the URL of each router's counters, by its admin URL.
	metrics sync.Map
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.RouterURL)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("fabio.url %q is not a URL such as http://127.0.0.1:9999", cfg.RouterURL)
	}
	return &Client{
		cfg:  cfg,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}},
		probe: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Tables gives the route table of every router that answered, in the order of their addresses, and
// an error that names those that did not. No router at all is an error as well.
func (c *Client) Tables(ctx context.Context) ([]paas.RouterTable, error) {
	return every(ctx, c, c.table)
}

// Ping says whether every router answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Tables(ctx)
	return err
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

// addresses gives each admin URL once.
func (c *Client) addresses(ctx context.Context) ([]string, error) {
	found := slices.Clone(c.cfg.Addresses)
	if c.cfg.Discover != nil {
		more, err := c.cfg.Discover(ctx)
		if err != nil {
			return nil, fmt.Errorf("find the routers: %w", err)
		}
		found = append(found, more...)
	}
	for i, a := range found {
		if !strings.Contains(a, "://") {
			a = "http://" + a
		}
		found[i] = strings.TrimSuffix(a, "/")
	}
	slices.Sort(found)
	return slices.Compact(found), nil
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
	if err != nil {
		if ctx.Err() != nil {
			return paas.RouterTable{}, fmt.Errorf("read the route table of %s: %w", address, ctx.Err())
		}
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

func unreachable(address string, cause error) error {
	return paas.Wrap(paas.Unavailable, cause, "The router at %s does not show its route table. Check that Fabio runs and that its ui.addr can be reached from here.", address)
}
