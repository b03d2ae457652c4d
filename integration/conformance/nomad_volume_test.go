package conformance_test

import (
	"fmt"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// volume makes a volume of the row on a node and waits until instances can be placed there.
func (p *probe) volume(name, node string) *nomadapi.HostVolume {
	answer, _, err := p.nomad.HostVolumes().Create(&nomadapi.HostVolumeCreateRequest{Volume: p.wantedVolume(name, node)}, p.writeTo("default"))
	p.check(err)
	id := answer.Volume.ID
	p.later(func() { // once nothing uses it any more
		for range 50 {
			if _, _, err := p.nomad.HostVolumes().Delete(&nomadapi.HostVolumeDeleteRequest{ID: id}, nil); err == nil || strings.Contains(err.Error(), "no such volume") {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
	p.until("the volume is ready", func() bool {
		v, _, err := p.nomad.HostVolumes().Get(id, p.read())
		p.check(err)
		return v.State == nomadapi.HostVolumeStateReady
	})
	return answer.Volume
}

func (p *probe) wantedVolume(name, node string) *nomadapi.HostVolume {
	return &nomadapi.HostVolume{
		Namespace: "default", Name: name, PluginID: "mkdir", NodeID: node, Parameters: map[string]string{"mode": "0777"},
		RequestedCapacityMinBytes: 10 << 20, RequestedCapacityMaxBytes: 10 << 20,
		RequestedCapabilities: []*nomadapi.HostVolumeCapability{{
			AttachmentMode: nomadapi.HostVolumeAttachmentModeFilesystem, AccessMode: nomadapi.HostVolumeAccessModeSingleNodeSingleWriter,
		}},
	}
}

// keeping is a job whose instances each want a volume of their own, replaced one by one.
func (p *probe) keeping(count int) *nomadapi.Job {
	j := p.job(count, "idle")
	g := j.TaskGroups[0]
	g.Update = &nomadapi.UpdateStrategy{
		MaxParallel: new(1), HealthCheck: new("task_states"), MinHealthyTime: new(200 * time.Millisecond),
		HealthyDeadline: new(30 * time.Second), ProgressDeadline: new(time.Duration(0)),
	}
	g.Volumes = map[string]*nomadapi.VolumeRequest{"data": {
		Name: "data", Type: "host", Source: p.id, PerAlloc: true, AccessMode: "single-node-single-writer", AttachmentMode: "file-system",
	}}
	g.Tasks[0].VolumeMounts = []*nomadapi.VolumeMount{{Volume: new("data"), Destination: new("/data")}}
	return j
}

func (p *probe) anyNode() string {
	list, _, err := p.nomad.Nodes().List(p.read())
	p.check(err)
	return list[0].ID
}

func (p *probe) readFrom(namespace string) *nomadapi.QueryOptions {
	q := p.read()
	q.Namespace = namespace
	return q
}

func (p *probe) writeTo(namespace string) *nomadapi.WriteOptions {
	w := p.write()
	w.Namespace = namespace
	return w
}

var nomadVolumeRows = []row{
	{
		name: "Nomad: a host volume is made on a node, listed, read and deleted",
		calls: []string{
			"nomad PUT /v1/volume/host/create?namespace", "nomad GET /v1/volumes?namespace&type", "nomad GET /v1/volume/host/:id?namespace", "nomad DELETE /v1/volume/host/:id?namespace",
		},
		want: `
			made: pending, on the node true, below its folder true, capacity 0
			listed: 1, ready, mkdir, the same node true
			read: ready, used by 0, 10485760 bytes wanted
			of another namespace: 404
			made on no such node: 500, does not exist
			with another plugin: 500, is not feasible
			deleted: <nil>
			read again: 404
			deleted again: 500, no such volume`,
		run: func(p *probe) {
			node := p.anyNode()
			v := p.volume(p.id+"[0]", node)
			p.say("made: %s, on the node %t, below its folder %t, capacity %d", v.State, v.NodeID == node, strings.HasSuffix(v.HostPath, "/"+v.ID), v.CapacityBytes)
			list, _, err := p.nomad.HostVolumes().List(&nomadapi.HostVolumeListRequest{}, p.readFrom("*"))
			p.check(err)
			for _, stub := range list {
				if stub.Name == p.id+"[0]" {
					p.say("listed: 1, %s, %s, the same node %t", stub.State, stub.PluginID, stub.NodeID == node)
				}
			}
			got, _, err := p.nomad.HostVolumes().Get(v.ID, p.readFrom("default"))
			p.check(err)
			p.say("read: %s, used by %d, %d bytes wanted", got.State, len(got.Allocations), got.RequestedCapacityMinBytes)
			_, _, err = p.nomad.HostVolumes().Get(v.ID, p.readFrom("elsewhere"))
			p.say("of another namespace: %s", volumeRefusal(err))
			_, _, err = p.nomad.HostVolumes().Create(&nomadapi.HostVolumeCreateRequest{Volume: p.wantedVolume(p.id+"[1]", "5a9d3b1e-0000-0000-0000-000000000000")}, p.write())
			p.say("made on no such node: %s", volumeRefusal(err, "does not exist"))
			strange := p.wantedVolume(p.id+"[1]", node)
			strange.PluginID = "strange"
			_, _, err = p.nomad.HostVolumes().Create(&nomadapi.HostVolumeCreateRequest{Volume: strange}, p.write())
			p.say("with another plugin: %s", volumeRefusal(err, "is not feasible"))
			_, _, err = p.nomad.HostVolumes().Delete(&nomadapi.HostVolumeDeleteRequest{ID: v.ID}, p.writeTo("default"))
			p.say("deleted: %v", err)
			_, _, err = p.nomad.HostVolumes().Get(v.ID, p.read())
			p.say("read again: %s", volumeRefusal(err))
			_, _, err = p.nomad.HostVolumes().Delete(&nomadapi.HostVolumeDeleteRequest{ID: v.ID}, p.write())
			p.say("deleted again: %s", volumeRefusal(err, "no such volume"))
		},
	},
	{
		name:  "Nomad: an instance with a volume of its own goes where that is, and keeps it from being deleted",
		calls: []string{"nomad PUT /v1/job/:id/plan", "nomad PUT /v1/jobs", "nomad GET /v1/volume/host/:id?namespace", "nomad DELETE /v1/volume/host/:id?namespace"},
		want: `
			without a volume: web filtered by map[missing compatible host volumes:1]
			with it: 1 runs
			used by 1, deleted: 500, in use by allocations
			2 of them: the second filtered by map[missing compatible host volumes:1]
			with another volume: 2 run
			used by web[1]`,
		run: func(p *probe) {
			j := p.keeping(1)
			plan, _, err := p.nomad.Jobs().Plan(j, false, p.write())
			p.check(err)
			p.say("without a volume: web filtered by %v", plan.FailedTGAllocs["web"].ConstraintFiltered)
			node := p.anyNode()
			first := p.volume(p.id+"[0]", node)
			p.register(j)
			p.running(1)
			p.say("with it: 1 runs")
			got, _, err := p.nomad.HostVolumes().Get(first.ID, p.readFrom("default"))
			p.check(err)
			_, _, err = p.nomad.HostVolumes().Delete(&nomadapi.HostVolumeDeleteRequest{ID: first.ID}, p.writeTo("default"))
			p.say("used by %d, deleted: %s", len(got.Allocations), volumeRefusal(err, "in use by allocations"))
			j.TaskGroups[0].Count = new(2)
			plan, _, err = p.nomad.Jobs().Plan(j, false, p.write())
			p.check(err)
			p.say("2 of them: the second filtered by %v", plan.FailedTGAllocs["web"].ConstraintFiltered)
			second := p.volume(p.id+"[1]", node)
			p.register(j)
			p.running(2)
			p.say("with another volume: 2 run")
			got, _, err = p.nomad.HostVolumes().Get(second.ID, p.readFrom("default"))
			p.check(err)
			for _, a := range got.Allocations {
				p.say("used by %s", strings.TrimPrefix(a.Name, p.id+"."))
			}
		},
	},
	{
		name:  "Nomad: with max_parallel = 1 instances are replaced one after the other, each stopped before its successor starts",
		calls: []string{"nomad PUT /v1/job/:id/plan", "nomad PUT /v1/jobs", "nomad GET /v1/job/:id/allocations?all"},
		want: `
			a plan: 1 destroyed, 1 ignored
			web[0]: the new one started after the old one had ended true
			web[1]: the new one started after the old one had ended true
			web[1] was replaced when web[0] was healthy true`,
		run: func(p *probe) {
			node := p.anyNode()
			p.volume(p.id+"[0]", node)
			p.volume(p.id+"[1]", node)
			j := p.keeping(2)
			p.register(j)
			p.healthy(2)
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"NEXT": "1"}
			plan, _, err := p.nomad.Jobs().Plan(j, false, p.write())
			p.check(err)
			u := plan.Annotations.DesiredTGUpdates["web"]
			p.say("a plan: %d destroyed, %d ignored", u.DestructiveUpdate, u.Ignore)
			p.register(j)
			p.until("both are replaced", func() bool {
				fresh := 0
				for _, a := range p.allocs() {
					if a.JobVersion == 1 && a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy {
						fresh++
					}
				}
				return fresh == 2
			})
			began, healthy := map[string]time.Time{}, map[string]time.Time{}
			ended := map[string]time.Time{}
			for _, a := range p.allocs() {
				name, task := strings.TrimPrefix(a.Name, p.id+"."), a.TaskStates["web"]
				if a.JobVersion == 1 {
					began[name], healthy[name] = task.StartedAt, a.DeploymentStatus.Timestamp
				} else {
					ended[name] = task.FinishedAt
				}
			}
			for _, name := range []string{"web[0]", "web[1]"} {
				p.say("%s: the new one started after the old one had ended %t", name, began[name].After(ended[name]))
			}
			p.say("web[1] was replaced when web[0] was healthy %t", began["web[1]"].After(healthy["web[0]"]))
		},
	},
}

// volumeRefusal is the status of an answer, and the text that it must hold.
func volumeRefusal(err error, text ...string) string {
	for _, code := range []string{"404", "500", "400"} {
		if err != nil && strings.Contains(err.Error(), "response code: "+code) { // ids hold digits too
			for _, t := range text {
				if !strings.Contains(err.Error(), t) {
					return fmt.Sprintf("%s, without %q: %v", code, t, err)
				}
				code += ", " + t
			}
			return code
		}
	}
	return fmt.Sprint(err)
}
