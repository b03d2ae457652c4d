package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// The namespace of the platform's own jobs. A job, its task, its role in Vault and Consul and its policies are called alike.
const platformNamespace = paas.PlatformNamespace

// wish is one thing in Vault or Consul that is to be so: what a read of it has to show, and what is written where it
// does not.
type wish struct {
	text   string // "write the policy crumpet"
	read   string // path
	at     string // key of the answer below which shows stands; "" for the whole
	shows  map[string]any
	method string
	write  string // path
	body   any
}

// vaultWishes are what an operator would do once in a new Vault.
func (w *World) vaultWishes() ([]wish, error) {
	ca, err := w.Authority()
	if err != nil {
		return nil, err
	}
	all := []wish{
		mount("mounts", "crumpet", "kv", map[string]any{"options": map[string]any{"version": "2"}}),
		mount("mounts", "database", "database", nil),
		mount("auth", "jwt-nomad", "jwt", nil),
		mount("auth", certMount, "cert", nil),
	}
	for _, actor := range policies.Actors {
		if text, ok := policies.Text(policies.Vault, actor); ok {
			path := "/v1/sys/policies/acl/" + actor.Name()
			all = append(all, wish{
				text: "write Vault's policy " + actor.Name(), read: path, at: "data", shows: map[string]any{"policy": text},
				method: http.MethodPut, write: path, body: map[string]any{"policy": text},
			})
		}
	}
	believed := map[string]any{
		"jwks_url": fmt.Sprintf("https://127.0.0.1:%d/.well-known/jwks.json", w.Fleet.Ports.JWKS), "jwks_ca_pem": string(ca.Certificate()),
		"jwt_supported_algs": []string{"RS256", "EdDSA"},
	}
	operator := map[string]any{
		"certificate": string(ca.Certificate()), "allowed_common_names": []string{certHolder},
		"token_policies": []string{policies.Operator.Name(), policies.Reader.Name()}, "token_no_default_policy": true,
		"token_type": "batch", "token_ttl": 900, "token_max_ttl": 900,
	}
	all = append(all, written("have Vault believe Nomad's identities", "/v1/auth/jwt-nomad/config", believed))
	for _, actor := range []policies.Actor{policies.Crumpet, policies.Fabio} {
		if _, ok := policies.Text(policies.Vault, actor); !ok {
			continue
		}
		name := actor.Name()
		// Exact names, and an entity for each task: see what server/vault says of the roles of apps.
		all = append(all, written("let the job "+name+" log in to Vault", "/v1/auth/jwt-nomad/role/"+name, map[string]any{
			"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "sub", "bound_claims_type": "string",
			"bound_claims": map[string]any{"nomad_namespace": platformNamespace, "nomad_job_id": name, "nomad_task": name},
			"token_type":   "service", "token_policies": []string{name}, "token_no_default_policy": true, "token_period": 86400,
		}))
	}
	all = append(
		all,
		written("let operators log in to Vault by a certificate", "/v1/auth/"+certMount+"/certs/"+certRole, operator),
	)
	if !agents.AuditInConfig(w.Fleet) {
		device := map[string]any{"type": "file", "options": map[string]any{"file_path": agents.VaultAudit}}
		all = append(all, wish{
			text: "have Vault write who asks for what to " + agents.VaultAudit, read: "/v1/sys/audit", at: "data." + agents.AuditName + "/", shows: device,
			method: http.MethodPut, write: "/v1/sys/audit/" + agents.AuditName, body: device,
		})
	}
	return all, nil
}

func mount(kind, name, engine string, more map[string]any) wish {
	body := map[string]any{"type": engine}
	maps.Copy(body, more)
	what := "mount " + name + "/ in Vault"
	if kind == "auth" {
		what = "have Vault take logins at auth/" + name
	}
	return wish{text: what, read: "/v1/sys/" + kind, at: "data." + name + "/", shows: body, method: http.MethodPost, write: "/v1/sys/" + kind + "/" + name, body: body}
}

func written(text, path string, body map[string]any) wish {
	return wish{text: text, read: path, at: "data", shows: body, method: http.MethodPost, write: path, body: body}
}

// consulMethod is the name that Nomad expects of it.
const consulMethod = "nomad-workloads"

