package bootstrap

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// revoke ends Vault's root token, once nothing needs it any more. It is the last step.
type revoke struct{}

func (revoke) Name() string { return "revoke" }

func (revoke) About() string { return "no root token of Vault is left" }

func (revoke) Plan(_ context.Context, w *World) ([]Change, error) {
	// Before there is one there is nothing to plan; the run that makes one comes by here again.
	if w.Kept.Get(KeptVaultToken) == "" {
		return nil, nil
	}
	return []Change{{Text: "revoke Vault's root token; the keepers can make another together"}}, nil
}

func (revoke) Do(ctx context.Context, w *World) error {
	// Whoever revokes it must have another way in.
	if _, err := w.VaultLogin(ctx); err != nil {
		return err
	}
	err := w.callVault(ctx, w.Kept.Get(KeptVaultToken), http.MethodPost, "/v1/auth/token/revoke-self", nil, nil)
	if err != nil && paas.CodeOf(err) != paas.Forbidden { // forbidden: it was revoked before this could be kept
		return err
	}
	return w.Kept.Put(ctx, KeptVaultToken, "")
}

func (revoke) Undo(context.Context, *World) error {
	return &Stays{Reason: "A token that was revoked stays so. The keepers make another: vault operator generate-root."}
}
