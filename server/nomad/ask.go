package nomad

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// askTimeout is short: a healthy instance answers at once, and a port may be behind a wall.
const askTimeout = time.Second

// Ask does once what an instance's check does, from here: a GET of path, or only a connection if
// path is empty. It gives what a check would print. Consul passes the output of a check on only when
// its status changes, so for one that never passed it has none.
func (c *Client) Ask(ctx context.Context, at paas.Endpoint, path string) (output string) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	address := net.JoinHostPort(at.Host, strconv.Itoa(at.Port))
	if path == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	}
	url := "http://" + address + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("User-Agent", "crumpet")
	resp, err := (&http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	return fmt.Sprintf("HTTP GET %s: %s", url, resp.Status)
}
