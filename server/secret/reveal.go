package secret

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Reveal gives the values of some keys of a version, 0 for the newest and no names for all of it, after it has
// told who asked for which. Codes: not_found, unavailable.
func (s *Secrets) Reveal(ctx context.Context, ref paas.AppRef, version int, names []string, by string) (paas.Revealed, error) {
	v, err := s.Version(ctx, ref, version)
	if err != nil {
		return paas.Revealed{}, err
	}
	if len(names) == 0 {
		for _, k := range v.Keys {
			names = append(names, k.Name)
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var faults []paas.Fault
	for _, name := range names {
		if _, ok := v.Key(name); !ok {
			faults = append(faults, paas.Fault{Location: name, Message: fmt.Sprintf("%q is not set in version %d of the configuration of app %q. `crumpet config list` shows what is.", name, v.Version, ref.App)})
		}
	}
	if len(faults) > 0 {
		return paas.Revealed{}, &paas.Error{Code: paas.NotFound, Message: faults[0].Message, Faults: faults}
	}
	values, err := s.Vault.Secrets(ctx, ref, v.Version)
	if err != nil {
		return paas.Revealed{}, err
	}
	if err := s.Store.Emit(ctx, paas.Event{
		Time: s.Now(), Team: ref.Team, App: ref.App, Kind: paas.EventConfigRevealed, By: by,
		Message: fmt.Sprintf("values of version %d of the configuration shown to %s: %s", v.Version, by, strings.Join(names, ", ")),
	}); err != nil {
		return paas.Revealed{}, err // what can't be told of is not shown
	}
	shown := paas.Revealed{Version: v, Values: map[string]paas.Secret{}}
	for _, name := range names {
		shown.Values[name] = paas.NewSecret(values[name])
	}
	return shown, nil
}
