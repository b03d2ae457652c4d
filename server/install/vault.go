package install

import (
	"context"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Names that the servers have as defaults: mounts of Vault, and the audience of identities.
const (
	kvMount       = "crumpet"
	jwtMount      = "jwt-nomad"
	databaseMount = "database"
	audience      = "vault.io"
)

// rolePeriod is how long a task's token lives after each renewal by Nomad, as those of apps do: a Vault that is away for
// half of it costs nobody a token.
const rolePeriod = 24 * 3600

func (i *Install) vaultObjects() []object {
	list := []object{
		i.mount("sys/mounts", kvMount, map[string]any{"type": "kv", "options": map[string]string{"version": "2"}}),
		i.mount("sys/mounts", databaseMount, map[string]any{"type": "database"}),
		i.mount("sys/auth", jwtMount, map[string]any{"type": "jwt", "description": "identities of Nomad's workloads"}),
		i.believe(),
		i.vaultPolicy(policies.Crumpet),
		i.role(policies.Crumpet, crumpetJob),
	}
	if i.fabioIsOurs() && i.there.Consul.ACL {
		list = append(list, i.vaultPolicy(policies.Fabio), i.role(policies.Fabio, fabioJob))
	}
	return list
}

// mount is an engine or an auth method; one of that name is taken as it is.
func (i *Install) mount(kind, name string, body map[string]any) object {
	return object{
		"vault", "mount", strings.TrimPrefix(kind, "sys/") + "/" + name,
		func(ctx context.Context) (string, error) {
			var answer struct {
				Data map[string]any `json:"data"`
			}
			if err := i.cfg.Vault(ctx, "GET", "/v1/"+kind, nil, &answer); err != nil {
				return "", err
			}
			if _, ok := answer.Data[name+"/"]; !ok {
				return missing, nil
			}
			return "", nil
		},
		func(ctx context.Context) error { return i.cfg.Vault(ctx, "POST", "/v1/"+kind+"/"+name, body, nil) },
	}
}

// believe has Vault believe Nomad's keys, unless it believes somebody's already: an operator has chosen whose.
func (i *Install) believe() object {
	path := "/v1/auth/" + jwtMount + "/config"
	return object{
		"vault", "config", "auth/" + jwtMount,
		func(ctx context.Context) (string, error) {
			var answer struct {
				Data struct {
					JWKS      string   `json:"jwks_url"`
					Discovery string   `json:"oidc_discovery_url"`
					Keys      []string `json:"jwt_validation_pubkeys"`
				} `json:"data"`
			}
			err := i.cfg.Vault(ctx, "GET", path, nil, &answer)
			if code := paas.CodeOf(err); code == paas.NotFound || code == paas.Invalid { // no mount yet, no config yet
				return missing, nil
			}
			if err == nil && answer.Data.JWKS == "" && answer.Data.Discovery == "" && len(answer.Data.Keys) == 0 {
				return missing, nil
			}
			return "", err
		},
		func(ctx context.Context) error {
			body := map[string]any{"jwks_url": i.wish.JWKS, "jwt_supported_algs": []string{"RS256", "EdDSA"}}
			if i.wish.JWKSCA != "" {
				body["jwks_ca_pem"] = i.wish.JWKSCA
			}
			if err := i.cfg.Vault(ctx, "POST", path, body, nil); err != nil {
				return paas.Wrap(paas.CodeOf(err), err, "Vault can't read Nomad's public keys at %s. Say by --jwks-url where it can; with a Nomad that wants client certificates, that of `crumpet jwks`.", i.wish.JWKS)
			}
			return nil
		},
	}
}

func (i *Install) vaultPolicy(actor policies.Actor) object {
	text, _ := policies.Text(policies.Vault, actor)
	path := "/v1/sys/policies/acl/" + actor.Name()
	return object{
		"vault", "policy", actor.Name(),
		func(ctx context.Context) (string, error) {
			var answer struct {
				Data struct {
					Policy string `json:"policy"`
				} `json:"data"`
			}
			err := i.cfg.Vault(ctx, "GET", path, nil, &answer)
			return otherRules(err, answer.Data.Policy, text)
		},
		func(ctx context.Context) error {
			return i.cfg.Vault(ctx, "PUT", path, map[string]string{"policy": text}, nil)
		},
	}
}

// otherRules compares the rules that a program has of a policy with those wished.
func otherRules(err error, have, wished string) (string, error) {
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return missing, nil
	case err != nil:
		return "", err
	case strings.TrimSpace(have) != strings.TrimSpace(wished):
		return "other rules", nil
	}
	return "", nil
}

// role lets one task of one job of the platform log in, and nobody else.
func (i *Install) role(actor policies.Actor, job string) object {
	path := "/v1/auth/" + jwtMount + "/role/" + actor.Name()
	claims := map[string]string{"nomad_namespace": namespace, "nomad_job_id": job, "nomad_task": job}
	return object{
		"vault", "role", "auth/" + jwtMount + "/" + actor.Name(),
		func(ctx context.Context) (string, error) {
			var answer struct {
				Data struct {
					Claims    map[string]any `json:"bound_claims"`
					Audiences []string       `json:"bound_audiences"`
					Policies  []string       `json:"token_policies"`
					Period    int            `json:"token_period"`
					User      string         `json:"user_claim"`
				} `json:"data"`
			}
			err := i.cfg.Vault(ctx, "GET", path, nil, &answer)
			if paas.CodeOf(err) == paas.NotFound {
				return missing, nil
			}
			if err != nil {
				return "", err
			}
			d := answer.Data
			same := len(d.Claims) == len(claims) && slices.Equal(d.Audiences, []string{audience}) && slices.Equal(d.Policies, []string{actor.Name()}) &&
				d.Period == rolePeriod && d.User == "sub"
			for name, wished := range claims {
				if text, list := d.Claims[name].(string), d.Claims[name]; text != wished && !isOnly(list, wished) {
					same = false
				}
			}
			if !same {
				return "other claims", nil
			}
			return "", nil
		},
		func(ctx context.Context) error {
			return i.cfg.Vault(ctx, "POST", path, map[string]any{
				"role_type": "jwt", "bound_audiences": []string{audience}, "bound_claims_type": "string", "bound_claims": claims,
				// REGION:NAMESPACE:JOB:GROUP:TASK:IDENTITY: the job's id alone would make one entity of two namespaces' jobs.
				"user_claim": "sub", "token_type": "service", "token_policies": []string{actor.Name()}, "token_no_default_policy": true,
				"token_period": rolePeriod,
			}, nil)
		},
	}
}

// isOnly says that a value of JSON is a list of one text.
func isOnly(value any, text string) bool {
	list, ok := value.([]any)
	return ok && len(list) == 1 && list[0] == text
}
