package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Storage makes folders on nodes, as Nomad keeps them. Codes: invalid when the node can't have such a volume,
// unavailable.
type Storage interface {
	// Volumes lists those of a team's apps, without the instances that use them.
	Volumes(ctx context.Context, team string) ([]paas.FoundVolume, error)
	// CreateVolume makes an empty one on a node. It is of use once its state is ready.
	CreateVolume(ctx context.Context, r paas.VolumeRequest) (paas.FoundVolume, error)
}

// Nodes knows the nodes of the cluster, as they were last seen.
type Nodes interface {
	Nodes(ctx context.Context) ([]paas.Node, error)
}

// How long a volume may take to be there: its node tells Nomad's servers of it by itself.
const (
	volumeLimit = 10 * time.Second
	volumeLook  = 200 * time.Millisecond
)

// furnished sees to it that every instance that is to run in the slot Data has its volumes. They are made
// before the job is registered, since Nomad places an instance where its volume is; never anew where one is
// lost, as an empty folder in its place would look like all is well. ready is false when the job must wait.
func (d *Deployer) furnished(ctx context.Context, snap paas.Snapshot, row paas.Slotted, job *nomadapi.Job, counts map[string]int, out *outcome) (ready bool, err error) {
	if row.Slot != paas.Data || total(counts) == 0 {
		return true, nil
	}
	if reason := leaving(snap, row, counts); reason != "" {
		out.cause, out.held = paas.CauseNoVolume, reason
		return false, nil
	}
	if d.storage == nil {
		return false, paas.Errorf(paas.Internal, "No volumes can be made for app %q.", row.App)
	}
	found, err := d.storage.Volumes(ctx, row.Team)
	if err != nil {
		return false, err
	}
	have := slices.Clone(snap.Volumes)
	for _, v := range volumesOf(row, snap.Releases[row.Release].Spec, counts) {
		known := slices.IndexFunc(have, v.Same)
		i := slices.IndexFunc(found, func(f paas.FoundVolume) bool { return known >= 0 && f.ID == have[known].ID })
		if i < 0 { // made before a crash, or put back by somebody
			i = slices.IndexFunc(found, func(f paas.FoundVolume) bool { return f.Same(v) })
		}
		switch {
		case i < 0 && known >= 0:
			out.cause, out.held = paas.CauseNoVolume, lostText(have[known])
			return false, nil
		case i < 0:
			made, reason, err := d.place(ctx, snap, job, v, have)
			if err != nil || reason != "" {
				out.cause, out.held = paas.CauseNoVolume, reason
				return false, err
			}
			found = append(found, made)
			i = len(found) - 1
		}
		if known < 0 || have[known].ID != found[i].ID {
			v := found[i].HostVolume
			have = append(have, v)
			out.volumes = append(out.volumes, v)
		}
	}
	return d.there(ctx, row, have, counts, snap, out)
}

// there waits until Nomad can place instances where the volumes are.
func (d *Deployer) there(ctx context.Context, row paas.Slotted, have []paas.HostVolume, counts map[string]int, snap paas.Snapshot, out *outcome) (bool, error) {
	wanted := volumesOf(row, snap.Releases[row.Release].Spec, counts)
	until := d.now().Add(volumeLimit)
	for {
		found, err := d.storage.Volumes(ctx, row.Team)
		if err != nil {
			return false, err
		}
		late := slices.IndexFunc(wanted, func(v paas.HostVolume) bool {
			return !slices.ContainsFunc(found, func(f paas.FoundVolume) bool { return f.Same(v) && f.State == paas.VolumeReady })
		})
		if late < 0 {
			return true, nil
		}
		if !d.now().Before(until) || len(out.volumes) == 0 {
			node := have[max(0, slices.IndexFunc(have, wanted[late].Same))].Node
			out.cause = paas.CauseNoVolume
			out.held = fmt.Sprintf("volume %s is not ready: node %s has not said that it is there", wanted[late].Name(), node)
			return false, nil
		}
		if err := rest(ctx, volumeLook); err != nil {
			return false, err
		}
	}
}

// volumesOf are those that the instances of the slot Data need, without what Nomad says of them.
func volumesOf(row paas.Slotted, spec paas.Spec, counts map[string]int) []paas.HostVolume {
	var list []paas.HostVolume
	for _, p := range spec.Processes {
		for index := range counts[p.Name] {
			for _, v := range p.Volumes {
				list = append(list, paas.HostVolume{Team: row.Team, App: row.App, Process: p.Name, Volume: v.Name, Index: index, Size: v.Size})
			}
		}
	}
	return list
}

