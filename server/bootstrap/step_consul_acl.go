package bootstrap

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// consulACL gives every actor of the platform a token for Consul that allows what it needs.
type consulACL struct{}

func (consulACL) Name() string { return "consul-acl" }

func (consulACL) About() string {
	return "Consul's policies of each actor, and a token for each agent on each machine"
}

// aclPolicy is a policy as it is wished.
type aclPolicy struct {
	name, about, rules string
}

// aclToken is a token as it is wished. Its secret is ours: it is kept before Consul hears of it.
type aclToken struct {
	kept     string // name of its secret
	about    string
	policies []string
}

func consulPolicies(f fleet.Fleet) []aclPolicy {
	var all []aclPolicy
	for _, a := range policies.Actors {
		if text, ok := policies.Text(policies.Consul, a); ok {
			all = append(all, aclPolicy{name: a.Name(), about: "Crumpet: policies/consul/" + string(a) + ".hcl", rules: text})
		}
	}
	for _, m := range f.Machines {
		all = append(all, aclPolicy{name: policies.ConsulAgentName(m.Name), about: "Crumpet: the agent on " + m.Name, rules: policies.ConsulAgent(m.Name)})
	}
	return all
}

func consulACLTokens(f fleet.Fleet) []aclToken {
	var all []aclToken
	for _, a := range []policies.Actor{policies.Crumpet, policies.Fabio} {
		all = append(all, aclToken{kept: ConsulTokenOf(a.Name()), about: "Crumpet: " + a.Name(), policies: []string{a.Name()}})
	}
	for _, m := range f.Machines {
		all = append(all, aclToken{kept: ConsulTokenOf("agent/" + m.Name), about: "Crumpet: agent on " + m.Name, policies: []string{policies.ConsulAgentName(m.Name)}})
		var nomad []string
		if m.Is(fleet.Client) {
			nomad = append(nomad, policies.NomadClient.Name())
		}
		if m.Is(fleet.Server) {
			nomad = append(nomad, policies.NomadServer.Name())
		}
		all = append(all, aclToken{kept: ConsulTokenOf("nomad/" + m.Name), about: "Crumpet: Nomad on " + m.Name, policies: nomad})
	}
	return all
}

// accessor is the public name of a token, which its secret gives, so that a run finds what an earlier one made.
func accessor(secret string) string {
	sum := sha256.Sum256([]byte("crumpet accessor " + secret))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return uuidText(id)
}

// consulACLs is what Consul has.
type consulACLs struct {
	ids   map[string]string // of policies, by name
	rules map[string]string
}

func (w *World) readConsulPolicies(ctx context.Context, wanted []aclPolicy) (consulACLs, error) {
	has := consulACLs{ids: map[string]string{}, rules: map[string]string{}}
	var list []struct{ ID, Name string }
	if err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/acl/policies", nil, &list); err != nil {
		return has, err
	}
	for _, p := range list {
		if !slices.ContainsFunc(wanted, func(want aclPolicy) bool { return want.name == p.Name }) {
			continue
		}
		var one struct{ Rules string }
		if err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/acl/policy/"+p.ID, nil, &one); err != nil {
			return has, err
		}
		has.ids[p.Name], has.rules[p.Name] = p.ID, one.Rules
	}
	return has, nil
}

// consulToken is a token as Consul shows and takes it.
type consulToken struct {
	AccessorID  string
	SecretID    string
	Description string
	Policies    []consulLink
}

type consulLink struct {
	Name string
}

func (t consulToken) is(want aclToken, secret string) bool {
	names := []string{}
	for _, p := range t.Policies {
		names = append(names, p.Name)
	}
	wished := slices.Sorted(slices.Values(want.policies))
	return t.SecretID == secret && t.Description == want.about && slices.Equal(slices.Sorted(slices.Values(names)), wished)
}

// readConsulToken is the token that Consul has for a secret; none for one that it does not know: it says forbidden then
// as well as for a management token that it does not know, which the next write brings to light.
func (w *World) readConsulToken(ctx context.Context, secret string) (consulToken, bool, error) {
	var has consulToken
	err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/acl/token/"+accessor(secret), nil, &has)
	if code := paas.CodeOf(err); code == paas.NotFound || code == paas.Forbidden {
		return has, false, nil
	}
	return has, err == nil, err
}

