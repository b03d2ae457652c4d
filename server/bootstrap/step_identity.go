package bootstrap

import (
	"context"
	"net/http"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// identity has Vault and Consul believe the identities that Nomad signs, and says what comes of each. From then on no job
// holds a token of either.
type identity struct{}

func (identity) Name() string { return "identity" }

func (identity) About() string {
	return "Vault and Consul believe Nomad's identities, with policies for each actor; Vault's mounts and audit log"
}

func (identity) Plan(ctx context.Context, w *World) ([]Change, error) {
	changes, err := w.PlanParts(ctx, w.jwksParts())
	if err != nil {
		return nil, err
	}
	due, err := w.unwished(ctx)
	for _, v := range due {
		changes = append(changes, Change{Text: v.text})
	}
	return changes, err
}

func (identity) Do(ctx context.Context, w *World) error {
	err := w.MakeParts(ctx, Cluster{Parts: w.jwksParts(), Healthy: func(context.Context) error { return nil }})
	if err != nil {
		return err
	}
	due, err := w.unwished(ctx)
	if err != nil {
		return err
	}
	for _, v := range due {
		call := w.callConsul
		if v.ofVault() {
			token := w.Kept.Get(KeptVaultToken)
			if token == "" {
				return paas.Errorf(paas.Forbidden, "Vault is not as it should be (%s), and the root token was revoked when up ended. Make another with vault operator generate-root, which takes %d shares, and give it to up as the file of --vault-token.", v.text, w.Fleet.Seal.Threshold)
			}
			call = w.vaultCaller(token)
		}
		// Whoever fetches the keys may be faster than the proxy that was just started.
		if err := Until(ctx, time.Minute, func(ctx context.Context) error { return call(ctx, v.method, v.write, v.body, nil) }); err != nil {
			return err
		}
	}
	return nil
}

func (identity) Undo(ctx context.Context, w *World) error { return w.EndParts(ctx, w.jwksParts()) }

// jwksParts are the proxies of Nomad's keys, one beside each server of Nomad, Vault and Consul.
func (w *World) jwksParts() []Part {
	var parts []Part
	for _, m := range w.Fleet.Of(fleet.Server) {
		parts = append(parts, Part{Machine: m, Service: agents.JWKSService(w.Fleet, m), Version: w.Fleet.Program(fleet.Crumpet).Version})
	}
	return parts
}

func (v wish) ofVault() bool { return len(v.write) < 8 || v.write[:8] != "/v1/acl/" }

// unwished are the wishes that are not so. Before Vault and Consul serve, none is.
func (w *World) unwished(ctx context.Context) ([]wish, error) {
	inVault, err := w.vaultWishes()
	if paas.CodeOf(err) == paas.NotFound { // no authority yet
		return []wish{{text: "have Vault and Consul believe Nomad's identities", write: "/v1/"}}, nil
	}
	if err != nil {
		return nil, err
	}
	due := inVault
	if leader, err := w.vaultLeader(ctx); err != nil {
		return nil, err
	} else if leader != "" {
		token, err := w.vaultToken(ctx)
		switch {
		case paas.CodeOf(err) == paas.Forbidden:
		case err != nil:
			return nil, err
		default:
			if due, err = pick(ctx, inVault, w.vaultCaller(token)); err != nil {
				return nil, err
			}
		}
	}
	inConsul, err := w.consulWishes()
	if err != nil {
		return nil, err
	}
	if w.Kept.Get(KeptConsulToken) == "" || w.callConsul(ctx, http.MethodGet, "/v1/acl/token/self", nil, nil) != nil {
		return append(due, inConsul...), nil
	}
	if inConsul, err = pick(ctx, inConsul, w.callConsul); err != nil {
		return nil, err
	}
	return append(due, inConsul...), nil
}

func pick(ctx context.Context, wishes []wish, call caller) (due []wish, err error) {
	for _, v := range wishes {
		so, err := v.granted(ctx, call)
		if err != nil {
			return nil, err
		}
		if !so {
			due = append(due, v)
		}
	}
	return due, nil
}

func (w *World) vaultCaller(token string) caller {
	return func(ctx context.Context, method, path string, in, out any) error {
		return w.callVault(ctx, token, method, path, in, out)
	}
}

func (w *World) callConsul(ctx context.Context, method, path string, in, out any) error {
	return w.Call(ctx, w.Fleet.Of(fleet.Server)[0].Name, fleet.Consul, method, path, in, out)
}
