package bootstrap

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// nomadACL makes Nomad take the management token that is kept, and writes the policies of each actor.
type nomadACL struct{}

func (nomadACL) Name() string { return "nomad-acl" }

func (nomadACL) About() string { return "Nomad's management token, and its policies of each actor" }

func nomadPolicies() []aclPolicy {
	var all []aclPolicy
	for _, a := range policies.Actors {
		if text, ok := policies.Text(policies.Nomad, a); ok {
			all = append(all, aclPolicy{name: a.Name(), about: "Crumpet: policies/nomad/" + string(a) + ".hcl", rules: text})
		}
	}
	return all
}

// nomadPolicy is a policy as Nomad shows and takes it.
type nomadPolicy struct {
	Name        string
	Description string
	Rules       string
}

// duePolicies are those that Nomad has not, or not so.
func (w *World) duePolicies(ctx context.Context) ([]aclPolicy, error) {
	var all []aclPolicy
	for _, p := range nomadPolicies() {
		var has nomadPolicy
		err := w.CallAny(ctx, fleet.Nomad, http.MethodGet, "/v1/acl/policy/"+p.name, nil, &has)
		if err != nil && paas.CodeOf(err) != paas.NotFound {
			return nil, err
		}
		if err != nil || has.Rules != p.rules || has.Description != p.about {
			all = append(all, p)
		}
	}
	return all, nil
}

func (w *World) nomadKnowsUs(ctx context.Context) error {
	if w.Kept.Get(KeptNomadToken) == "" {
		return paas.Errorf(paas.Forbidden, "There is no management token of Nomad yet.")
	}
	return w.CallAny(ctx, fleet.Nomad, http.MethodGet, "/v1/acl/token/self", nil, nil)
}

func (nomadACL) Plan(ctx context.Context, w *World) ([]Change, error) {
	due := nomadPolicies()
	var changes []Change
	if err := w.nomadKnowsUs(ctx); err != nil {
		changes = append(changes, Change{Text: "give Nomad its management token"})
	} else if due, err = w.duePolicies(ctx); err != nil {
		return nil, err
	}
	for _, p := range due {
		changes = append(changes, Change{Text: "write policy " + p.name + " of Nomad"})
	}
	return changes, nil
}

func (nomadACL) Do(ctx context.Context, w *World) error {
	if err := w.bootstrapNomad(ctx); err != nil {
		return err
	}
	due, err := w.duePolicies(ctx)
	if err != nil {
		return err
	}
	for _, p := range due {
		if err := w.CallAny(ctx, fleet.Nomad, http.MethodPost, "/v1/acl/policy/"+p.name, nomadPolicy{Name: p.name, Description: p.about, Rules: p.rules}, nil); err != nil {
			return err
		}
	}
	return nil
}

// bootstrapNomad hands Nomad a token that is ours and kept: a run that ends after the call finds it good.
func (w *World) bootstrapNomad(ctx context.Context) error {
	secret, err := w.Kept.Ensure(ctx, KeptNomadToken, newUUID)
	if err != nil || w.nomadKnowsUs(ctx) == nil {
		return err
	}
	server := w.Fleet.Of(fleet.Server)[0].Name
	request := Request{Machine: server, Program: fleet.Nomad, Method: http.MethodPut, Path: "/v1/acl/bootstrap", NoToken: true, In: map[string]string{"BootstrapSecret": secret}}
	if err := w.Send(ctx, request); err != nil {
		if w.nomadKnowsUs(ctx) == nil {
			return nil
		}
		return paas.Wrap(paas.CodeOf(err), err, "Nomad does not take the management token that is kept. If another was made before, reset it as "+
			"Nomad's documentation says of acl bootstrap, and run this step again. %s", sentence(err))
	}
	return nil
}

// Undo forgets the token: what Nomad knows of it goes with its data, in step nomad.
func (nomadACL) Undo(ctx context.Context, w *World) error {
	return w.Kept.Put(ctx, KeptNomadToken, "")
}