// place makes a volume on the first node that can have it and has room for the instance that is to use it.
// reason says why there is none.
func (d *Deployer) place(ctx context.Context, snap paas.Snapshot, job *nomadapi.Job, v paas.HostVolume, have []paas.HostVolume) (made paas.FoundVolume, reason string, err error) {
	if err := d.scheduler.EnsureNamespace(ctx, v.Team); err != nil {
		return made, "", err
	}
	nodes, err := d.nodes.Nodes(ctx)
	if err != nil {
		return made, "", err
	}
	for _, node := range seats(nodes, v, have) {
		room, err := d.hasRoom(ctx, job, v, node)
		if err != nil {
			return made, "", err
		}
		if room != "" {
			reason = cmp.Or(reason, room)
			continue
		}
		made, err = d.storage.CreateVolume(ctx, paas.VolumeRequest{Volume: v, Node: node})
		if paas.CodeOf(err) == paas.Invalid {
			reason = cmp.Or(reason, paas.MessageOf(err))
			continue
		}
		if err == nil {
			made.Node, made.Size, made.CreatedAt = node.Name, v.Size, d.now()
			d.log.Info("volume made", "app", v.App, "volume", v.Name(), "node", node.Name)
		}
		return made, "", err
	}
	return made, fmt.Sprintf("volume %s of %s finds no node: %s", v.Name(), v.Process, cmp.Or(reason, "none is ready to have one")), nil
}

// seats are the nodes on which a volume may be made, the best first: all volumes of an instance must be on one
// node, and the instances of a process are spread.
func seats(nodes []paas.Node, v paas.HostVolume, have []paas.HostVolume) []paas.Node {
	beside := map[string]int{}
	for _, o := range have {
		switch {
		case o.Process != v.Process:
		case o.Index == v.Index:
			return slices.DeleteFunc(slices.Clone(nodes), func(n paas.Node) bool { return n.ID != o.NodeID })
		default:
			beside[o.NodeID]++
		}
	}
	some := slices.DeleteFunc(slices.Clone(nodes), func(n paas.Node) bool {
		return n.Status != paas.NodeReady || !n.Eligible || n.Draining
	})
	slices.SortStableFunc(some, func(a, b paas.Node) int { return cmp.Compare(beside[a.ID], beside[b.ID]) })
	return some
}

// hasRoom asks Nomad whether an instance could run on a node, if its volume were there. A job of another name
// is planned: what runs of this one stays.
func (d *Deployer) hasRoom(ctx context.Context, job *nomadapi.Job, v paas.HostVolume, node paas.Node) (reason string, err error) {
	probe := jobspec.Seat(job, v.Process, node.ID)
	answer, err := d.scheduler.Plan(ctx, v.Team, probe)
	if err != nil {
		return "", err
	}
	return jobspec.PlacementReason(answer.FailedTGAllocs, probe), nil
}

func lostText(v paas.HostVolume) string {
	return fmt.Sprintf("volume %s is lost: Nomad knows it no more, and it was on node %s; put it back there, or give it up with `crumpet volumes delete %s`, and an empty one is made", v.Name(), v.Node, v.Name())
}

// missing names the volumes of a row that Nomad does not know, those that none wants now as well.
func missingVolumes(snap paas.Snapshot, found []paas.FoundVolume) []paas.HostVolume {
	return slices.DeleteFunc(slices.Clone(snap.Volumes), func(v paas.HostVolume) bool {
		return slices.ContainsFunc(found, func(f paas.FoundVolume) bool { return f.ID == v.ID || f.Same(v) })
	})
}

// gapOf is about how long nobody serves in the place of an instance that is stopped first: until it has left
// the routers and ended, and its successor is healthy. What the last start took is the best guess for the next.
func gapOf(snap paas.Snapshot, p paas.Process) time.Duration {
	start := p.HealthyAfter() + time.Second
	for _, i := range snap.Instances {
		if i.Process == p.Name && i.Slot == paas.Data && i.PassingAt != nil && i.Serving() {
			start = max(time.Second, i.PassingAt.Sub(i.CreatedAt))
		}
	}
	return (p.ShutdownDelay + start + time.Second).Round(time.Second)
}

// LedStorage gives storage that ask, before one is made, whether the server still leads. Code conflict, of
// leads: it doesn't.
func LedStorage(v Storage, leads func(ctx context.Context) error) Storage {
	return ledStorage{v, leads}
}

type ledStorage struct {
	Storage
	leads func(ctx context.Context) error
}

func (l ledStorage) CreateVolume(ctx context.Context, r paas.VolumeRequest) (paas.FoundVolume, error) {
	if err := l.leads(ctx); err != nil {
		return paas.FoundVolume{}, err
	}
	return l.Storage.CreateVolume(ctx, r)
}

type edgedStorage struct {
	Storage // a list changes nothing
	around  around
}

func (v edgedStorage) CreateVolume(ctx context.Context, r paas.VolumeRequest) (made paas.FoundVolume, err error) {
	v.around("nomad.CreateVolume", func() { made, err = v.Storage.CreateVolume(ctx, r) })
	return made, err
}
