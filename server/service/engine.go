package service

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Engine makes instances, and credentials of them, for one kind of provider. Each call changes at most what
// its journal row names, and may come twice: after a crash nobody knows whether it was made.
//
// Errors: a paas.BrokerFailure in the chain says how the call ended. Without one, paas.Unavailable is tried
// again with the same ids, and any other code is a no; what a Provision or Bind that was refused may have
// left half done is then ended by Deprovision or Unbind, which must take "there is none" for success.
type Engine interface {
	// Register makes the provider's own password known to whoever needs it, and says what of the secret is
	// kept in Vault's KV from now on: nothing of it where Vault's own engine has it. It may be called again
	// with another URL or password.
	Register(ctx context.Context, p Account) (ProviderSecret, error)
	// Unregister takes that back; no instance is left by then.
	Unregister(ctx context.Context, p Account) error
	// Catalog reads what the provider offers, and checks on the way that it can be reached.
	Catalog(ctx context.Context, p Account) (paas.Catalog, error)
	Provision(ctx context.Context, c Call) (Answer, error)
	Update(ctx context.Context, c Call) (Answer, error)
	Deprovision(ctx context.Context, c Call) (Answer, error)
	// Bind makes the credentials of generation c.Row.Target.Generation, beside those there are.
	Bind(ctx context.Context, c Call) (Answer, error)
	// Unbind ends those of the one generation, and whoever is connected with them.
	Unbind(ctx context.Context, c Call) (Answer, error)
	// Poll asks how far an operation is that was answered with Async. Once it has succeeded the answer is
	// that of the operation itself.
	Poll(ctx context.Context, c Call) (Answer, error)
}

// Account is a provider with what opens it.
type Account struct {
	paas.Provider
	Secret ProviderSecret
}

// ProviderSecret is what Vault holds of a provider: Password (with Username), or a Token. It is empty for
// one whose password Vault's own engine keeps.
type ProviderSecret struct {
	Password paas.Secret
	Token    paas.Secret
}

// Call is one call to an engine.
type Call struct {
	Row      paas.Operation       // of the journal; its Target has the ids
	Account  Account              // the provider
	Instance paas.ServiceInstance // as it was when the call was planned; a name and ids only when it is an orphan
	Binding  paas.Binding         // with Bind and Unbind; likewise
	Bound    []string             // with Deprovision: ids of bindings that still are; none unless it cleans up
	Plan     paas.ServicePlan     // of the catalog; the zero value where it has vanished
	Params   paas.Secret          // a JSON object, "" for none
	User     paas.UserCredentials // of a user-provided instance
	Caller   paas.Caller
}

// Answer is what came of a call, in one of two forms.
//
//	Async    it has begun: Word names it, and Poll tells of its end. All else is empty but Dashboard.
//	else     it is done.
type Answer struct {
	Async bool
	Word  string

	// Ended is set by Poll, and by nothing else: PollInProgress, PollSucceeded, PollFailed or PollGone.
	Ended      paas.PollState
	Says       string        // the provider's description, for the user
	RetryAfter time.Duration // of a poll in progress
	Outcome    paas.BrokerOutcome

	Dashboard   string            // of Provision and Update; "" keeps the one before
	Facts       map[string]string // of Provision: host, port, database; nil keeps those before
	Maintenance string            // version that the instance runs on now; "" keeps the one before

	// Of Bind. Values are what is written to Vault's KV, by key, before the binding is ready; none for
	// credentials that Vault issues itself. Entries.Keys is filled from Values where there are any.
	Values      map[string]paas.Secret
	Entries     paas.Entries
	ExpiresAt   time.Time // zero for never
	RenewBefore time.Time

	generation int // that Vault's KV gave the values
}
