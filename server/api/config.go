package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Configs keeps the configuration of apps. Codes: invalid (with every fault), not_found, conflict,
// unavailable (Vault is sealed or away).
type Configs interface {
	Change(ctx context.Context, c paas.ConfigChange) (paas.ConfigResult, error)
	Configuration(ctx context.Context, ref paas.AppRef) (paas.Config, error)
	Versions(ctx context.Context, ref paas.AppRef) ([]paas.ConfigVersion, error)
	// Gone gives those of some versions whose values can no longer be read.
	Gone(ctx context.Context, ref paas.AppRef, versions []int) ([]int, error)
	// Reveal gives values, and tells who saw them. No names for all, version 0 for the newest.
	Reveal(ctx context.Context, ref paas.AppRef, version int, names []string, by string) (paas.Revealed, error)
}

// maxConfigBody bounds a change of a configuration: some times what a configuration may hold, so that a value
// which is too large is refused by its name.
const maxConfigBody = 8 << 20

func (a *API) config(ctx context.Context, in *AppScope) (*body[wire.Config], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	config, err := a.Configs.Configuration(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &body[wire.Config]{wire.Config{
		App: ref.App, Team: ref.Team, Version: config.Newest.Version, Serving: config.Serving, Items: items(config.Newest.Keys),
	}}, nil
}

func (a *API) changeConfig(ctx context.Context, in *struct {
	AppScope
	Body wire.ChangeConfig
},
) (*reply[wire.ChangedConfig], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	change := paas.ConfigChange{
		Ref: ref, Unset: in.Body.Unset, By: caller(ctx), Note: in.Body.Note, Base: in.Body.Base,
		Stage: in.Body.Stage, Supersede: in.Body.Supersede, Wait: in.Body.Wait,
	}
	for _, v := range in.Body.Set {
		change.Set = append(change.Set, paas.ConfigValue{Name: v.Name, Value: paas.NewSecret(string(v.Value)), Kind: v.Kind})
	}
	result, err := a.Configs.Change(ctx, change)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, "", nil, map[string]any{"version": result.Version.Version, "change": result.Version.Change}) // names only
	answer := wire.ChangedConfig{
		App: ref.App, Team: ref.Team, Version: result.Version.Version, Made: result.Made, Change: result.Version.Change, Use: result.Use,
	}
	status := http.StatusOK
	if result.Deploy != nil {
		deployed := a.deployed(*result.Deploy)
		answer.Deployed, status = &deployed.Body, deployed.Status
	}
	return &reply[wire.ChangedConfig]{status, answer}, nil
}

func (a *API) configVersions(ctx context.Context, in *AppScope) (*body[wire.ConfigVersions], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	config, err := a.Configs.Configuration(ctx, ref)
	if err != nil {
		return nil, err
	}
	list, err := a.Configs.Versions(ctx, ref)
	if err != nil {
		return nil, err
	}
	page := wire.ConfigVersions{Serving: config.Serving, Items: make([]wire.ConfigVersion, len(list))}
	for i, v := range list {
		page.Items[i] = wire.ConfigVersion{Version: v.Version, Change: v.Change, Keys: len(v.Keys), CreatedAt: v.CreatedAt, CreatedBy: v.CreatedBy}
	}
	return &body[wire.ConfigVersions]{page}, nil
}

// revealConfig is a POST, as it leaves a trace: an event that names who saw which keys.
func (a *API) revealConfig(ctx context.Context, in *struct {
	AppScope
	Body wire.RevealConfig
},
) (*body[wire.RevealedConfig], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	shown, err := a.Configs.Reveal(ctx, ref, in.Body.Version, in.Body.Names, caller(ctx))
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, "", nil, map[string]any{"version": shown.Version.Version, "keys": slices.Sorted(maps.Keys(shown.Values))})
	answer := wire.RevealedConfig{Version: shown.Version.Version, Items: []wire.RevealedValue{}}
	for _, k := range shown.Version.Keys {
		if value, ok := shown.Values[k.Name]; ok {
			answer.Items = append(answer.Items, wire.RevealedValue{Name: k.Name, Secret: k.Secret, Value: wire.Value(value.Reveal())})
		}
	}
	return &body[wire.RevealedConfig]{answer}, nil
}
