package install

import (
	"context"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// namespace is that of the platform's own jobs.
const namespace = paas.PlatformNamespace

// canaries is the namespace of the team that `crumpet cluster verify` makes and takes away again. Crumpet's own token
// may make no namespace.
const canaries = "crumpet-verify"

func (i *Install) nomadObjects() []object {
	list := []object{i.nomadNamespace(namespace, "Crumpet's own jobs"), i.nomadNamespace(canaries, "Canaries of crumpet cluster verify")}
	if i.there.Nomad.ACL {
		list = append(list, i.nomadPolicy(), i.nomadToken())
	}
	return list
}

func (i *Install) nomadNamespace(name, about string) object {
	return object{
		"nomad", "namespace", name,
		func(ctx context.Context) (string, error) {
			err := i.cfg.Nomad(ctx, "GET", "/v1/namespace/"+name, nil, nil)
			if paas.CodeOf(err) == paas.NotFound {
				return missing, nil
			}
			return "", err
		},
		func(ctx context.Context) error {
			return i.cfg.Nomad(ctx, "POST", "/v1/namespace", map[string]string{"Name": name, "Description": about}, nil)
		},
	}
}

func (i *Install) nomadPolicy() object {
	text, _ := policies.Text(policies.Nomad, policies.Crumpet)
	name := policies.Crumpet.Name()
	return object{
		"nomad", "policy", name,
		func(ctx context.Context) (string, error) {
			var p struct{ Rules string }
			err := i.cfg.Nomad(ctx, "GET", "/v1/acl/policy/"+name, nil, &p)
			return otherRules(err, p.Rules, text)
		},
		func(ctx context.Context) error {
			return i.cfg.Nomad(ctx, "POST", "/v1/acl/policy/"+name, map[string]string{"Name": name, "Description": "Crumpet's servers", "Rules": text}, nil)
		},
	}
}

// nomadToken is the servers' token. It is in Vault, and no identity of Nomad's, so that an operator may put a management
// token in its place: with that one Crumpet makes the namespaces of teams itself.
func (i *Install) nomadToken() object {
	name := policies.Crumpet.Name()
	return object{
		"nomad", "token", name,
		func(ctx context.Context) (string, error) {
			have, err := i.secret(ctx, serverSecret)
			if err != nil {
				return "", err
			}
			if have["nomad_accessor"] == "" || have["nomad_token"] == "" {
				return missing, nil
			}
			var token struct {
				Type     string
				Policies []string
			}
			err = i.cfg.Nomad(ctx, "GET", "/v1/acl/token/"+have["nomad_accessor"], nil, &token)
			switch {
			case paas.CodeOf(err) == paas.NotFound:
				return "Nomad does not know it", nil
			case err != nil:
				return "", err
			case token.Type != "management" && (len(token.Policies) != 1 || token.Policies[0] != name):
				return "other policies", nil
			}
			return "", nil
		},
		func(ctx context.Context) error {
			var made struct{ AccessorID, SecretID string }
			if err := i.cfg.Nomad(ctx, "POST", "/v1/acl/token", map[string]any{"Name": name, "Type": "client", "Policies": []string{name}}, &made); err != nil {
				return err
			}
			return i.keep(ctx, serverSecret, map[string]string{"nomad_accessor": made.AccessorID, "nomad_token": made.SecretID})
		},
	}
}