// consulWishes have Consul believe Nomad's identities. A service of an app gets a token that may register this service; the
// platform's own jobs get those of their policies. No token of a task's of an app: there is no rule for one.
func (w *World) consulWishes() ([]wish, error) {
	if !agents.ConsulTakesIdentities(w.Fleet) {
		return nil, nil
	}
	ca, err := w.Authority()
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	for _, name := range []string{"nomad_namespace", "nomad_job_id", "nomad_task", "nomad_service"} {
		claims[name] = name
	}
	// RS256 alone: a Nomad that was new with 1.7 or later signs so, and Consul did not always know EdDSA.
	method := map[string]any{
		"Name": consulMethod, "Type": "jwt", "Description": "Identities of Nomad's workloads",
		"Config": map[string]any{
			"JWKSURL": fmt.Sprintf("https://127.0.0.1:%d/.well-known/jwks.json", w.Fleet.Ports.JWKS), "JWKSCACert": string(ca.Certificate()),
			"JWTSupportedAlgs": []string{"RS256"}, "BoundAudiences": []string{"consul.io"}, "ClaimMappings": claims,
		},
	}
	// No MaxTokenTTL: Nomad renews none of these tokens, and takes each back when its task has ended.
	all := []wish{{
		text: "have Consul believe Nomad's identities", read: "/v1/acl/auth-method/" + consulMethod, shows: method,
		method: http.MethodPut, write: "/v1/acl/auth-method/" + consulMethod, body: method,
	}}
	// A claim that is not there matches everything in an old Consul: so a rule asks for it first.
	own := fmt.Sprintf("value.nomad_namespace == %q and value.nomad_job_id == ", platformNamespace)
	for _, rule := range []struct{ about, kind, name, selector string }{
		{"services of apps", "service", "${value.nomad_service}", `"nomad_service" in value and value.nomad_service matches "^[a-z0-9]+(-[a-z0-9]+)*--[a-z0-9-]+--[a-z0-9-]+--[a-z0-9-]+$"`},
		{"Fabio", "role", policies.Fabio.Name(), own + `"` + policies.Fabio.Name() + `"`},
		{"Crumpet", "role", policies.Crumpet.Name(), own + `"` + policies.Crumpet.Name() + `"`},
	} {
		if rule.kind == "role" {
			body := map[string]any{"Name": rule.name, "Description": rule.about, "Policies": []map[string]string{{"Name": rule.name}}}
			all = append(all, wish{
				text: "make Consul's role " + rule.name, read: "/v1/acl/role/name/" + url.PathEscape(rule.name), shows: map[string]any{"Name": rule.name, "Description": rule.about},
				method: http.MethodPut, write: "/v1/acl/role", body: body,
			})
		}
		body := map[string]any{"AuthMethod": consulMethod, "BindType": rule.kind, "BindName": rule.name, "Selector": rule.selector, "Description": rule.about}
		all = append(all, wish{
			text: "bind Nomad's identities in Consul: " + rule.about, read: "/v1/acl/binding-rules?authmethod=" + consulMethod, at: "[]", shows: body,
			method: http.MethodPut, write: "/v1/acl/binding-rule", body: body,
		})
	}
	return all, nil
}

// caller reads or writes one path of a program.
type caller func(ctx context.Context, method, path string, in, out any) error

// granted says whether a wish is so. What can't be read because it is not there is not so.
func (v wish) granted(ctx context.Context, call caller) (bool, error) {
	var answer any
	err := call(ctx, http.MethodGet, v.read, nil, &answer)
	if paas.CodeOf(err) == paas.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if v.at == "[]" {
		list, _ := answer.([]any)
		for _, one := range list {
			if contains(one, plain(v.shows)) {
				return true, nil
			}
		}
		return false, nil
	}
	for at := v.at; at != ""; {
		var key string
		key, at, _ = strings.Cut(at, ".")
		below, ok := answer.(map[string]any)
		if !ok {
			return false, nil
		}
		answer = below[key]
	}
	return contains(answer, plain(v.shows)), nil
}

// plain is a value as JSON gives it back.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var back any
	if err := json.Unmarshal(text, &back); err != nil {
		return nil
	}
	return back
}

// contains says whether an answer shows all that is wished, besides whatever else it shows. Texts are compared without
// the space around them, which programs drop, and one text is as good as a list of it.
func contains(answer, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		has, ok := answer.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range want {
			if !contains(has[key], value) {
				return false
			}
		}
		return true
	case []any:
		has, ok := answer.([]any)
		if !ok || len(has) != len(want) {
			return false
		}
		for i := range want {
			if !contains(has[i], want[i]) {
				return false
			}
		}
		return true
	case string:
		if list, ok := answer.([]any); ok && len(list) == 1 {
			answer = list[0]
		}
		has, ok := answer.(string)
		return ok && strings.TrimSpace(has) == strings.TrimSpace(want)
	}
	return reflect.DeepEqual(answer, want)
}
