package apitest

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Volumes implements api.Volumes, in memory.
type Volumes struct{ p *Platform }

// AddVolume says of one more volume that it is there.
func (p *Platform) AddVolume(v paas.FoundVolume) {
	p.locked(func() { p.volumes = append(p.volumes, v) })
}

// List gives those of a team, or of one app.
func (v Volumes) List(_ context.Context, team, app string) (list []paas.FoundVolume, err error) {
	v.p.locked(func() {
		for _, one := range v.p.volumes {
			if one.Team == team && (app == "" || one.App == app) {
				list = append(list, one)
			}
		}
	})
	return list, nil
}

// Delete takes one away that nobody uses.
func (v Volumes) Delete(_ context.Context, ref paas.AppRef, name, _ string) (err error) {
	v.p.locked(func() {
		i := slices.IndexFunc(v.p.volumes, func(one paas.FoundVolume) bool { return one.Ref() == ref && one.Name() == name })
		switch {
		case i < 0:
			err = paas.Errorf(paas.NotFound, "App %q has no volume %q. `crumpet volumes list` shows those there are.", ref.App, name)
		case len(v.p.volumes[i].UsedBy) > 0:
			err = paas.Errorf(paas.Conflict, "Volume %s is in use by instance %s.%d.", name, v.p.volumes[i].Process, v.p.volumes[i].Index)
		default:
			v.p.volumes = slices.Delete(slices.Clone(v.p.volumes), i, i+1)
		}
	})
	return err
}
