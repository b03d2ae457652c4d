package valid

import (
	"math"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

const (
	restartMinInterval    = 5 * time.Second
	rescheduleMinDelay    = 5 * time.Second
	rescheduleMinInterval = 15 * time.Second
	minDiskMB             = 10
)

func group(job *nomadapi.Job, tg *nomadapi.TaskGroup) faults {
	var f faults
	batch := *job.Type == nomadapi.JobTypeBatch
	if *tg.Count < 0 {
		f.add("Task group count can't be negative")
	}
	if len(tg.Tasks) == 0 {
		f.add("Missing tasks for task group")
	}
	if d := tg.MaxRunDuration; d != nil {
		if *d <= 0 {
			f.add("MaxRunDuration must be greater than zero")
		}
		if !batch {
			f.add("Job type %q does not allow max_run_duration", *job.Type)
		}
	}
	f.placement(tg.Constraints, tg.Affinities, tg.Spreads)
	if tg.RestartPolicy != nil {
		f = append(f, restart(tg.RestartPolicy)...)
	}
	if tg.ReschedulePolicy != nil {
		f = append(f, reschedule(tg.ReschedulePolicy)...)
	}
	if mb := *tg.EphemeralDisk.SizeMB; mb < minDiskMB {
		f.add("minimum DiskMB value is %d; got %d", minDiskMB, mb)
	}
	if batch && tg.Update != nil {
		f.add("Job type %q does not allow update block", *job.Type)
	}
	if batch && tg.Migrate != nil {
		f.add("Job type %q does not allow migrate block", *job.Type)
	}
	names, leaders, mains := map[string]int{}, 0, 0
	for i, t := range tg.Tasks {
		other, taken := names[t.Name]
		switch {
		case t.Name == "":
			f.add("Task %d missing name", i+1)
		case taken:
			f.add("Task %d redefines '%s' from task %d", i+1, t.Name, other+1)
		default:
			names[t.Name] = i
		}
		if t.Leader {
			leaders++
		}
		if t.Lifecycle == nil || t.Lifecycle.Hook == "" {
			mains++
		}
	}
	if leaders > 1 {
		f.add("Only one task may be marked as leader")
	}
	if len(tg.Tasks) > 0 && mains == 0 {
		f.add("Task group %s must have at least one main task", *tg.Name)
	}
	inner, labels := networks(tg)
	f.nest(inner, "Task group network validation failed")
	f.nest(services(tg, labels), "Task group service validation failed")
	f.nest(scripts(tg), "Task group service check validation failed")
	for _, t := range tg.Tasks {
		f.nest(task(tg, t, labels), "Task %s validation failed", t.Name)
	}
	return f
}

func restart(p *nomadapi.RestartPolicy) faults {
	var f faults
	if *p.Mode != nomadapi.RestartPolicyModeFail && *p.Mode != nomadapi.RestartPolicyModeDelay {
		f.add("Unsupported restart mode: %q", *p.Mode)
	}
	if *p.Attempts == 0 && *p.Mode != nomadapi.RestartPolicyModeFail {
		f.add("Restart policy %q with %d attempts is ambiguous", *p.Mode, *p.Attempts)
	}
	if *p.Interval < restartMinInterval {
		f.add("Interval can not be less than %v (got %v)", restartMinInterval, *p.Interval)
	}
	if time.Duration(*p.Attempts)**p.Delay > *p.Interval {
		f.add("Nomad can't restart the TaskGroup %v times in an interval of %v with a delay of %v", *p.Attempts, *p.Interval, *p.Delay)
	}
	return f
}

func reschedule(p *nomadapi.ReschedulePolicy) faults {
	var f faults
	unlimited := p.Unlimited != nil && *p.Unlimited
	attempts := 0
	if p.Attempts != nil {
		attempts = *p.Attempts
	}
	if attempts == 0 && !unlimited {
		return nil // there is none
	}
	if attempts > 0 && unlimited {
		f.add("Reschedule Policy with Attempts = %v, Interval = %v, and Unlimited = %v is ambiguous", attempts, *p.Interval, unlimited)
		f.add("If Attempts >0, Unlimited cannot also be set to true")
	}
	if *p.Delay < rescheduleMinDelay {
		f.add("Delay cannot be less than %v (got %v)", rescheduleMinDelay, *p.Delay)
	}
	if functions := []string{"constant", "exponential", "fibonacci"}; !slices.Contains(functions, *p.DelayFunction) {
		f.add("Invalid delay function %q, must be one of %q", *p.DelayFunction, functions)
	}
	if *p.DelayFunction != "constant" {
		if *p.MaxDelay < rescheduleMinDelay {
			f.add("Max Delay cannot be less than %v (got %v)", rescheduleMinDelay, *p.Delay)
		}
		if *p.MaxDelay < *p.Delay {
			f.add("Max Delay cannot be less than Delay %v (got %v)", *p.Delay, *p.MaxDelay)
		}
	}
	if !unlimited && *p.Interval < rescheduleMinInterval {
		f.add("Interval cannot be less than %v (got %v)", rescheduleMinInterval, *p.Interval)
	}
	return f
}

// networks also gives the labels of the group's ports.
func networks(tg *nomadapi.TaskGroup) (f faults, labels map[string]bool) {
	labels = map[string]bool{}
	static := map[int]string{}
	if len(tg.Networks) > 1 {
		f.add("only one network block is served by the embedded Nomad")
	}
	for _, n := range tg.Networks {
		for _, p := range slices.Concat(n.ReservedPorts, n.DynamicPorts) {
			if labels[p.Label] {
				f.add("Port label %s already in use by taskgroup network", p.Label)
			}
			labels[p.Label] = true
		}
		for _, p := range n.ReservedPorts {
			if other, taken := static[p.Value]; taken {
				f.add("Static port %d already reserved by taskgroup network:%s", p.Value, other)
			}
			if p.Value > math.MaxUint16 {
				f.add("Port %s (%d) cannot be greater than %d", p.Label, p.Value, math.MaxUint16)
			}
			static[p.Value] = p.Label
		}
	}
	return f, labels
}
