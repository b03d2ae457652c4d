package jobspec

import (
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Input is all that a job depends on.
type Input struct {
	Release     paas.Release
	Slot        paas.Slot                  // of Job only
	Counts      map[string]int             // wanted instances by process; 0 for one that is not named
	Driver      string                     // exec or raw_exec
	Datacenters []string                   // where the spec names none; ["*"] if empty
	ArtifactURL func(digest string) string // where nodes fetch a tar.gz; the runtime's as well
	BaseURL     func(r paas.Route) string  // how a user reaches a route: CRUMPET_URL
	RouterPort  string                     // where clients reach the router, "" for the scheme's own port
	Bindings    []paas.Binding             // of the app
	Vault       Vault                      // needed when UsesVault
}

// Folders of a task, from the one that drivers start in.
const (
	artifactDir     = "local/"
	runtimeDir      = "runtime/" // beside the served folder, never in it
	crumpetProgram  = runtimeDir + "crumpet"
	environmentFile = "secrets/crumpet.env"
	taskDir         = "${NOMAD_TASK_DIR}" // artifactDir as the task sees it, inside a chroot or not
)

// Job renders the job of a release in a slot.
func Job(in Input) *nomadapi.Job {
	id := paas.JobID(in.Release.App, in.Slot)
	job := bare(in, id, nomadapi.JobTypeService)
	job.Update = &nomadapi.UpdateStrategy{MaxParallel: new(0)}
	if in.Slot == paas.Data {
		job.Update.MaxParallel = new(1) // each group says more
	}
	job.Constraints, job.Affinities, job.Spreads = placed(in.Release.Spec.Placement)
	for _, p := range in.Release.Spec.Processes {
		if slotted(p, in.Slot) {
			job.TaskGroups = append(job.TaskGroups, group(in, p))
		}
	}
	return job
}

// bare is a job without groups.
func bare(in Input, id, kind string) *nomadapi.Job {
	where := in.Release.Spec.Placement
	job := &nomadapi.Job{
		ID:          new(id),
		Name:        new(id),
		Namespace:   new(in.Release.Team),
		Type:        new(kind),
		Datacenters: []string{"*"},
	}
	switch {
	case len(where.Datacenters) > 0:
		job.Datacenters = where.Datacenters
	case len(in.Datacenters) > 0:
		job.Datacenters = in.Datacenters
	}
	if where.Pool != "" {
		job.NodePool = new(where.Pool)
	}
	return job
}

func group(in Input, p paas.Process) *nomadapi.TaskGroup {
	g := &nomadapi.TaskGroup{
		Name:             new(p.Name),
		Count:            new(in.Counts[p.Name]),
		Networks:         networks(p),
		Services:         services(in, p),
		EphemeralDisk:    disk(p),
		RestartPolicy:    restart(p),
		ReschedulePolicy: reschedule(p),
		Migrate:          migrate(p),
		ShutdownDelay:    new(p.ShutdownDelay),
		Tasks:            []*nomadapi.Task{own(in, p)},
	}
	g.Constraints, g.Affinities, g.Spreads = placed(p.Placement)
	if p.Stateful() {
		g.Update, g.Volumes = oneByOne(p), volumes(in.Release.App, p)
	} else {
		g.Disconnect = disconnect()
	}
	for _, s := range p.Sidecars {
		g.Tasks = append(g.Tasks, sidecar(in, p, s))
	}
	g = merged(g, p.NomadGroup)
	if anySilence(g) && formerSilence(g) {
		g.Disconnect = nil // Nomad does not take the block beside its former keys
	}
	return g
}

func networks(p paas.Process) []*nomadapi.NetworkResource {
	if len(p.Ports) == 0 {
		return nil
	}
	network := &nomadapi.NetworkResource{Mode: "host"}
	for _, port := range p.Ports {
		network.DynamicPorts = append(network.DynamicPorts, nomadapi.Port{Label: port.Name})
	}
	return []*nomadapi.NetworkResource{network}
}

// disk is left to Nomad's default where the spec says nothing: a change of it replaces instances.
func disk(p paas.Process) *nomadapi.EphemeralDisk {
	if p.Disk == 0 {
		return nil
	}
	return &nomadapi.EphemeralDisk{SizeMB: new(p.Disk)}
}
