package cli

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	askWithin = 10 * time.Second
	knockFor  = 2 * time.Second
	maxAnswer = 64 << 10
)

// routers gives the proxy addresses of the routers: the host of each one's admin API with the port of the canary's
// URL. Where the port of all is another, before a load balancer, none can be reached, and the URL has to do.
func (v *verify) routers(ctx context.Context) (at, unreached []string, err error) {
	p, err := v.c.Platform(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range p.Routers {
		u, err := url.Parse(r.Address)
		if err != nil {
			continue
		}
		address := net.JoinHostPort(u.Hostname(), v.port())
		conn, err := (&net.Dialer{Timeout: knockFor}).DialContext(ctx, "tcp", address)
		if err != nil {
			unreached = append(unreached, address)
			continue
		}
		_ = conn.Close() // it was only a knock
		at = append(at, address)
	}
	return at, unreached, ctx.Err()
}

// any gives a router that can be reached, "" where the URL has to do.
func (v *verify) any(ctx context.Context) string {
	at, _, err := v.routers(ctx)
	if err != nil || len(at) == 0 {
		return ""
	}
	return at[0]
}

func (v *verify) port() string {
	u, err := url.Parse(v.url)
	switch {
	case err != nil:
		return ""
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// ask sends the canary a request, through the router named: its host need not be known to anybody else.
func (v *verify) ask(ctx context.Context, router, mark string) (answer canaryAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	at := v.url
	if mark != "" {
		at += "?mark=" + url.QueryEscape(mark)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return answer, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if router != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, router)
		}
	}
	through := router
	if through == "" {
		through = "its address"
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return answer, paas.Wrap(paas.Unavailable, err, "%s does not answer through %s.", v.url, through)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, paas.Wrap(paas.Unavailable, err, "%s does not answer whole through %s.", v.url, through)
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		return answer, paas.Errorf(paas.Unavailable, "%s answers %s through %s, and that is not the canary.", v.url, resp.Status, through)
	}
	return answer, nil
}
