package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// VolumeStore is what is read and written of volumes outside of a deployment.
type VolumeStore interface {
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Snapshots(ctx context.Context, refs ...paas.AppRef) (map[paas.AppRef]paas.Snapshot, error)
	Volumes(ctx context.Context, team string) ([]paas.HostVolume, error)
	DropVolume(ctx context.Context, v paas.HostVolume, events ...paas.Event) error
}

// VolumeKeeper is what Nomad does for one volume. Codes: not_found, conflict while something uses it.
type VolumeKeeper interface {
	Volumes(ctx context.Context, team string) ([]paas.FoundVolume, error)
	Volume(ctx context.Context, team, id string) (paas.FoundVolume, error)
	DeleteVolume(ctx context.Context, team, id string) error
}

// Kept lists and deletes the volumes of apps, of those that are no more as well.
type Kept struct {
	Store VolumeStore
	Nomad VolumeKeeper
	Now   func() time.Time
}

// List gives the volumes of a team by app, process, name and number; with app only that one's. What Nomad
// does not know any more is lost. Code: unavailable.
func (k Kept) List(ctx context.Context, team, app string) ([]paas.FoundVolume, error) {
	rows, err := k.Store.Volumes(ctx, team)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(v paas.HostVolume) bool { return app != "" && v.App != app })
	if len(rows) == 0 {
		return []paas.FoundVolume{}, nil
	}
	var refs []paas.AppRef
	for _, v := range rows {
		if !slices.Contains(refs, v.Ref()) {
			refs = append(refs, v.Ref())
		}
	}
	snaps, err := k.Store.Snapshots(ctx, refs...)
	if err != nil {
		return nil, err
	}
	found, err := k.Nomad.Volumes(ctx, team)
	if err != nil {
		return nil, err
	}
	list := make([]paas.FoundVolume, len(rows))
	for n, row := range rows {
		list[n] = paas.FoundVolume{HostVolume: row, State: paas.VolumeLost, UsedBy: users(snaps[row.Ref()], row)}
		if i := slices.IndexFunc(found, func(f paas.FoundVolume) bool { return f.ID == row.ID }); i >= 0 {
			list[n].State = found[i].State
		}
	}
	return list, nil
}

// users are the instances that have a volume mounted.
func users(snap paas.Snapshot, v paas.HostVolume) []string {
	ids := []string{}
	for _, i := range snap.Instances {
		if i.Slot == paas.Data && i.Process == v.Process && i.Index == v.Index && !i.State.Ended() {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// Delete deletes a volume of an app with all that is in it. Codes: not_found, conflict while an instance uses
// it or is to.
func (k Kept) Delete(ctx context.Context, ref paas.AppRef, name, by string) error {
	rows, err := k.Store.Volumes(ctx, ref.Team)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(v paas.HostVolume) bool { return v.App == ref.App && v.Name() == name })
	if i < 0 {
		return paas.Errorf(paas.NotFound, "App %q has no volume %q. `crumpet volumes list` shows those there are.", ref.App, name)
	}
	v := rows[i]
	snaps, err := k.Store.Snapshots(ctx, ref)
	if err != nil {
		return err
	}
	found, err := k.Nomad.Volume(ctx, v.Team, v.ID)
	lost := paas.CodeOf(err) == paas.NotFound
	if err != nil && !lost {
		return err
	}
	if !lost && (len(found.UsedBy) > 0 || len(users(snaps[ref], v)) > 0 || wants(snaps[ref], v)) {
		return paas.Errorf(paas.Conflict, "Volume %s is in use by instance %s.%d. Stop it first: `crumpet scale %s %s=%d`, or `crumpet stop %s`.",
			name, v.Process, v.Index, v.App, v.Process, v.Index, v.App)
	}
	if err := k.Nomad.DeleteVolume(ctx, v.Team, v.ID); err != nil {
		return err
	}
	return k.Store.DropVolume(ctx, v, paas.Event{
		Time: k.Now(), Team: v.Team, App: v.App, Process: v.Process, Kind: paas.EventVolumeChanged, By: by,
		Message: fmt.Sprintf("volume %s on node %s deleted by %s", name, v.Node, by),
	})
}

// wants says that an instance is to run that has the volume.
func wants(snap paas.Snapshot, v paas.HostVolume) bool {
	return v.Index < World(snap).Slots[paas.Data][v.Process]
}

// VolumeList lists the volumes of a team's apps; "*" is every team.
type VolumeList interface {
	Volumes(ctx context.Context, team string) ([]paas.FoundVolume, error)
}

// volumes names those of an app that Nomad does not know any more.
func (d *drifting) volumes(s paas.Snapshot) {
	if !d.at.Kept {
		return
	}
	for _, v := range missingVolumes(s, d.at.Volumes) {
		d.say(paas.Finding{
			Kind: paas.VolumeMissing, Team: v.Team, App: v.App, Thing: v.Name(), Wished: "a volume on node " + v.Node, Found: "Nomad knows no such volume",
			Repair: fmt.Sprintf("nothing can be done from here: register what is left of it with Nomad under this name, or give it up with `crumpet volumes delete '%s'`", v.Name()),
		})
	}
}
