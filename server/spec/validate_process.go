package spec

import (
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Limits of numbers and times; those of memory, disk and checks are Nomad's own.
const (
	maxCPU      = 1_000_000
	maxCores    = 1024
	minMemory   = 10
	maxMemory   = 4 << 20
	minDisk     = 10
	nomadDisk   = 300 // MiB, Nomad's default
	maxDisk     = 16 << 20
	maxStartup  = time.Hour
	maxDelay    = 10 * time.Minute
	maxReplace  = 15 * time.Minute // between two attempts to place an instance anew
	minReplace  = 5 * time.Second  // Nomad's own
	minCheck    = time.Second
	maxCheck    = 5 * time.Minute
	maxAttempts = 100
	maxFailures = 100
)

func validateProcess(at place, p paas.Process, builder paas.Builder, r report) {
	o := processOwner(p)
	disk := p.Disk
	if disk == 0 {
		disk = nomadDisk
	}
	validateProgram(at, p.Program, o, disk, r)
	if len(p.Command) == 0 {
		switch {
		case builder != paas.BuilderStatic:
			r.missing(at.attr("command"), "Command missing", "The process %q has no command. Write command = [\"./NAME\"] with the name of its program.", p.Name)
		case len(p.Ports) != 1:
			r.missing(at.attr("command"), "Port missing", "The process %q serves a static site and needs exactly one port; it has %d. Write port \"http\" {}.", p.Name, len(p.Ports))
		case !routable(p.Ports[0]) && p.Ports[0].Protocol != unknownProtocol:
			r.say(at.block("port", 0, p.Ports[0].Name).attr("protocol"), "Port does not fit", "The process %q serves a static site, which is spoken to in HTTP, and its port has the protocol %s. Leave protocol out.", p.Name, p.Ports[0].Protocol)
		}
	}
	validateLife(at, p, r)
	validatePorts(at, p, r)
	validateRoutes(at, p, r)
	validateProbes(at.attr("health"), p, r)
	validateSidecars(at, p, builder, disk, r)
	validatePlacement(at.attr("placement"), p.Placement, r)
	if p.Placement.Pool != "" {
		r.say(at.attr("placement").attr("pool"), "Key does not fit", "%s", wholeApp["pool"])
	}
	if len(p.Placement.Datacenters) > 0 {
		r.say(at.attr("placement").attr("datacenters"), "Key does not fit", "%s", wholeApp["datacenters"])
	}
	validateFragment(at, groupLevel, p.NomadGroup, r)
	validateVolumes(at, p, builder, r)
}

func validateLife(at place, p paas.Process, r report) {
	count(r, at.attr("instances"), "number of instances", "", p.Instances, 0, paas.MaxInstances)
	if p.Disk != 0 {
		count(r, at.attr("disk"), "disk", " MiB", p.Disk, minDisk, maxDisk)
	}
	span(r, at.attr("startup"), "startup", p.Startup, time.Second, maxStartup)
	span(r, at.attr("shutdown_delay"), "shutdown_delay", p.ShutdownDelay, 0, maxDelay)
	span(r, at.attr("min_healthy"), "min_healthy", p.MinHealthy, 0, maxDelay)
	if p.Startup >= time.Second && p.HealthyAfter() >= p.Startup && p.MinHealthy <= maxDelay {
		r.say(at.attr("startup"), "Too short", "The startup limit is %s, but an instance of %q counts as healthy only after %s. Make startup longer.", paas.Span(p.Startup), p.Name, paas.Span(p.HealthyAfter()))
	}
	if !slices.Contains(processStrategies, p.Strategy) {
		r.say(at.attr("strategy"), "Unknown value", "%s", unknownWord("strategy of a process", string(p.Strategy), processStrategies))
	}
	restart := at.attr("restart")
	count(r, restart.attr("attempts"), "number of restart attempts", "", p.Restart.Attempts, 0, maxAttempts)
	span(r, restart.attr("delay"), "restart delay", p.Restart.Delay, 0, maxDelay)
	reschedule := at.attr("reschedule")
	span(r, reschedule.attr("delay"), "reschedule delay", p.Reschedule.Delay, minReplace, maxReplace)
	switch {
	case p.Reschedule.MaxDelay > maxReplace:
		r.say(reschedule.attr("max_delay"), "Out of range", "The longest reschedule delay is %s; it must be %s at most, so that an instance that failed often is not down for long without anybody knowing.", paas.Span(p.Reschedule.MaxDelay), paas.Span(maxReplace))
	case p.Reschedule.MaxDelay < p.Reschedule.Delay:
		r.say(reschedule.attr("max_delay"), "Too short", "The delay grows from %s up to max_delay, which is %s. Make max_delay longer, or delay shorter.", paas.Span(p.Reschedule.Delay), paas.Span(p.Reschedule.MaxDelay))
	}
}

func validateSidecars(at place, p paas.Process, builder paas.Builder, disk int, r report) {
	taken := map[string]bool{}
	for i, s := range p.Sidecars {
		here := at.block("sidecar", i, s.Name)
		validateName(here, "sidecar", s.Name, r)
		switch {
		case s.Name == p.Name:
			r.say(here.label(), "Name repeated", "The sidecar %q has the name of its process. Both are tasks of one Nomad group: give it another name.", s.Name)
		case taken[s.Name]:
			r.say(here.label(), "Name repeated", "The process %q has a second sidecar %q. Give it another name.", p.Name, s.Name)
		}
		taken[s.Name] = true
		o := processOwner(p)
		validateProgram(here, s.Program, o, disk, r)
		needCommand(here, "sidecar", s.Name, s.Program, r)
	}
}
