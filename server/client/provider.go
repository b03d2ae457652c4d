package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// Providers lists the database servers and service brokers that are registered.
func (c *Client) Providers(ctx context.Context) (list wire.Providers, err error) {
	return list, c.call(ctx, always, "GET", "/v1/providers", nil, nil, &list)
}

// Provider shows one.
func (c *Client) Provider(ctx context.Context, name string) (provider wire.Provider, err error) {
	return provider, c.call(ctx, always, "GET", providerPath(name, ""), nil, nil, &provider)
}

// AddProvider registers one, or changes the one of that name.
func (c *Client) AddProvider(ctx context.Context, r wire.AddProvider) (provider wire.Provider, err error) {
	return provider, c.call(ctx, unsent, "POST", "/v1/providers", nil, r, &provider)
}

// RemoveProvider forgets one that has no instances.
func (c *Client) RemoveProvider(ctx context.Context, name string) (provider wire.Provider, err error) {
	return provider, c.call(ctx, unsent, "DELETE", providerPath(name, ""), nil, nil, &provider)
}

// RefreshProvider reads its catalog again.
func (c *Client) RefreshProvider(ctx context.Context, name string) (provider wire.Provider, err error) {
	return provider, c.call(ctx, always, "POST", providerPath(name, "/refresh"), nil, nil, &provider)
}

func providerPath(name, rest string) string { return "/v1/providers/" + url.PathEscape(name) + rest }
