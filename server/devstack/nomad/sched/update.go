package sched

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

type verdict int

const (
	ignore verdict = iota
	inPlace
	replace
)

// update decides what a new job version does to a running allocation, and
// plans it when it stays.
func (r *reconciler) update(a *state.Alloc, tg *nomadapi.TaskGroup) verdict {
	if *a.Job.JobModifyIndex == *r.Job.JobModifyIndex {
		return ignore
	}
	if tasksUpdated(r.Job, a.Job, *tg.Name) {
		return replace
	}
	if a.ClientTerminal() {
		return ignore
	}
	// A node that drifted away from what the job asks for makes even a change
	// of the count destructive: feasibility is asked again.
	m, at := r.metric(), seat{r, r.byID(a.NodeID)}
	if !inDatacenter(at.node, r.Job.Datacenters) || !inPool(at.node, r.Job) || !at.feasible(tg, a.ID, m) || !at.hasVolumes(tg, a.Name, a.ID, m) {
		return replace
	}
	if _, ok := at.fits(tg, a.ID, m); !ok {
		return replace
	}
	c := a.Copy()
	c.EvalID = r.EvalID
	c.Job = r.Job
	r.plan.InPlace = append(r.plan.InPlace, c)
	return inPlace
}

// tasksUpdated tells whether a change needs new processes. Service blocks,
// counts and policies do not; everything a task runs with does.
func tasksUpdated(jobA, jobB *nomadapi.Job, group string) bool {
	a, b := jobA.LookupTaskGroup(group), jobB.LookupTaskGroup(group)
	if a == nil || b == nil || len(a.Tasks) != len(b.Tasks) {
		return true
	}
	if !same(a.EphemeralDisk, b.EphemeralDisk) || networksUpdated(a.Networks, b.Networks) ||
		!same(a.Consul, b.Consul) || !same(a.Volumes, b.Volumes) ||
		rendersTemplates(a.RestartPolicy) != rendersTemplates(b.RestartPolicy) {
		return true
	}
	for _, at := range a.Tasks {
		i := slices.IndexFunc(b.Tasks, func(t *nomadapi.Task) bool { return t.Name == at.Name })
		if i < 0 {
			return true
		}
		bt := b.Tasks[i]
		if at.Driver != bt.Driver || at.User != bt.User {
			return true
		}
		for _, pair := range [][2]any{
			{at.Config, bt.Config},
			{at.Env, bt.Env},
			{at.Artifacts, bt.Artifacts},
			{at.Vault, bt.Vault},
			{at.Secrets, bt.Secrets},
			{at.Consul, bt.Consul},
			{at.Templates, bt.Templates},
			{at.CSIPluginConfig, bt.CSIPluginConfig},
			{at.VolumeMounts, bt.VolumeMounts},
			{at.Identity, bt.Identity},
			{at.Identities, bt.Identities},
			{metaOf(jobA, a, at), metaOf(jobB, b, bt)},
		} {
			if !same(pair[0], pair[1]) {
				return true
			}
		}
		if networksUpdated(at.Resources.Networks, bt.Resources.Networks) || resourcesUpdated(at.Resources, bt.Resources) ||
			logsDisabled(at) != logsDisabled(bt) || rendersTemplates(at.RestartPolicy) != rendersTemplates(bt.RestartPolicy) {
			return true
		}
	}
	return false
}

func resourcesUpdated(a, b *nomadapi.Resources) bool {
	return value(a.CPU) != value(b.CPU) || value(a.Cores) != value(b.Cores) ||
		value(a.MemoryMB) != value(b.MemoryMB) || value(a.MemoryMaxMB) != value(b.MemoryMaxMB) ||
		value(a.SecretsMB) != value(b.SecretsMB) || !same(a.Devices, b.Devices) || !same(a.NUMA, b.NUMA)
}

func networksUpdated(a, b []*nomadapi.NetworkResource) bool {
	if len(a) != len(b) {
		return true
	}
	for i := range a {
		if a[i].Mode != b[i].Mode || a[i].Hostname != b[i].Hostname || !same(a[i].DNS, b[i].DNS) || !same(a[i].CNI, b[i].CNI) {
			return true
		}
		if !same(portsOf(a[i]), portsOf(b[i])) {
			return true
		}
	}
	return false
}

// portsOf is the set of ports, without the order they are written in.
func portsOf(n *nomadapi.NetworkResource) map[string]nomadapi.Port {
	ports := map[string]nomadapi.Port{}
	for _, p := range n.ReservedPorts {
		ports["static "+p.Label] = p
	}
	for _, p := range n.DynamicPorts {
		p.Value = -1
		ports["dynamic "+p.Label] = p
	}
	return ports
}

func metaOf(job *nomadapi.Job, tg *nomadapi.TaskGroup, task *nomadapi.Task) map[string]string {
	meta := map[string]string{}
	for _, m := range []map[string]string{job.Meta, tg.Meta, task.Meta} {
		maps.Copy(meta, m)
	}
	return meta
}

func rendersTemplates(p *nomadapi.RestartPolicy) bool {
	return p != nil && p.RenderTemplates != nil && *p.RenderTemplates
}

func logsDisabled(t *nomadapi.Task) bool {
	return t.LogConfig != nil && t.LogConfig.Disabled != nil && *t.LogConfig.Disabled
}

func value(i *int) int {
	if i == nil {
		return 0
	}
	return *i
}

// same compares as JSON, in which absent and empty are one.
func same(a, b any) bool { return bytes.Equal(text(a), text(b)) }

func text(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	switch string(out) {
	case "null", "{}", "[]":
		return nil
	}
	return out
}
