package fabio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const longestVersion = 200

// setup is what of Fabio's configuration decides whether it can be relied on.
type setup struct {
	UI    struct{ Access string }
	Proxy struct {
		Strategy    string
		DialTimeout time.Duration
	}
	Registry struct {
		Consul struct {
			KVPath, ChecksRequired string
			ServiceMonitors        int
		}
	}
	GlobMatchingDisabled bool
}

// Settings gives how every router is set up, in the order of their addresses; one that does not say so has a
// reason. An error says that it is not known which routers there are.
func (c *Client) Settings(ctx context.Context) ([]paas.RouterSettings, error) {
	routers, list, errs, err := everyone(ctx, c, c.settings)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Address = routers[i].Address; errs[i] != nil {
			list[i].Reason = paas.MessageOf(errs[i])
		}
	}
	return list, nil
}

func (c *Client) settings(ctx context.Context, address string) (paas.RouterSettings, error) {
	callCtx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	said, err := c.text(callCtx, address+"/api/config", longestTable)
	if err != nil {
		return paas.RouterSettings{}, unsettled(address, err)
	}
	var s setup
	if err := json.Unmarshal([]byte(said), &s); err != nil {
		return paas.RouterSettings{}, unsettled(address, fmt.Errorf("read its configuration: %w", err))
	}
	version, err := c.text(callCtx, address+"/api/version", longestVersion)
	if err != nil {
		return paas.RouterSettings{}, unsettled(address, err)
	}
	of := s.Registry.Consul
	return paas.RouterSettings{
		Version: strings.TrimSpace(version), Access: s.UI.Access, Strategy: s.Proxy.Strategy, NoGlob: s.GlobMatchingDisabled, KVPath: of.KVPath,
		Monitors: of.ServiceMonitors, Checks: of.ChecksRequired, DialTimeout: s.Proxy.DialTimeout,
	}, nil
}

func (c *Client) text(ctx context.Context, at string, longest int64) (string, error) {
	body, err := c.read(ctx, at)
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	b, err := io.ReadAll(io.LimitReader(body, longest))
	return string(b), err
}

func unsettled(address string, cause error) error {
	return paas.Wrap(paas.Unavailable, cause, "The router at %s does not show its configuration.", address)
}