func (consulACL) Plan(ctx context.Context, w *World) ([]Change, error) {
	var changes []Change
	wanted := consulPolicies(w.Fleet)
	has, err := w.readConsulPolicies(ctx, wanted)
	away := err != nil // Consul is not there yet: then nothing is
	for _, p := range wanted {
		if has.rules[p.name] != p.rules {
			changes = append(changes, Change{Text: "write policy " + p.name + " of Consul"})
		}
	}
	for _, t := range consulACLTokens(w.Fleet) {
		secret := w.Kept.Get(t.kept)
		if secret != "" && !away {
			found, ok, err := w.readConsulToken(ctx, secret)
			if err != nil {
				return nil, err
			}
			if ok && found.is(t, secret) {
				continue
			}
		}
		changes = append(changes, Change{Text: "make token of Consul \"" + t.about + "\""})
	}
	for _, kept := range w.gone() {
		changes = append(changes, Change{Text: "take back from Consul the token " + strings.TrimPrefix(kept, ConsulTokenOf("")) + ", of a machine that is gone"})
	}
	if away {
		return changes, nil
	}
	parts, err := w.PlanParts(ctx, w.consulServers("").Parts)
	return append(changes, parts...), err
}

func (consulACL) Do(ctx context.Context, w *World) error {
	wanted := consulPolicies(w.Fleet)
	has, err := w.readConsulPolicies(ctx, wanted)
	if err != nil {
		return err
	}
	for _, p := range wanted {
		if has.rules[p.name] == p.rules {
			continue
		}
		path := "/v1/acl/policy"
		if id := has.ids[p.name]; id != "" {
			path += "/" + id
		}
		if err := w.CallAny(ctx, fleet.Consul, http.MethodPut, path, map[string]string{"Name": p.name, "Description": p.about, "Rules": p.rules}, nil); err != nil {
			return err
		}
	}
	for _, t := range consulACLTokens(w.Fleet) {
		if err := w.makeConsulToken(ctx, t); err != nil {
			return err
		}
	}
	for _, kept := range w.gone() {
		if err := w.takeBack(ctx, kept); err != nil {
			return err
		}
	}
	return w.MakeParts(ctx, w.consulServers(""))
}

func (w *World) makeConsulToken(ctx context.Context, t aclToken) error {
	secret, err := w.Kept.Ensure(ctx, t.kept, newUUID)
	if err != nil {
		return err
	}
	has, ok, err := w.readConsulToken(ctx, secret)
	if err != nil || ok && has.is(t, secret) {
		return err
	}
	want := consulToken{AccessorID: accessor(secret), SecretID: secret, Description: t.about}
	for _, name := range t.policies {
		want.Policies = append(want.Policies, consulLink{Name: name})
	}
	path := "/v1/acl/token"
	if ok {
		path += "/" + want.AccessorID
	}
	return w.CallAny(ctx, fleet.Consul, http.MethodPut, path, want, nil)
}

// gone are the tokens, by the name of their secret, of machines that the fleet no longer has.
func (w *World) gone() []string {
	has := map[string]bool{}
	for _, t := range consulACLTokens(w.Fleet) {
		has[t.kept] = true
	}
	return slices.DeleteFunc(w.Kept.names(ConsulTokenOf("")), func(kept string) bool { return has[kept] })
}

// takeBack ends such a token: whoever finds the machine's disk finds nothing that Consul takes.
func (w *World) takeBack(ctx context.Context, kept string) error {
	err := w.CallAny(ctx, fleet.Consul, http.MethodDelete, "/v1/acl/token/"+accessor(w.Kept.Get(kept)), nil, nil)
	if code := paas.CodeOf(err); err != nil && code != paas.NotFound && code != paas.Forbidden {
		return err
	}
	return w.Kept.Put(ctx, kept, "")
}

// Undo forgets the tokens: what Consul knows of them goes with its data, in step consul.
func (consulACL) Undo(ctx context.Context, w *World) error {
	return w.forget(ctx, w.Kept.names(ConsulTokenOf(""))...)
}
