package service

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Create wishes for an instance. It is made afterwards: see its State.
func (s *Services) Create(ctx context.Context, r paas.ServiceCreate) (paas.ServiceInstance, error) {
	return paas.ServiceInstance{}, paas.Errorf(paas.Internal, "later")
}

// Update wishes for another plan, other parameters or another version.
func (s *Services) Update(ctx context.Context, r paas.ServiceUpdate) (paas.ServiceInstance, error) {
	return paas.ServiceInstance{}, paas.Errorf(paas.Internal, "later")
}

// Delete wishes for the end of an instance. Code conflict: it is bound, and by whom.
func (s *Services) Delete(ctx context.Context, r paas.ServiceDelete) (paas.ServiceInstance, error) {
	return paas.ServiceInstance{}, paas.Errorf(paas.Internal, "later")
}

// List gives the instances of a team, by name, with the bindings of each.
func (s *Services) List(ctx context.Context, team string) ([]paas.ServiceDetail, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}

// Show gives one instance.
func (s *Services) Show(ctx context.Context, team, name string) (paas.ServiceDetail, error) {
	return paas.ServiceDetail{}, paas.Errorf(paas.Internal, "later")
}
