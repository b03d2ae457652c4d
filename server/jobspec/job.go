package jobspec

import (
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Input is all that a job depends on.
type Input struct {
	Release     paas.Release
	Slot        paas.Slot
	Counts      map[string]int             // wanted instances by process; 0 for one that is not named
	Driver      string                     // exec or raw_exec
	Datacenters []string                   // ["*"] if empty
	ArtifactURL func(digest string) string // where nodes fetch a tar.gz; the runtime's as well
	BaseURL     func(r paas.Route) string  // how a user reaches a route: CRUMPET_URL
	RouterPort  string                     // where clients reach the router, "" for the scheme's own port
}

// Times of the job that no spec key sets.
const (
	restartInterval  = 10 * time.Minute // at least; see restart
	rescheduleDelay  = 10 * time.Second
	rescheduleCeil   = 5 * time.Minute
	killSignal       = "SIGTERM" // Nomad's own default is SIGINT
	artifactDir      = "local/"
	runtimeDir       = "runtime/" // beside the served folder, never in it
	checkName        = "health"
	crumpetProgram   = runtimeDir + "crumpet"
	environmentFile  = "secrets/crumpet.env"
	rescheduleGrowth = "exponential"
)

// Job renders the job of a release in a slot.
func Job(in Input) *nomadapi.Job {
	datacenters := in.Datacenters
	if len(datacenters) == 0 {
		datacenters = []string{"*"}
	}
	id := paas.JobID(in.Release.App, in.Slot)
	job := &nomadapi.Job{
		ID:          new(id),
		Name:        new(id),
		Namespace:   new(in.Release.Team),
		Type:        new(nomadapi.JobTypeService),
		Datacenters: datacenters,
		Update:      &nomadapi.UpdateStrategy{MaxParallel: new(0)},
	}
	for _, p := range in.Release.Spec.Processes {
		job.TaskGroups = append(job.TaskGroups, group(in, p))
	}
	return job
}

func group(in Input, p paas.Process) *nomadapi.TaskGroup {
	return &nomadapi.TaskGroup{
		Name:             new(p.Name),
		Count:            new(in.Counts[p.Name]),
		Networks:         networks(p),
		Services:         services(in, p),
		RestartPolicy:    restart(p),
		ReschedulePolicy: reschedule(),
		Migrate:          migrate(p),
		ShutdownDelay:    new(p.ShutdownDelay),
		Tasks:            []*nomadapi.Task{task(in, p)},
	}
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

// restart lets a task be started Attempts times again in its place. The interval is so long that
// the attempts of an instance that never gets well all fall into one, and it is then placed anew.
func restart(p paas.Process) *nomadapi.RestartPolicy {
	r := p.Restart
	life := time.Duration(r.Attempts+1) * (r.Delay + p.Startup)
	return &nomadapi.RestartPolicy{
		Attempts: new(r.Attempts),
		Delay:    new(r.Delay),
		Interval: new(max(restartInterval, life)),
		Mode:     new(nomadapi.RestartPolicyModeFail),
	}
}

// reschedule never gives up, and waits minutes at most: Nomad's default ceiling is an hour.
func reschedule() *nomadapi.ReschedulePolicy {
	return &nomadapi.ReschedulePolicy{
		Attempts:      new(0),
		Interval:      new(time.Duration(0)),
		Delay:         new(rescheduleDelay),
		DelayFunction: new(rescheduleGrowth),
		MaxDelay:      new(rescheduleCeil),
		Unlimited:     new(true),
	}
}

// migrate is for drains, which wait for the health that Nomad only tracks with this block.
func migrate(p paas.Process) *nomadapi.MigrateStrategy {
	by := "task_states"
	if p.Checked() {
		by = "checks"
	}
	return &nomadapi.MigrateStrategy{
		MaxParallel:     new(1),
		HealthCheck:     new(by),
		MinHealthyTime:  new(p.HealthyAfter()),
		HealthyDeadline: new(max(p.Startup, p.HealthyAfter()+time.Second)),
	}
}
