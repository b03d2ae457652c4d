package service

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Users is the engine of credentials that were given by hand: it makes nothing, and hands on what Vault has.
type Users struct{}

var _ Engine = Users{}

// Register is asked of nobody: there is no provider.
func (Users) Register(context.Context, Account) (ProviderSecret, error) { return ProviderSecret{}, nil }

// Unregister likewise.
func (Users) Unregister(context.Context, Account) error { return nil }

// Catalog is empty.
func (Users) Catalog(context.Context, Account) (paas.Catalog, error) { return paas.Catalog{}, nil }

// Provision has nothing to do: what was given is in Vault before the journal names it.
func (Users) Provision(context.Context, Call) (Answer, error) { return Answer{}, nil }

// Update likewise.
func (Users) Update(context.Context, Call) (Answer, error) { return Answer{}, nil }

// Deprovision likewise.
func (Users) Deprovision(context.Context, Call) (Answer, error) { return Answer{}, nil }

// Bind gives what was given.
func (Users) Bind(_ context.Context, c Call) (Answer, error) {
	values := map[string]paas.Secret{paas.CredentialsKey: paas.NewSecret("{}")}
	if !c.User.Credentials.Empty() {
		var ok bool
		if values, ok = flatten(c.User.Credentials); !ok {
			return Answer{}, paas.Errorf(paas.Invalid, "The credentials of service instance %q are no JSON object. Give them anew with `crumpet services update`.", c.Row.Instance)
		}
	}
	return Answer{Values: values, Entries: paas.Entries{Type: "user-provided", Provider: paas.ProviderUser}}, nil
}

// Unbind has nothing to end: the copy in Vault is destroyed by whoever asks.
func (Users) Unbind(context.Context, Call) (Answer, error) { return Answer{}, nil }

// Poll is asked of nobody: nothing is answered with Async.
func (Users) Poll(context.Context, Call) (Answer, error) {
	return Answer{Ended: paas.PollSucceeded}, nil
}
