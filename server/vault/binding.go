package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What the KV engine keeps of services, below MOUNT/data:
//
//	apps/TEAM/APP/bindings/NAME            credentials of a binding; the version is its generation
//	services/TEAM/INSTANCE/keys/NAME       those of a key, which no app may read
//	services/TEAM/INSTANCE/given           parameters and credentials that were given for an instance
//	services/TEAM/INSTANCE/for/APP.NAME    parameters of a binding
//	platform/providers/NAME                what opens a provider

const (
	keptGenerations = 50 // of a binding: far more than stand beside each other
	keptGiven       = 5
)

// PutBinding writes the next generation of a binding's credentials, and says its number. Codes: invalid (a
// size), unavailable, forbidden.
func (c *Client) PutBinding(ctx context.Context, b paas.Binding, values map[string]string) (generation int, err error) {
	at, err := bindingPath(b)
	if err != nil {
		return 0, err
	}
	return c.putNext(ctx, "write credentials of "+at, at, values, keptGenerations)
}

// Binding reads the newest credentials. Codes: not_found, unavailable, forbidden.
func (c *Client) Binding(ctx context.Context, b paas.Binding) (map[string]string, error) {
	at, err := bindingPath(b)
	if err != nil {
		return nil, err
	}
	return c.values(ctx, "read credentials of "+at, at, 0)
}

// DestroyBinding destroys one generation for good; none is as well.
func (c *Client) DestroyBinding(ctx context.Context, b paas.Binding, generation int) error {
	at, err := bindingPath(b)
	if err != nil {
		return err
	}
	_, err = c.write(ctx, c.kv("destroy credentials of "+at, "destroy", at), map[string]any{"versions": []int{generation}})
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	return err
}

// DeleteBinding deletes all generations, and what is known of them; none is as well.
func (c *Client) DeleteBinding(ctx context.Context, b paas.Binding) error {
	at, err := bindingPath(b)
	if err != nil {
		return err
	}
	return c.remove(ctx, c.kv("delete credentials of "+at, "metadata", at))
}

// PutParams writes the next version of what was given for an instance, or for a binding of it.
func (c *Client) PutParams(ctx context.Context, p paas.ParamsPath, values map[string]string) (version int, err error) {
	at, err := paramsPath(p)
	if err != nil {
		return 0, err
	}
	return c.putNext(ctx, "write what was given for "+at, at, values, keptGiven)
}

// Params reads a version of it. Codes: not_found, unavailable, forbidden.
func (c *Client) Params(ctx context.Context, p paas.ParamsPath, version int) (map[string]string, error) {
	at, err := paramsPath(p)
	if err != nil {
		return nil, err
	}
	return c.values(ctx, "read what was given for "+at, at, version)
}

// DeleteParams deletes all of it; none is as well.
func (c *Client) DeleteParams(ctx context.Context, p paas.ParamsPath) error {
	at, err := paramsPath(p)
	if err != nil {
		return err
	}
	return c.remove(ctx, c.kv("delete what was given for "+at, "metadata", at))
}

// PutProvider writes what opens a provider, in place of what did.
func (c *Client) PutProvider(ctx context.Context, name string, values map[string]string) error {
	at, err := providerPath(name)
	if err != nil {
		return err
	}
	_, err = c.putNext(ctx, "write the password of "+at, at, values, 1)
	return err
}

// Provider reads it. Codes: not_found, unavailable, forbidden.
func (c *Client) Provider(ctx context.Context, name string) (map[string]string, error) {
	at, err := providerPath(name)
	if err != nil {
		return nil, err
	}
	return c.values(ctx, "read the password of "+at, at, 0)
}

// DeleteProvider deletes it; none is as well.
func (c *Client) DeleteProvider(ctx context.Context, name string) error {
	at, err := providerPath(name)
	if err != nil {
		return err
	}
	return c.remove(ctx, c.kv("delete the password of "+at, "metadata", at))
}

func (c *Client) kv(does, kind, at string) call {
	return call{does: does, path: c.cfg.Mount + "/" + kind + "/" + at, make: "vault secrets enable -path=" + c.cfg.Mount + " kv-v2"}
}

