package service

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Bind wishes for credentials of an instance for an app.
func (s *Services) Bind(ctx context.Context, r paas.ServiceBind) (paas.Binding, error) {
	return paas.Binding{}, paas.Errorf(paas.Internal, "later")
}

// Unbind ends bindings of an app at once. That there is none is no error.
func (s *Services) Unbind(ctx context.Context, r paas.ServiceUnbind) (paas.Unbound, error) {
	return paas.Unbound{}, paas.Errorf(paas.Internal, "later")
}

// Rotate wishes for new credentials; the old ones stay until nobody can hold them.
func (s *Services) Rotate(ctx context.Context, r paas.ServiceRotate) ([]paas.Binding, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}

// CreateKey wishes for credentials that no app has.
func (s *Services) CreateKey(ctx context.Context, r paas.ServiceKey) (paas.Binding, error) {
	return paas.Binding{}, paas.Errorf(paas.Internal, "later")
}

// Keys lists the keys of an instance, by name.
func (s *Services) Keys(ctx context.Context, team, instance string) ([]paas.Binding, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}

// ShowKey reveals a key, and notes who asked. Code conflict: it is not ready yet.
func (s *Services) ShowKey(ctx context.Context, r paas.ServiceKey) (paas.KeyCredentials, error) {
	return paas.KeyCredentials{}, paas.Errorf(paas.Internal, "later")
}

// DeleteKey ends a key at once. That there is none is no error; already says so.
func (s *Services) DeleteKey(ctx context.Context, r paas.ServiceKey) (already bool, err error) {
	return false, paas.Errorf(paas.Internal, "later")
}

// Admit says what is wrong with the service blocks of a spec that is to be released for an app, by key path.
// The error is of what could not be looked at.
func (s *Services) Admit(ctx context.Context, ref paas.AppRef, spec paas.Spec, by string) ([]paas.Fault, error) {
	return nil, paas.Errorf(paas.Internal, "later")
}
