package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What the job of the slot Data has beside that of another: a process with a volume is replaced in place, as
// two programs must not write to one folder, and as which folder it is goes by the number of the instance.
//
//	volume "data" { size mount }   -> group volume "data": host, per_alloc, single writer
//	                                   source APP--PROCESS--data, which is APP--PROCESS--data[INDEX] on a node
//	                               -> volume_mount in each task, and VOLUME_DATA
//	stop-first                     -> update { max_parallel = 1 }, no canary; registered while instances are
//	                                   replaced, else max_parallel = 0
//
// With per_alloc each number has a folder of its own, also where two run on one node, and it is found again by
// its name, wherever the job's history went; sticky takes one name per node, and hands folders out anew.

const (
	envVolume    = "VOLUME_"      // + NAME: where the volume is
	turnMeta     = "crumpet_turn" // of a group: differs where its instances are to be replaced though nothing else does
	volumeAccess = string(nomadapi.HostVolumeAccessModeSingleNodeSingleWriter)
)

// slotted says that a process stands in the job of a slot.
func slotted(p paas.Process, slot paas.Slot) bool { return p.Stateful() == (slot == paas.Data) }

// oneByOne has Nomad stop one instance of a group, start its successor, and go on when that is healthy. The
// first that is not ends it, so that no more than one instance is lost to a bad release; what then becomes of
// it is the converger's business, which never lets Nomad revert.
func oneByOne(p paas.Process) *nomadapi.UpdateStrategy {
	health := migrate(p)
	return &nomadapi.UpdateStrategy{
		MaxParallel: new(1), HealthCheck: health.HealthCheck, MinHealthyTime: health.MinHealthyTime,
		HealthyDeadline: health.HealthyDeadline, ProgressDeadline: new(time.Duration(0)), AutoRevert: new(false), AutoPromote: new(false), Canary: new(0),
	}
}

// Undeployed is a job that Nomad makes no deployment of its own for.
func Undeployed(job *nomadapi.Job) *nomadapi.Job {
	bare := each(job, func(g *nomadapi.TaskGroup) { g.Update = &nomadapi.UpdateStrategy{MaxParallel: new(0)} })
	bare.Update = &nomadapi.UpdateStrategy{MaxParallel: new(0)}
	return bare
}

// Deploys says that Nomad makes a deployment when the job changes.
func Deploys(job *nomadapi.Job) bool {
	return slices.ContainsFunc(job.TaskGroups, func(g *nomadapi.TaskGroup) bool {
		return g.Update != nil && g.Update.MaxParallel != nil && *g.Update.MaxParallel > 0
	})
}

// volumes are those that a group asks for.
func volumes(app string, p paas.Process) map[string]*nomadapi.VolumeRequest {
	requests := map[string]*nomadapi.VolumeRequest{}
	for _, v := range p.Volumes {
		requests[v.Name] = &nomadapi.VolumeRequest{
			Name: v.Name, Type: "host", Source: paas.VolumeSource(app, p.Name, v.Name), PerAlloc: true,
			AccessMode: volumeAccess, AttachmentMode: string(nomadapi.HostVolumeAttachmentModeFilesystem),
		}
	}
	return requests
}

// mounted gives a task of a process the process's volumes. The path is given from the task's folder, which is
// the root where a driver changes that, so that it also holds where volumes can only lie below it.
func mounted(t *nomadapi.Task, p paas.Process) *nomadapi.Task {
	if !p.Stateful() {
		return t
	}
	t.Env = maps.Clone(t.Env)
	for _, v := range p.Volumes {
		t.VolumeMounts = append(t.VolumeMounts, &nomadapi.VolumeMount{
			Volume: new(v.Name), Destination: new(v.Mount), ReadOnly: new(false), PropagationMode: new("private"), SELinuxLabel: new(""),
		})
		t.Env[envVolume+strings.ToUpper(underscored(v.Name))] = taskDir + "/../" + strings.TrimPrefix(v.Mount, "/")
	}
	return t
}

// Turned gives a stored job of the slot Data a mark for which Nomad replaces its instances. The job that is
// stored is not touched.
func Turned(stored *nomadapi.Job, mark string) *nomadapi.Job {
	return each(stored, func(g *nomadapi.TaskGroup) {
		g.Meta = maps.Clone(g.Meta)
		if g.Meta == nil {
			g.Meta = map[string]string{}
		}
		g.Meta[turnMeta] = mark
	})
}

// unturned is a job without that mark.
func unturned(job *nomadapi.Job) *nomadapi.Job {
	return each(job, func(g *nomadapi.TaskGroup) {
		if _, turned := g.Meta[turnMeta]; !turned {
			return
		}
		g.Meta = maps.Clone(g.Meta)
		if delete(g.Meta, turnMeta); len(g.Meta) == 0 {
			g.Meta = nil
		}
	})
}

// Unmounted is a job whose groups ask for no volume: what Nomad's plan says of it is whether there is room,
// while the volumes are still to be made.
func Unmounted(job *nomadapi.Job) *nomadapi.Job {
	return each(job, func(g *nomadapi.TaskGroup) {
		g.Volumes = nil
		tasks := make([]*nomadapi.Task, len(g.Tasks))
		for i, t := range g.Tasks {
			bare := *t
			bare.VolumeMounts = nil
			tasks[i] = &bare
		}
		g.Tasks = tasks
	})
}

// volumeAway says why no node can take an instance that must be where its volume is. Nomad counts the nodes
// that are there; the one that has the volume is not among them, or is full.
func volumeAway(process string, m *nomadapi.AllocationMetric) string {
	text := fmt.Sprintf("an instance of %s waits for the node that has its volume", process)
	if m.NodesExhausted > 0 {
		return text + ", which has no room for it: " + listed(m.DimensionExhausted)
	}
	return text + fmt.Sprintf(": the node does not run, takes no instances, or another instance has the volume (%s)", listed(m.ConstraintFiltered))
}

// Seat is a job that asks for one instance of a group on one node, without its volumes. It is only ever planned.
func Seat(job *nomadapi.Job, process, node string) *nomadapi.Job {
	probe := Unmounted(job)
	probe.ID, probe.Name = new(*job.ID+".seat"), new(*job.ID+".seat")
	probe.Constraints = append(slices.Clone(job.Constraints), &nomadapi.Constraint{LTarget: attribute("node.unique.id"), Operand: "=", RTarget: node})
	for _, g := range probe.TaskGroups {
		g.Count, g.Update = new(0), nil
		if *g.Name == process {
			g.Count = new(1)
		}
	}
	return probe
}
