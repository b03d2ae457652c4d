package bootstrap

import (
	"context"
	"errors"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// The auth method by which whoever holds the fleet's authority logs in to Vault: with a certificate that it signs, as all
// calls of this package show. So no token of an operator is kept anywhere.
const (
	certMount  = "cert"
	certRole   = "operator"
	certHolder = "crumpet-up" // the common name
)

// VaultLogin gives a token with the policies reader and operator, which lives for a quarter of an hour. Codes: forbidden,
// where step identity has not been done; unavailable, where every server is sealed or away.
func (w *World) VaultLogin(ctx context.Context) (string, error) {
	var failed []error
	for _, m := range w.Fleet.Of(fleet.Server) {
		var answer struct {
			Auth struct {
				Token string `json:"client_token"`
			} `json:"auth"`
		}
		err := w.Send(ctx, Request{
			Machine: m.Name, Program: fleet.Vault, Method: http.MethodPost, Path: "/v1/auth/" + certMount + "/login", NoToken: true,
			In: map[string]string{"name": certRole}, Out: &answer,
		})
		switch code := paas.CodeOf(err); {
		case err == nil && answer.Auth.Token != "":
			return answer.Auth.Token, nil
		case code == paas.Invalid || code == paas.NotFound || code == paas.Forbidden:
			return "", paas.Wrap(paas.Forbidden, err, "Vault knows no certificate of an operator yet: step identity tells it.")
		}
		failed = append(failed, err)
	}
	return "", errors.Join(failed...)
}

// vaultToken is the root token as long as there is one, else one of an operator.
func (w *World) vaultToken(ctx context.Context) (string, error) {
	if root := w.Kept.Get(KeptVaultToken); root != "" {
		return root, nil
	}
	return w.VaultLogin(ctx)
}

// callVault calls the server that leads, or any that hands it on.
func (w *World) callVault(ctx context.Context, token, method, path string, in, out any) error {
	machine, err := w.VaultLeading(ctx)
	if err != nil {
		return err
	}
	return w.Send(ctx, Request{Machine: machine, Program: fleet.Vault, Method: method, Path: path, Token: token, In: in, Out: out})
}
