package apitest

import (
	"context"
	"maps"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Snapshot and what follows implement api.Store.
func (p *Platform) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	app, ok := p.apps[ref]
	if !ok {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", ref.Team, ref.App)
	}
	s := paas.Snapshot{App: app, Releases: map[int]paas.Release{}, Instances: slices.Clone(p.instances[ref])}
	for _, r := range p.releases[ref] {
		s.Releases[r.Number], s.Newest = r, max(s.Newest, r.Number)
		for _, route := range r.Spec.Routes() {
			s.Routes = append(s.Routes, paas.RouteFact{Host: route.Host, Path: route.Path, State: paas.RouteAnswering})
		}
	}
	for _, d := range p.deployments[ref] {
		if !d.State.Ended() {
			s.Deployments = append(s.Deployments, d)
		}
	}
	for _, b := range p.services.bindings {
		if b.Ref() == ref {
			s.Bindings = append(s.Bindings, b)
		}
	}
	s.Sides = maps.Clone(p.sides)
	for _, r := range p.runs {
		if r.Ref() == ref {
			s.Runs = append(s.Runs, r)
		}
	}
	return s, nil
}

// Changed says at each call that every app has changed that ever was there.
func (p *Platform) Changed(context.Context, int64) (list []paas.AppRef, since int64, err error) {
	p.locked(func() {
		for ref := range p.apps {
			p.listed[ref] = true
		}
		list = slices.Collect(maps.Keys(p.listed))
	})
	return list, 0, nil
}

func (p *Platform) Snapshots(ctx context.Context, refs ...paas.AppRef) (map[paas.AppRef]paas.Snapshot, error) {
	all := map[paas.AppRef]paas.Snapshot{}
	for _, ref := range refs {
		if s, err := p.Snapshot(ctx, ref); err == nil {
			all[ref] = s
		}
	}
	return all, nil
}

func (p *Platform) Release(_ context.Context, ref paas.AppRef, number int) (paas.Release, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return lookup(p.releases[ref], func(r paas.Release) bool { return r.Number == number }, "App %q has no release %d.", ref.App, number)
}

func (p *Platform) Releases(_ context.Context, ref paas.AppRef, below, limit int) (list []paas.Release, err error) {
	p.locked(func() {
		all := p.releases[ref]
		if below > 0 {
			all = all[:min(below-1, len(all))]
		}
		list = newest(all, limit)
	})
	return list, nil
}

func (p *Platform) Endings(_ context.Context, ref paas.AppRef) (list []paas.Ending, err error) {
	p.locked(func() {
		for _, d := range p.deployments[ref] {
			list = append(list, paas.Ending{Release: d.Release, State: d.State, At: d.CreatedAt})
		}
	})
	return list, nil
}

func (p *Platform) Deployment(_ context.Context, ref paas.AppRef, id string) (paas.Deployment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return lookup(p.deployments[ref], func(d paas.Deployment) bool { return d.ID == id }, "App %q has no deployment %q.", ref.App, id)
}

func (p *Platform) Deployments(_ context.Context, ref paas.AppRef, limit int) (list []paas.Deployment, err error) {
	p.locked(func() { list = newest(p.deployments[ref], limit) })
	return list, nil
}

func (p *Platform) Events(_ context.Context, f paas.EventFilter) (list []paas.Event, err error) {
	p.locked(func() {
		fits := func(want, have string) bool { return want == "" || want == have || f.Platform && have == "" }
		for _, e := range p.events {
			if e.ID > f.After && (f.UpTo == 0 || e.ID <= f.UpTo) && !e.Time.Before(f.Since) && fits(f.Team, e.Team) && fits(f.App, e.App) &&
				(f.Teams == nil || slices.Contains(f.Teams, e.Team)) && (f.Apps == nil || slices.Contains(f.Apps, paas.AppRef{Team: e.Team, App: e.App})) &&
				(len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) {
				list = append(list, e)
			}
		}
		if f.Last {
			list = list[max(0, len(list)-f.Limit):]
		}
		list = list[:min(len(list), f.Limit)]
	})
	return list, nil
}

func (p *Platform) LastEvent(context.Context) (last int64, err error) {
	p.locked(func() { last = int64(len(p.events)) })
	return last, nil
}

// Team knows every team but "nowhere".
func (p *Platform) Team(_ context.Context, name string) (paas.Team, error) {
	if name == "nowhere" {
		return paas.Team{}, paas.Errorf(paas.NotFound, "There is no team %q.", name)
	}
	return paas.Team{Name: name}, nil
}
