package apitest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// kept is one version of an app's configuration, with its values.
type kept struct {
	paas.ConfigVersion
	values map[string]string
}

// Change and what follows implement api.Configs.
func (p *Platform) Change(_ context.Context, c paas.ConfigChange) (paas.ConfigResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	newest := p.newestConfig(c.Ref)
	if c.Base != nil && *c.Base != newest.Version {
		return paas.ConfigResult{}, paas.Errorf(paas.Conflict, "The configuration of app %q is at version %d, not at %d.", c.Ref.App, newest.Version, *c.Base)
	}
	next := kept{ConfigVersion: paas.ConfigVersion{Team: c.Ref.Team, App: c.Ref.App, Version: newest.Version + 1, CreatedAt: time.Now().UTC(), CreatedBy: c.By}, values: maps.Clone(newest.values)}
	if next.values == nil {
		next.values = map[string]string{}
	}
	keys := map[string]paas.ConfigKey{}
	for _, k := range newest.Keys {
		keys[k.Name] = k
	}
	var names []string
	for _, v := range c.Set {
		if keys[v.Name].Secret && v.Kind == paas.ConfigPlain || strings.Contains(v.Name, "/") {
			return paas.ConfigResult{}, paas.Errorf(paas.Invalid, "%q can't be set so.", v.Name)
		}
		if old, had := next.values[v.Name]; had && old == v.Value.Reveal() {
			continue
		}
		keys[v.Name] = paas.ConfigKey{Name: v.Name, Secret: v.Kind == paas.ConfigSecret || keys[v.Name].Secret, Version: next.Version, SetAt: next.CreatedAt, SetBy: c.By}
		next.values[v.Name] = v.Value.Reveal()
		names = append(names, v.Name)
	}
	for _, name := range c.Unset {
		if _, had := keys[name]; !had {
			return paas.ConfigResult{}, paas.Errorf(paas.Invalid, "%q is not set, so it can't be unset.", name)
		}
		delete(keys, name)
		delete(next.values, name)
		names = append(names, name)
	}
	result := paas.ConfigResult{Version: newest.ConfigVersion, Use: paas.ConfigFirstPush}
	if len(names) > 0 {
		next.Keys = slices.SortedFunc(maps.Values(keys), func(a, b paas.ConfigKey) int { return strings.Compare(a.Name, b.Name) })
		next.Change, next.Written = "changed "+strings.Join(names, ", "), true
		p.configs[c.Ref] = append(p.configs[c.Ref], next)
		p.emit(paas.Event{Team: c.Ref.Team, App: c.Ref.App, Kind: paas.EventConfigChanged, By: c.By, Message: next.Change})
		result.Version, result.Made = next.ConfigVersion, true
	}
	return p.configured(result, c), nil
}

func (p *Platform) configured(r paas.ConfigResult, c paas.ConfigChange) paas.ConfigResult {
	list := p.releases[c.Ref]
	if len(list) == 0 {
		return r
	}
	app, head := p.apps[c.Ref], list[len(list)-1]
	switch {
	case app.Stopped:
		r.Use = paas.ConfigStopped
	case c.Stage:
		r.Use = paas.ConfigStaged
	case head.Config == r.Version.Version:
		r.Use, r.Deploy = paas.ConfigDeployed, &paas.DeployResult{Release: head}
	default:
		head.Number, head.Config, head.Note = head.Number+1, r.Version.Version, c.Note
		p.releases[c.Ref] = append(list, head)
		deployed := p.walk(c.Ref, head, "config")
		r.Use, r.Deploy = paas.ConfigDeployed, &deployed
	}
	return r
}

func (p *Platform) newestConfig(ref paas.AppRef) kept {
	list := p.configs[ref]
	if len(list) == 0 {
		return kept{}
	}
	return list[len(list)-1]
}

func (p *Platform) Configuration(ctx context.Context, ref paas.AppRef) (paas.Config, error) {
	snap, err := p.Snapshot(ctx, ref)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return paas.Config{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return paas.Config{Newest: p.newestConfig(ref).ConfigVersion, Serving: snap.Releases[snap.App.Release].Config}, nil
}

func (p *Platform) Versions(_ context.Context, ref paas.AppRef) (list []paas.ConfigVersion, err error) {
	p.locked(func() {
		for _, v := range slices.Backward(p.configs[ref]) {
			list = append(list, v.ConfigVersion)
		}
	})
	return list, nil
}

// ForgetConfig lets a version of an app of the default team go, as Vault does with the oldest.
func (p *Platform) ForgetConfig(app string, version int) {
	ref := paas.AppRef{Team: paas.DefaultTeam, App: app}
	p.locked(func() {
		p.configs[ref] = slices.DeleteFunc(slices.Clone(p.configs[ref]), func(v kept) bool { return v.Version == version })
	})
}

func (p *Platform) Gone(_ context.Context, ref paas.AppRef, versions []int) (gone []int, err error) {
	p.locked(func() {
		for _, version := range versions {
			if !slices.ContainsFunc(p.configs[ref], func(v kept) bool { return v.Version == version }) {
				gone = append(gone, version)
			}
		}
	})
	return gone, nil
}

func (p *Platform) Reveal(_ context.Context, ref paas.AppRef, version int, names []string, by string) (paas.Revealed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	newestFirst := slices.Clone(p.configs[ref])
	slices.Reverse(newestFirst)
	found, err := lookup(newestFirst, func(v kept) bool { return version == 0 || v.Version == version }, "App %q has no such version of its configuration.", ref.App)
	if err != nil {
		return paas.Revealed{}, err
	}
	shown := paas.Revealed{Version: found.ConfigVersion, Values: map[string]paas.Secret{}}
	for name, value := range found.values {
		if len(names) == 0 || slices.Contains(names, name) {
			shown.Values[name] = paas.NewSecret(value)
		}
	}
	for _, name := range names {
		if _, ok := shown.Values[name]; !ok {
			return paas.Revealed{}, paas.Errorf(paas.NotFound, "%q is not set.", name)
		}
	}
	p.emit(paas.Event{Team: ref.Team, App: ref.App, Kind: paas.EventConfigRevealed, By: by, Message: "values shown"})
	return shown, nil
}
