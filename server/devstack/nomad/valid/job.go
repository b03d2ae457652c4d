package valid

import (
	"fmt"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// faults collects what is wrong.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// nest adds inner faults as one, under a title.
func (f *faults) nest(inner faults, format string, args ...any) {
	if len(inner) > 0 {
		f.add("%s: %s", fmt.Sprintf(format, args...), List(inner))
	}
}

// List writes faults as Nomad's errors are written.
func List(faults []string) string {
	noun := "errors"
	if len(faults) == 1 {
		noun = "error"
	}
	return fmt.Sprintf("%d %s occurred:\n\t* %s\n\n", len(faults), noun, strings.Join(faults, "\n\t* "))
}

// Job lists what is wrong with a canonical job.
func Job(job *nomadapi.Job) []string {
	var f faults
	switch id := *job.ID; {
	case id == "":
		f.add("Missing job ID")
	case strings.Contains(id, " "):
		f.add("Job ID contains a space")
	case strings.Contains(id, "\x00"):
		f.add("Job ID contains a null character")
	}
	if *job.Name == "" {
		f.add("Missing job name")
	}
	switch *job.Type {
	case nomadapi.JobTypeService, nomadapi.JobTypeBatch:
	case nomadapi.JobTypeSysbatch, nomadapi.JobTypeSystem:
		f.add("Job type %q is not served by the embedded Nomad: only service and batch jobs are", *job.Type)
	default:
		f.add("Invalid job type: %q", *job.Type)
	}
	if len(job.Datacenters) == 0 {
		f.add("Missing job datacenters")
	}
	if slices.Contains(job.Datacenters, "") {
		f.add("Job datacenter must be non-empty string")
	}
	if len(job.TaskGroups) == 0 {
		f.add("Missing job task groups")
	}
	f.placement(job.Constraints, job.Affinities, job.Spreads)
	names := map[string]int{}
	for i, tg := range job.TaskGroups {
		switch other, taken := names[*tg.Name]; {
		case *tg.Name == "":
			f.add("Job task group %d missing name", i+1)
		case taken:
			f.add("Job task group %d redefines '%s' from group %d", i+1, *tg.Name, other+1)
		}
		names[*tg.Name] = i
		if d := tg.ShutdownDelay; d != nil && *d < 0 {
			f.add("ShutdownDelay must be a positive value")
		}
	}
	for _, tg := range job.TaskGroups {
		f.nest(group(job, tg), "Task group %s validation failed", *tg.Name)
	}
	f.periodic(job)
	if *job.Priority < 1 || *job.Priority > 100 {
		f.add("job priority must be between [1, 100]")
	}
	return f
}

func (f *faults) periodic(job *nomadapi.Job) {
	if job.ParameterizedJob != nil {
		f.add("Parameterized jobs are not served by the embedded Nomad")
	}
	p := job.Periodic
	if p == nil || !*p.Enabled {
		return
	}
	if *job.Type != nomadapi.JobTypeBatch {
		f.add("Periodic can only be used with %q or %q scheduler", "batch", "sysbatch")
	}
	var inner faults
	switch {
	case *p.Spec != "" && len(p.Specs) > 0:
		inner.add("Only cron or crons may be used")
	case *p.Spec == "" && len(p.Specs) == 0:
		inner.add("Must specify a spec")
	}
	if _, err := time.LoadLocation(*p.TimeZone); err != nil {
		inner.add("Invalid time zone %q: %v", *p.TimeZone, err)
	}
	if *p.SpecType != nomadapi.PeriodicSpecCron {
		inner.add("Unknown periodic specification type %q", *p.SpecType)
	}
	for _, spec := range append([]string{*p.Spec}, p.Specs...) {
		if spec == "" {
			continue
		}
		one := &nomadapi.PeriodicConfig{Spec: &spec, SpecType: new(nomadapi.PeriodicSpecCron)}
		if _, err := one.Next(time.Unix(0, 0)); err != nil {
			_, why, _ := strings.Cut(err.Error(), spec+": ")
			inner.add("Invalid cron spec %q: %s", spec, why)
		}
	}
	if len(inner) > 0 {
		*f = append(*f, inner...)
	}
}

// Warnings lists what Nomad warns of. Memory above the reservation is in use
// where the scheduler's configuration allows it; here it does.
func Warnings(job *nomadapi.Job) []string {
	var w faults
	for _, tg := range job.TaskGroups {
		w.shutdownDelay(tg)
	}
	if job.Periodic != nil && *job.Periodic.Spec != "" {
		w.add("cron is deprecated and may be removed in a future release. Use crons instead")
	}
	return w
}

// Warned writes warnings as Nomad's answers hold them.
func Warned(warnings []string) string {
	switch len(warnings) {
	case 0:
		return ""
	case 1:
		return "1 warning:\n\n* " + warnings[0]
	}
	return fmt.Sprintf("%d warnings:\n\n* %s", len(warnings), strings.Join(warnings, "\n* "))
}

// shutdownDelay warns of services whose tasks are killed while they are asked.
func (f *faults) shutdownDelay(tg *nomadapi.TaskGroup) {
	named, unscoped := map[string]bool{}, false
	for _, s := range tg.Services {
		if s.TaskName != "" {
			named[s.TaskName] = true
		} else {
			unscoped = true
		}
	}
	delayed := tg.ShutdownDelay != nil && *tg.ShutdownDelay > 0
	for _, t := range tg.Tasks {
		if t.ShutdownDelay > 0 {
			delayed = true
			continue
		}
		if named[t.Name] {
			f.add("group %q references task %q in a service definition, but the task has no shutdown_delay set", *tg.Name, t.Name)
		}
		if len(t.Services) > 0 {
			f.add("task %q in group %q defines services, but has no shutdown_delay set", t.Name, *tg.Name)
		}
	}
	if unscoped && !delayed {
		f.add("group %q defines services, but neither the group nor any of its tasks have shutdown_delay set", *tg.Name)
	}
}
