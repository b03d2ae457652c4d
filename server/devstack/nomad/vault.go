package nomad

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
)

// defaultRole is what a task logs in with when its vault block names none
// (create_from_role).
const defaultRole = "nomad-workloads"

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) { s.reply(w, s.signer.JWKS()) }

// vault is the token a task's templates read with, and what of it the task may
// see.
func (t *task) vault(ctx context.Context, def *nomadapi.Task) (visible map[string]string, err error) {
	if def.Vault == nil {
		return nil, nil
	}
	if t.lease == nil {
		a, ok := t.r.alloc()
		if !ok {
			return nil, errStopped
		}
		signed, err := t.r.s.signer.VaultToken(&a.Allocation, def, newID(), time.Now())
		if err != nil {
			return nil, err
		}
		lease, err := t.vaultClient().Login(ctx, orDefault(def.Vault.Role, defaultRole), signed)
		if err != nil {
			if ctx.Err() != nil {
				return nil, errStopped
			}
			t.r.event(t.name, nil, taskEvent("Task hook failed", func(e *nomadapi.TaskEvent) { e.Message = "vault: " + err.Error() }))
			return nil, &startError{text: err.Error(), recoverable: true}
		}
		t.lease, t.token = &lease, lease.Token
		t.endTemplates() // they would go on with the token that ran out
		if def.Vault.DisableFile == nil || !*def.Vault.DisableFile {
			if err := os.WriteFile(t.tokenFile(), []byte(lease.Token), 0o600); err != nil {
				return nil, fmt.Errorf("write Vault token: %w", err)
			}
		}
	}
	if def.Vault.Env == nil || *def.Vault.Env {
		return map[string]string{"VAULT_TOKEN": t.token, "VAULT_ADDR": t.r.s.cfg.VaultAddr}, nil
	}
	return nil, nil
}

func (t *task) vaultClient() identity.Vault {
	return identity.Vault{Address: t.r.s.cfg.VaultAddr, Client: t.r.s.fetcher}
}

func (t *task) tokenFile() string {
	return filepath.Join(t.r.s.allocDir(t.r.id), t.name, "secrets", "vault_token")
}

// adoptVault takes up the token of a process that was started before.
func (t *task) adoptVault(ctx context.Context, def *nomadapi.Task) {
	raw, err := os.ReadFile(t.tokenFile())
	if err == nil {
		var lease identity.Lease
		if lease, err = t.vaultClient().Renew(ctx, string(raw)); err == nil {
			t.lease, t.token = &lease, lease.Token
			return
		}
	}
	if _, err := t.vault(ctx, def); err != nil && ctx.Err() == nil {
		t.r.s.log.Warn("vault token not renewed", "alloc", t.r.id, "task", t.name, "err", err)
	}
}

// renewal is when the task's token is due, in the middle of its life; nil for
// one that needs none.
func (t *task) renewal() <-chan time.Time {
	if t.lease == nil || t.lease.TTL <= 0 {
		return nil
	}
	return time.After(t.lease.TTL / 2)
}

// renew prolongs the token. One that can't be is tried again until it has run
// out; the next start of the task logs in anew.
func (t *task) renew(ctx context.Context) <-chan time.Time {
	lease, err := t.vaultClient().Renew(ctx, t.token)
	if err != nil {
		if ctx.Err() == nil {
			t.r.s.log.Warn("vault token not renewed", "alloc", t.r.id, "task", t.name, "err", err)
		}
		t.lease.TTL /= 2
		if t.lease.TTL < time.Second {
			t.lease = nil
		}
		return t.renewal()
	}
	t.lease = &lease
	return t.renewal()
}
