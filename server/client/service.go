package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Offerings lists what service instances can be made of.
func (c *Client) Offerings(ctx context.Context) (list wire.ServiceOfferings, err error) {
	return list, c.call(ctx, always, "GET", "/v1/service-offerings", nil, nil, &list)
}

// Services lists the team's service instances.
func (c *Client) Services(ctx context.Context) (list wire.Services, err error) {
	return list, c.call(ctx, always, "GET", "/v1/services", nil, nil, &list)
}

// Service shows one. Code not_found once it is gone.
func (c *Client) Service(ctx context.Context, name string) (service wire.Service, err error) {
	return service, c.call(ctx, always, "GET", servicePath(name, ""), nil, nil, &service)
}

// CreateService wishes for an instance; Service shows how far it is. The name can't be used twice, so it is
// repeated only if the server can't have heard it.
func (c *Client) CreateService(ctx context.Context, r wire.CreateService) (service wire.Service, err error) {
	return service, c.call(ctx, unsent, "POST", "/v1/services", nil, r, &service)
}

// UpdateService wishes for an instance to be another.
func (c *Client) UpdateService(ctx context.Context, name string, r wire.UpdateService) (service wire.Service, err error) {
	return service, c.call(ctx, unsent, "PATCH", servicePath(name, ""), nil, r, &service)
}

// DeleteService wishes for the end of an instance. Code conflict while apps are bound to it.
func (c *Client) DeleteService(ctx context.Context, name string) (service wire.Service, err error) {
	return service, c.call(ctx, unsent, "DELETE", servicePath(name, ""), nil, nil, &service)
}

// ServiceBindings lists the bindings of apps to an instance.
func (c *Client) ServiceBindings(ctx context.Context, name string) (list wire.ServiceBindings, err error) {
	return list, c.call(ctx, always, "GET", servicePath(name, "/bindings"), nil, nil, &list)
}

// BindService wishes for an app to have credentials of an instance.
func (c *Client) BindService(ctx context.Context, name string, r wire.BindService) (binding paas.Binding, err error) {
	return binding, c.call(ctx, unsent, "POST", servicePath(name, "/bindings"), nil, r, &binding)
}

// UnbindService ends an app's binding, or all that it has of the instance where binding is "". Twice comes to
// the same.
func (c *Client) UnbindService(ctx context.Context, name, app, binding string) (ended wire.UnboundService, err error) {
	query := url.Values{}
	if binding != "" {
		query.Set("name", binding)
	}
	return ended, c.call(ctx, always, "DELETE", servicePath(name, "/bindings/"+url.PathEscape(app)), query, nil, &ended)
}

// RotateService wishes for new credentials. Twice is once too often, so it is repeated only if the server
// can't have heard it.
func (c *Client) RotateService(ctx context.Context, name string, r wire.RotateService) (list wire.ServiceBindings, err error) {
	return list, c.call(ctx, unsent, "POST", servicePath(name, "/rotate"), nil, r, &list)
}

// ServiceKeys lists the keys of an instance, without what they open it with.
func (c *Client) ServiceKeys(ctx context.Context, name string) (list wire.ServiceBindings, err error) {
	return list, c.call(ctx, always, "GET", servicePath(name, "/keys"), nil, nil, &list)
}

// CreateServiceKey wishes for a key; ServiceKeys shows how far it is.
func (c *Client) CreateServiceKey(ctx context.Context, name string, r wire.CreateServiceKey) (key paas.Binding, err error) {
	return key, c.call(ctx, unsent, "POST", servicePath(name, "/keys"), nil, r, &key)
}

// ServiceKey reveals a key. The server notes who did. Code conflict while it is not ready.
func (c *Client) ServiceKey(ctx context.Context, name, key string) (shown wire.ServiceKey, err error) {
	return shown, c.call(ctx, always, "GET", servicePath(name, "/keys/"+url.PathEscape(key)), nil, nil, &shown)
}

// DeleteServiceKey ends a key. Twice comes to the same.
func (c *Client) DeleteServiceKey(ctx context.Context, name, key string) (ended wire.UnboundService, err error) {
	return ended, c.call(ctx, always, "DELETE", servicePath(name, "/keys/"+url.PathEscape(key)), nil, nil, &ended)
}

func servicePath(name, rest string) string { return "/v1/services/" + url.PathEscape(name) + rest }