// putNext writes a version, whichever is next. How many are kept is said with the first.
func (c *Client) putNext(ctx context.Context, does, at string, values map[string]string, kept int) (version int, err error) {
	if err := checkValues(at, values); err != nil {
		return 0, err
	}
	answer, err := c.write(ctx, c.kv(does, "data", at), map[string]any{"data": values})
	if err != nil {
		return 0, err
	}
	if answer != nil {
		if n, ok := answer.Data["version"].(json.Number); ok {
			version, _ = strconv.Atoi(n.String()) // 0 is caught below
		}
	}
	if version < 1 {
		return 0, paas.Errorf(paas.Internal, "Vault at %s did not say which version of %s it wrote.", c.address, at)
	}
	if version == 1 {
		_, err = c.write(ctx, c.kv(does, "metadata", at), map[string]any{"max_versions": kept})
	}
	return version, err
}

// values reads one version, the newest for 0.
func (c *Client) values(ctx context.Context, does, at string, version int) (map[string]string, error) {
	to := c.kv(does, "data", at)
	if version > 0 {
		to.query = map[string][]string{"version": {strconv.Itoa(version)}}
	}
	var body struct {
		Data map[string]any `json:"data"`
	}
	err := c.read(ctx, to, &body)
	if paas.CodeOf(err) == paas.NotFound || err == nil && body.Data == nil {
		return nil, paas.Wrap(paas.NotFound, err, "Vault at %s has nothing at %s: it was never written, or it was destroyed. Give it anew.", c.address, at)
	}
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(body.Data))
	for name, value := range body.Data {
		text, ok := value.(string)
		if !ok {
			return nil, paas.Errorf(paas.Internal, "The value of %q at %s in Vault is not a text: it was not written by Crumpet.", name, at)
		}
		values[name] = text
	}
	return values, nil
}

// checkValues bounds what is written. Names are a broker's, or our own: any text is one.
func checkValues(at string, values map[string]string) error {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !utf8.ValidString(name) || !utf8.ValidString(values[name]) { // JSON would change it
			return paas.Errorf(paas.Invalid, "What is to be kept at %s is not text in UTF-8. Give it in base64.", at)
		}
		total += len(name) + len(values[name])
	}
	if total > MaxSecrets {
		return paas.Errorf(paas.Invalid, "What is to be kept at %s has %d bytes; at most %d are allowed. Keep large things in a service, not in its credentials.", at, total, MaxSecrets)
	}
	return nil
}

// The paths are the border between apps, so whatever stands in them is checked to be a name.

func bindingPath(b paas.Binding) (string, error) {
	if b.Key() {
		return checked(fmt.Sprintf("services/%s/%s/keys/%s", b.Team, b.Instance, b.Name), name{"team", b.Team, paas.MaxTeam},
			name{"service instance", b.Instance, paas.MaxServiceInstance}, name{"key", b.Name, paas.MaxProcess})
	}
	return checked(paas.BindingPath(b.Ref(), b.Name), name{"team", b.Team, paas.MaxTeam}, name{"app", b.App, paas.MaxApp}, name{"binding", b.Name, paas.MaxProcess})
}

func paramsPath(p paas.ParamsPath) (string, error) {
	names := []name{{"team", p.Team, paas.MaxTeam}, {"service instance", p.Instance, paas.MaxServiceInstance}}
	at := fmt.Sprintf("services/%s/%s/given", p.Team, p.Instance)
	if p.Binding != "" {
		app, binding, _ := strings.Cut(p.Binding, ".")
		if app != "" { // a key has none
			names = append(names, name{"app", app, paas.MaxApp})
		}
		names = append(names, name{"binding", binding, paas.MaxProcess})
		at = fmt.Sprintf("services/%s/%s/for/%s", p.Team, p.Instance, p.Binding)
	}
	return checked(at, names...)
}

func providerPath(of string) (string, error) {
	return checked("platform/providers/"+of, name{"provider", of, paas.MaxApp})
}

type name struct {
	kind, name string
	longest    int
}

func checked(at string, names ...name) (string, error) {
	for _, n := range names {
		if problem := paas.CheckName(n.kind, n.name, n.longest); problem != "" {
			return "", &paas.Error{Code: paas.Invalid, Message: problem}
		}
	}
	return at, nil
}
