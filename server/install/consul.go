package install

import (
	"context"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// consulObjects are the policies and tokens of a Consul that wants tokens.
func (i *Install) consulObjects() []object {
	if !i.there.Consul.ACL {
		return nil
	}
	list := []object{i.consulPolicy(policies.Crumpet), i.consulToken(policies.Crumpet, serverSecret)}
	if i.fabioIsOurs() {
		list = append(list, i.consulPolicy(policies.Fabio), i.consulToken(policies.Fabio, fabioSecret))
	}
	return list
}

type consulPolicy struct {
	ID          string `json:",omitempty"`
	Name        string
	Description string
	Rules       string
}

func (i *Install) consulPolicy(actor policies.Actor) object {
	text, _ := policies.Text(policies.Consul, actor)
	// By its id: older ones can't be asked by name.
	find := func(ctx context.Context) (consulPolicy, error) {
		var list []consulPolicy
		if err := i.cfg.Consul(ctx, "GET", "/v1/acl/policies", nil, &list); err != nil {
			return consulPolicy{}, err
		}
		for _, p := range list {
			if p.Name == actor.Name() {
				return p, i.cfg.Consul(ctx, "GET", "/v1/acl/policy/"+p.ID, nil, &p)
			}
		}
		return consulPolicy{}, paas.Errorf(paas.NotFound, "Consul has no policy %q.", actor.Name())
	}
	return object{
		"consul", "policy", actor.Name(),
		func(ctx context.Context) (string, error) {
			p, err := find(ctx)
			return otherRules(err, p.Rules, text)
		},
		func(ctx context.Context) error {
			p, err := find(ctx)
			if err != nil && paas.CodeOf(err) != paas.NotFound {
				return err
			}
			path := "/v1/acl/policy"
			if p.ID != "" {
				path += "/" + p.ID
			}
			return i.cfg.Consul(ctx, "PUT", path, consulPolicy{ID: p.ID, Name: actor.Name(), Description: "Crumpet's platform", Rules: text}, nil)
		},
	}
}

// consulToken is the token of an actor, kept in a secret. Nomad's agents don't renew Consul's tokens, so it has no end.
func (i *Install) consulToken(actor policies.Actor, kept string) object {
	return object{
		"consul", "token", actor.Name(),
		func(ctx context.Context) (string, error) {
			have, err := i.secret(ctx, kept)
			if err != nil {
				return "", err
			}
			if given := i.cfg.Given.Consul[actor.Name()]; given != "" {
				if have["consul_token"] != given {
					return "another one, or none", nil
				}
				return "", nil
			}
			if have["consul_accessor"] == "" || have["consul_token"] == "" {
				return missing, nil
			}
			var token struct{ Policies []struct{ Name string } }
			err = i.cfg.Consul(ctx, "GET", "/v1/acl/token/"+have["consul_accessor"], nil, &token)
			switch code := paas.CodeOf(err); {
			case code == paas.NotFound || code == paas.Forbidden: // 1.8 answers 403 to an unknown one
				return "Consul does not know it", nil
			case err != nil:
				return "", err
			case len(token.Policies) != 1 || token.Policies[0].Name != actor.Name():
				return "other policies", nil
			}
			return "", nil
		},
		// Kept before it is made, so that none is lost whose making was cut off.
		func(ctx context.Context) error {
			if given := i.cfg.Given.Consul[actor.Name()]; given != "" {
				return i.keep(ctx, kept, map[string]string{"consul_token": given})
			}
			accessor, secret := newUUID(), newUUID()
			if err := i.keep(ctx, kept, map[string]string{"consul_accessor": accessor, "consul_token": secret}); err != nil {
				return err
			}
			return i.cfg.Consul(ctx, "PUT", "/v1/acl/token", map[string]any{
				"AccessorID": accessor, "SecretID": secret, "Description": "Crumpet's platform: " + actor.Name(),
				"Policies": []map[string]string{{"Name": actor.Name()}},
			}, nil)
		},
	}
}
