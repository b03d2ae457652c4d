package sched

import (
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Source is the name of the volume that a request of a group means for one of its instances.
func Source(req *nomadapi.VolumeRequest, alloc string) string {
	if open := strings.LastIndexByte(alloc, '['); req.PerAlloc && open >= 0 {
		return req.Source + alloc[open:]
	}
	return req.Source
}

// Sources are the host volumes that an instance of a group asks for.
func Sources(tg *nomadapi.TaskGroup, alloc string) []string {
	if tg == nil {
		return nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(tg.Volumes)) {
		if req := tg.Volumes[name]; req.Type == "host" {
			names = append(names, Source(req, alloc))
		}
	}
	return names
}

// Meets says whether a node meets constraints.
func Meets(n *nomadapi.Node, constraints []*nomadapi.Constraint) bool {
	return seat{&reconciler{}, n}.unmet(constraints) == ""
}

const noVolume = "missing compatible host volumes"

// hasVolumes says whether the node has what an instance asks for, and whether that may be given to it: not to
// two writers, where a volume takes one. Without is one whose place it takes. It notes a node that has not.
func (r seat) hasVolumes(tg *nomadapi.TaskGroup, alloc, without string, m *nomadapi.AllocationMetric) bool {
	for _, req := range tg.Volumes {
		if req.Type == "host" && r.hasVolume(req, Source(req, alloc), without) {
			continue
		}
		m.NodesFiltered++
		if m.ConstraintFiltered == nil {
			m.ConstraintFiltered = map[string]int{}
		}
		m.ConstraintFiltered[noVolume]++
		return false
	}
	return true
}

func (r seat) hasVolume(req *nomadapi.VolumeRequest, source, without string) bool {
	info := r.node.HostVolumes[source]
	if info == nil {
		return false
	}
	at := slices.IndexFunc(r.Volumes, func(v *nomadapi.HostVolume) bool { return v.ID == info.ID && v.Namespace == *r.Job.Namespace })
	if at < 0 || r.Volumes[at].State != nomadapi.HostVolumeStateReady {
		return false
	}
	access := nomadapi.HostVolumeAccessMode(req.AccessMode)
	if access == nomadapi.HostVolumeAccessModeUnknown {
		access = nomadapi.HostVolumeAccessModeSingleNodeWriter
		if req.ReadOnly {
			access = nomadapi.HostVolumeAccessModeSingleNodeReader
		}
	}
	attach := nomadapi.HostVolumeAttachmentMode(req.AttachmentMode)
	if attach == nomadapi.HostVolumeAttachmentModeUnknown {
		attach = nomadapi.HostVolumeAttachmentModeFilesystem
	}
	if !slices.ContainsFunc(r.Volumes[at].RequestedCapabilities, func(c *nomadapi.HostVolumeCapability) bool {
		return c.AccessMode == access && c.AttachmentMode == attach
	}) {
		return false
	}
	if access != nomadapi.HostVolumeAccessModeSingleNodeSingleWriter {
		return true
	}
	for _, a := range r.held(without) {
		if g := a.Group(); !a.ServerTerminal() && g != nil && slices.Contains(Sources(g, a.Name), source) {
			return false
		}
	}
	return true
}

// atOnce is how many instances of a group may be replaced now: all, but with an update block no more than it
// allows to be without health, and none once one of the new is unhealthy.
func (r *reconciler) atOnce(tg *nomadapi.TaskGroup, name string) int {
	if tg.Update == nil || tg.Update.MaxParallel == nil || *tg.Update.MaxParallel == 0 {
		return len(r.Allocs)
	}
	room := *tg.Update.MaxParallel
	for _, a := range r.Allocs {
		if a.TaskGroup != name || a.ServerTerminal() || *a.Job.Version != *r.Job.Version || a.CreateIndex < *r.Job.JobModifyIndex {
			continue
		}
		switch d := a.DeploymentStatus; {
		case d == nil || d.Healthy == nil:
			room--
		case !*d.Healthy:
			return 0
		}
	}
	return max(0, room)
}
