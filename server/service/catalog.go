package service

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Catalog gives what all providers offer, by offering and provider.
func (s *Services) Catalog(ctx context.Context) ([]paas.Offered, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}

// Providers lists those registered, by name.
func (s *Services) Providers(ctx context.Context) ([]paas.Provider, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}

// AddProvider registers one, once its catalog could be read.
func (s *Services) AddProvider(ctx context.Context, r paas.ProviderAdd) (paas.Provider, error) {
	return paas.Provider{}, paas.Errorf(paas.Internal, "later")
}

// RemoveProvider forgets one. Code conflict: there are instances, which are named.
func (s *Services) RemoveProvider(ctx context.Context, name, by string) error {
	return paas.Errorf(paas.Internal, "later")
}

// RefreshProvider reads a catalog again.
func (s *Services) RefreshProvider(ctx context.Context, name, by string) (paas.Provider, error) {
	return paas.Provider{}, paas.Errorf(paas.Internal, "later")
}
