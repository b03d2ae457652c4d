package jobspec_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// stateful is full with a volume for web, and a worker beside it that has none.
func stateful() paas.Spec {
	s := full()
	s.Processes[0].Volumes = []paas.Volume{{Name: "data", Size: 1024, Mount: "/data"}, {Name: "up-loads", Size: 10, Mount: "/var/lib/up"}}
	worker := full().Processes[0]
	worker.Name, worker.Sidecars, worker.Routes = "worker", nil, nil
	s.Processes = append(s.Processes, worker)
	return s
}

func dataJob(s paas.Spec) *nomadapi.Job {
	in := rendering(s)
	in.Slot = paas.Data
	return jobspec.Job(in)
}

func TestAProcessWithAVolumeStandsInTheSlotData(t *testing.T) {
	t.Parallel()
	groups := map[string][]string{}
	for _, job := range []*nomadapi.Job{jobspec.Job(rendering(stateful())), dataJob(stateful())} {
		for _, g := range job.TaskGroups {
			groups[*job.ID] = append(groups[*job.ID], *g.Name)
		}
	}
	if diff := cmp.Diff(map[string][]string{"shop.blue": {"worker"}, "shop.data": {"web"}}, groups); diff != "" {
		t.Error(diff)
	}
}

func TestTheGroupOfAProcessWithAVolume(t *testing.T) {
	t.Parallel()
	g := dataJob(stateful()).TaskGroups[0]
	want := map[string]*nomadapi.VolumeRequest{
		"data": {
			Name: "data", Type: "host", Source: "shop--web--data", PerAlloc: true,
			AccessMode: "single-node-single-writer", AttachmentMode: "file-system",
		},
		"up-loads": {
			Name: "up-loads", Type: "host", Source: "shop--web--up-loads", PerAlloc: true,
			AccessMode: "single-node-single-writer", AttachmentMode: "file-system",
		},
	}
	if diff := cmp.Diff(want, g.Volumes); diff != "" {
		t.Error(diff)
	}
	update := &nomadapi.UpdateStrategy{
		MaxParallel: new(1), HealthCheck: new("checks"), MinHealthyTime: new(2 * time.Second), HealthyDeadline: new(time.Minute),
		ProgressDeadline: new(time.Duration(0)), AutoRevert: new(false), AutoPromote: new(false), Canary: new(0),
	}
	if diff := cmp.Diff(update, g.Update); diff != "" {
		t.Error(diff)
	}
	for _, task := range g.Tasks { // sidecars as well: one that backs the folder up needs it
		var mounts []string
		for _, m := range task.VolumeMounts {
			mounts = append(mounts, *m.Volume+" at "+*m.Destination)
		}
		if diff := cmp.Diff([]string{"data at /data", "up-loads at /var/lib/up"}, mounts); diff != "" {
			t.Errorf("%s: %s", task.Name, diff)
		}
		if a, b := task.Env["VOLUME_DATA"], task.Env["VOLUME_UP_LOADS"]; a != "${NOMAD_TASK_DIR}/../data" || b != "${NOMAD_TASK_DIR}/../var/lib/up" {
			t.Errorf("%s is told of %q and %q", task.Name, a, b)
		}
	}
	if name := g.Services[0].Name; name != "default--shop--web--data" {
		t.Errorf("its service is %q", name)
	}
}

func TestAVolumeForces(t *testing.T) {
	t.Parallel()
	for key, edit := range map[string]func(*paas.Process){
		"process.web.volume.data":     func(p *paas.Process) { p.Volumes[0].Mount = "/other" },
		"process.web.volume.up-loads": func(p *paas.Process) { p.Volumes = p.Volumes[:1] },
		"process.web.volume.more":     func(p *paas.Process) { p.Volumes = append(p.Volumes, paas.Volume{Name: "more", Mount: "/more"}) },
		"process.web.startup":         func(p *paas.Process) { p.Startup++ },
		"":                            func(p *paas.Process) { p.Volumes[0].Size++ }, // nothing of a job
	} {
		next := stateful()
		edit(&next.Processes[0])
		got, forced := jobspec.Forces(dataJob(stateful()), dataJob(next))
		if got != key || forced != (key != "") {
			t.Errorf("got %q, %t; want %q", got, forced, key)
		}
	}
}

// A job is turned so that Nomad replaces what runs, and no release has to undo that.
func TestAJobThatWasTurnedForcesNothing(t *testing.T) {
	t.Parallel()
	job := dataJob(stateful())
	before := string(jobspec.Encode(job))
	turned := jobspec.Turned(job, "d1")
	if got := turned.TaskGroups[0].Meta; got["crumpet_turn"] != "d1" || got["team"] != "a" {
		t.Errorf("its meta is %v", got)
	}
	if after := string(jobspec.Encode(job)); after != before {
		t.Error("the stored job was touched")
	}
	for _, pair := range [][2]*nomadapi.Job{{job, turned}, {turned, job}, {turned, jobspec.Turned(turned, "d2")}} {
		if keys := jobspec.Changes(pair[0], pair[1]); len(keys) > 0 {
			t.Errorf("a turn forces %q", keys)
		}
	}
}

func TestAJobWithoutItsVolumesAsksForTheSameRoom(t *testing.T) {
	t.Parallel()
	job := dataJob(stateful())
	bare := jobspec.Unmounted(job)
	g := bare.TaskGroups[0]
	if len(g.Volumes) > 0 || len(g.Tasks[0].VolumeMounts) > 0 || len(job.TaskGroups[0].Volumes) != 2 || len(job.TaskGroups[0].Tasks[0].VolumeMounts) != 2 {
		t.Errorf("volumes %v, mounts %v", g.Volumes, g.Tasks[0].VolumeMounts)
	}
	if *g.Count != 2 || *g.Tasks[0].Resources.MemoryMB != 64 {
		t.Errorf("count %d, memory %d", *g.Count, *g.Tasks[0].Resources.MemoryMB)
	}
}
