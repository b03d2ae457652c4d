package api

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Volumes lists and deletes the volumes of apps, of those that are no more as well. Codes: not_found, conflict
// while an instance uses one, unavailable.
type Volumes interface {
	List(ctx context.Context, team, app string) ([]paas.FoundVolume, error)
	Delete(ctx context.Context, ref paas.AppRef, name, by string) error
}

func (a *API) volumes(ctx context.Context, in *struct {
	Scope
	App string `query:"app" doc:"One app; all of the team unless said."`
},
) (*body[wire.HostVolumes], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Volumes.List(ctx, in.Team, in.App)
	if err != nil {
		return nil, err
	}
	volumes := wire.HostVolumes{Items: []wire.HostVolume{}}
	for _, v := range seen(a.sightOf(ctx), list, func(v paas.FoundVolume) paas.AppRef { return paas.AppRef{Team: v.Team, App: v.App} }) {
		volumes.Items = append(volumes.Items, presentVolume(v))
	}
	return &body[wire.HostVolumes]{volumes}, nil
}

// deleteVolume answers 200 with what was deleted. The app's name in the path is what makes sure that it is meant.
func (a *API) deleteVolume(ctx context.Context, in *struct {
	AppScope
	Volume string `path:"volume" doc:"The volume's name, such as shop--web--data[0]."`
},
) (*body[wire.HostVolume], error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	name := in.Volume
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	noteAudit(ctx, name, nil, nil)
	list, err := a.Volumes.List(ctx, ref.Team, ref.App)
	if err != nil {
		return nil, err
	}
	var deleted wire.HostVolume
	for _, v := range list {
		if v.Name() == name {
			deleted = presentVolume(v)
		}
	}
	if err := a.Volumes.Delete(ctx, ref, name, caller(ctx)); err != nil {
		return nil, err
	}
	noteAudit(ctx, "", map[string]any{"id": deleted.ID, "node": deleted.Node, "mb": deleted.Size}, nil)
	return &body[wire.HostVolume]{deleted}, nil
}

func presentVolume(v paas.FoundVolume) wire.HostVolume {
	return wire.HostVolume{
		Name: v.Name(), Team: v.Team, App: v.App, Process: v.Process, Volume: v.Volume, Index: v.Index, ID: v.ID,
		Node: v.Node, NodeID: v.NodeID, Size: v.Size, Status: v.State, UsedBy: items(v.UsedBy), CreatedAt: v.CreatedAt,
	}
}
