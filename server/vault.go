package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

var (
	_ deploy.Access    = access{}
	_ deploy.Variables = (*nomad.Client)(nil)
)

// access is what jobs of apps may do in Vault.
type access struct{ vault *vault.Client }

// Ready asks Vault whether it serves, and whether it still knows our token.
func (a access) Ready(ctx context.Context) error {
	if err := a.vault.Ping(ctx); err != nil {
		return err
	}
	_, err := a.vault.Self(ctx)
	return err
}

// Grant writes the policy before the role that gives it.
func (a access) Grant(ctx context.Context, ref paas.AppRef, jobs []string) error {
	if err := a.vault.PutAppPolicy(ctx, ref); err != nil {
		return err
	}
	return a.vault.PutAppRole(ctx, ref, jobs)
}

// Revoke deletes the policy first: that takes all rights from tokens which live on.
func (a access) Revoke(ctx context.Context, ref paas.AppRef) error {
	if err := a.vault.DeleteAppPolicy(ctx, ref); err != nil {
		return err
	}
	return a.vault.DeleteAppRole(ctx, ref)
}

// keeper keeps this server's own token in Vault alive, on every server: it may be the leader next.
type keeper struct {
	vault *vault.Client
	log   *slog.Logger

	mu   sync.Mutex
	warn string // guarded by mu: what an operator must do about the token; "" when all is well
}

// firstLook is how soon a token that could not be looked at is looked at again.
const firstLook = 5 * time.Second

// run renews the token until ctx ends, as vault.CareFor says.
func (k *keeper) run(ctx context.Context) {
	var token vault.Token
	known, failed := false, 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	renew := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		asked := time.Now()
		look := k.vault.Self
		if renew {
			look = k.vault.RenewSelf
		}
		next, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			token, known, failed = next, true, 0
		case !known:
			k.tell(paas.MessageOf(err))
			timer.Reset(firstLook)
			continue
		default:
			failed++
			k.log.Warn("vault token not renewed", "component", "vault", "err", err)
		}
		care := vault.CareFor(token, failed)
		if paas.CodeOf(err) == paas.Forbidden { // it has run out, or was revoked; a new one may be put in its place
			care.Warn = paas.MessageOf(err)
		}
		k.tell(care.Warn)
		renew = care.Renew
		timer.Reset(care.In)
		token.Left, token.Renewed = max(0, token.Left-care.In-time.Since(asked)), false
	}
}

// tell notes and logs what an operator must do, when it begins.
func (k *keeper) tell(warn string) {
	k.mu.Lock()
	before := k.warn
	k.warn = warn
	k.mu.Unlock()
	if warn != "" && before == "" {
		k.log.Warn("vault token needs care", "component", "vault", "what", warn)
	}
}

// warning is what an operator must do about the token; "" when all is well.
func (k *keeper) warning() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.warn
}
