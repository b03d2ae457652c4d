package service_test

import (
	"context"
	"net/rpc"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// served is a memoryVault for other processes, which outlives them as Vault does.
type served struct{ vault *memoryVault }

// VaultCall is one call of it.
type VaultCall struct {
	Op, Path string
	Version  int
	Values   map[string]string
}

// VaultAnswer is its answer.
type VaultAnswer struct {
	Version int
	Values  map[string]string
	Missing bool
}

// Do makes a call.
func (s *served) Do(c VaultCall, a *VaultAnswer) (err error) {
	switch c.Op {
	case "put":
		a.Version, err = s.vault.put(c.Path, c.Values)
	case "get":
		a.Values, err = s.vault.get(c.Path, c.Version)
		if paas.CodeOf(err) == paas.NotFound {
			a.Missing, err = true, nil
		}
	case "destroy":
		s.vault.destroy(c.Path, c.Version)
	case "drop":
		err = s.vault.drop(c.Path)
	}
	return err
}

// remoteVault is the other end.
type remoteVault struct{ far *rpc.Client }

func (v *remoteVault) do(c VaultCall) (VaultAnswer, error) {
	var a VaultAnswer
	err := v.far.Call("Vault.Do", c, &a)
	if err == nil && a.Missing {
		err = paas.Errorf(paas.NotFound, "nothing at %s", c.Path)
	}
	return a, err
}

func (v *remoteVault) PutBinding(_ context.Context, b paas.Binding, values map[string]string) (int, error) {
	a, err := v.do(VaultCall{Op: "put", Path: pathOf(b), Values: values})
	return a.Version, err
}

func (v *remoteVault) Binding(_ context.Context, b paas.Binding) (map[string]string, error) {
	a, err := v.do(VaultCall{Op: "get", Path: pathOf(b)})
	return a.Values, err
}

func (v *remoteVault) DestroyBinding(_ context.Context, b paas.Binding, generation int) error {
	_, err := v.do(VaultCall{Op: "destroy", Path: pathOf(b), Version: generation})
	return err
}

func (v *remoteVault) DeleteBinding(_ context.Context, b paas.Binding) error {
	_, err := v.do(VaultCall{Op: "drop", Path: pathOf(b)})
	return err
}

func (v *remoteVault) PutParams(_ context.Context, p paas.ParamsPath, values map[string]string) (int, error) {
	a, err := v.do(VaultCall{Op: "put", Path: givenPath(p), Values: values})
	return a.Version, err
}

func (v *remoteVault) Params(_ context.Context, p paas.ParamsPath, version int) (map[string]string, error) {
	a, err := v.do(VaultCall{Op: "get", Path: givenPath(p), Version: version})
	return a.Values, err
}

func (v *remoteVault) DeleteParams(_ context.Context, p paas.ParamsPath) error {
	_, err := v.do(VaultCall{Op: "drop", Path: givenPath(p)})
	return err
}

func (v *remoteVault) PutProvider(_ context.Context, name string, values map[string]string) error {
	_, err := v.do(VaultCall{Op: "put", Path: "provider " + name, Values: values})
	return err
}

func (v *remoteVault) Provider(_ context.Context, name string) (map[string]string, error) {
	a, err := v.do(VaultCall{Op: "get", Path: "provider " + name})
	return a.Values, err
}

func (v *remoteVault) DeleteProvider(_ context.Context, name string) error {
	_, err := v.do(VaultCall{Op: "drop", Path: "provider " + name})
	return err
}
