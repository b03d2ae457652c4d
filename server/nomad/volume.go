package nomad

import (
	"context"
	"fmt"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Volumes are made by the plugin that every node of Nomad has built in. It makes a folder, whatever size is
// asked for, and gives it to root; what runs in it may be anybody, and only what has it mounted can reach it.
const (
	volumePlugin = "mkdir"
	volumeMode   = "0777"
	mebi         = 1 << 20
)

// Volumes lists the volumes of a team's apps, without the instances that use them and their paths.
func (c *Client) Volumes(ctx context.Context, team string) ([]paas.FoundVolume, error) {
	q, cancel := c.query(ctx, team)
	defer cancel()
	stubs, _, err := c.api.HostVolumes().List(&nomadapi.HostVolumeListRequest{}, q)
	if err != nil {
		return nil, c.fail(ctx, err, "list volumes")
	}
	var list []paas.FoundVolume
	for _, s := range stubs {
		v, ours := paas.ParseVolume(s.Namespace, s.Name)
		if !ours {
			continue
		}
		v.ID, v.NodeID, v.Size = s.ID, s.NodeID, int(s.CapacityBytes/mebi)
		v.CreatedAt = time.Unix(0, s.CreateTime).UTC()
		list = append(list, paas.FoundVolume{HostVolume: v, State: paas.VolumeState(s.State)})
	}
	return list, nil
}

// Volume gives one volume with the instances that use it. Code: not_found.
func (c *Client) Volume(ctx context.Context, team, id string) (paas.FoundVolume, error) {
	q, cancel := c.query(ctx, team)
	defer cancel()
	v, _, err := c.api.HostVolumes().Get(id, q)
	if err != nil {
		return paas.FoundVolume{}, c.fail(ctx, err, "read volume "+id)
	}
	return found(v), nil
}

func found(v *nomadapi.HostVolume) paas.FoundVolume {
	host, _ := paas.ParseVolume(v.Namespace, v.Name)
	host.ID, host.NodeID, host.Size = v.ID, v.NodeID, int(v.RequestedCapacityMinBytes/mebi)
	host.CreatedAt = time.Unix(0, v.CreateTime).UTC()
	f := paas.FoundVolume{HostVolume: host, State: paas.VolumeState(v.State), Path: v.HostPath, UsedBy: []string{}}
	for _, a := range v.Allocations {
		f.UsedBy = append(f.UsedBy, a.ID)
	}
	return f
}

// CreateVolume makes an empty volume on a node, for one writer at a time. Code invalid: the node can't have
// it.
func (c *Client) CreateVolume(ctx context.Context, r paas.VolumeRequest) (paas.FoundVolume, error) {
	w, cancel := c.write(ctx, r.Volume.Team)
	defer cancel()
	answer, _, err := c.api.HostVolumes().Create(&nomadapi.HostVolumeCreateRequest{Volume: &nomadapi.HostVolume{
		Namespace: r.Volume.Team, Name: r.Volume.Name(), PluginID: volumePlugin, NodeID: r.Node.ID,
		RequestedCapacityMinBytes: int64(r.Volume.Size) * mebi, RequestedCapacityMaxBytes: int64(r.Volume.Size) * mebi,
		RequestedCapabilities: []*nomadapi.HostVolumeCapability{{
			AttachmentMode: nomadapi.HostVolumeAttachmentModeFilesystem, AccessMode: nomadapi.HostVolumeAccessModeSingleNodeSingleWriter,
		}},
		Parameters: map[string]string{"mode": volumeMode},
	}}, w)
	if err != nil {
		err = c.fail(ctx, err, fmt.Sprintf("make volume %s on node %s", r.Volume.Name(), r.Node.Name))
		if unfit(err) {
			err = paas.Wrap(paas.Invalid, err, "node %s can't have a volume: it does not answer, or does not run the plugin %q of Nomad", r.Node.Name, volumePlugin)
		}
		return paas.FoundVolume{}, err
	}
	made := found(answer.Volume)
	made.Node = r.Node.Name
	return made, nil
}

// unfit says that Nomad could not make a volume on the node it was asked for, and may on another.
func unfit(err error) bool {
	if paas.CodeOf(err) != paas.Internal {
		return false
	}
	for _, text := range []string{"is not feasible", "could not place volume", "No path to node", "Unknown node", "node ID"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// DeleteVolume deletes a volume with all that is in it; none is as well. Code conflict: something uses it, or
// its node does not answer.
func (c *Client) DeleteVolume(ctx context.Context, team, id string) error {
	w, cancel := c.write(ctx, team)
	defer cancel()
	_, _, err := c.api.HostVolumes().Delete(&nomadapi.HostVolumeDeleteRequest{ID: id}, w)
	if err == nil {
		return nil
	}
	err = c.fail(ctx, err, "delete volume "+id)
	switch text := err.Error(); {
	case paas.CodeOf(err) == paas.NotFound, strings.Contains(text, "no such volume"):
		return nil
	case strings.Contains(text, "in use by allocations"):
		return paas.Wrap(paas.Conflict, err, "An instance uses the volume. Stop the app, or scale the process down, and try again.")
	case strings.Contains(text, "unknown node"):
		return paas.Wrap(paas.Conflict, err, "The node that has the volume does not answer. Try again when it is back.")
	}
	return err
}
