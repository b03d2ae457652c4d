package bootstrap

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

// WithWords is what errors about a service get beside them.
func (w *World) WithWords(ctx context.Context, m fleet.Machine, s agents.Service, err error) error {
	return w.withWords(ctx, m, s, err)
}

// SealSecrets are read from files of the operator's.
func (w *World) SealSecrets(ctx context.Context) (agents.VaultSecrets, error) {
	return w.sealSecrets(ctx)
}
