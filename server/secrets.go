package server

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/secret"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/vault"
)

var (
	_ secret.Vault    = kept{}
	_ secret.Store    = (*store.Store)(nil)
	_ secret.Deployer = walks{}
	_ deploy.Configs  = (*secret.Secrets)(nil)
)

// newSecrets makes what keeps the configuration of apps. It and the deployer ask each other, so it finds the
// deployer by the server.
func (s *Server) newSecrets(c clients, key []byte, opt Options) *secret.Secrets {
	return secret.New(secret.Config{
		Vault: kept{c.vault}, Store: s.store, Deploy: walks{s}, Check: vault.CheckSecrets,
		Keep: s.cfg.Retention.Releases, Key: key, Now: opt.Now, Log: s.log,
	})
}

// kept says which versions of an app's configuration can be read, without a type of the adapter's.
type kept struct{ *vault.Client }

// Kept gives their numbers, lowest first.
func (k kept) Kept(ctx context.Context, ref paas.AppRef) ([]int, error) {
	versions, err := k.SecretVersions(ctx, ref)
	var numbers []int
	for _, v := range versions {
		if !v.Gone {
			numbers = append(numbers, v.Version)
		}
	}
	return numbers, err
}

// walks brings versions to running apps.
type walks struct{ *Server }

func (w walks) Reconfigurable(ctx context.Context, r paas.Reconfigure) error {
	return w.deploy.Reconfigurable(ctx, r)
}

func (w walks) Reconfigure(ctx context.Context, r paas.Reconfigure) (paas.DeployResult, error) {
	return w.deploy.Reconfigure(ctx, r)
}
