package watch

import (
	"maps"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// steady is how long a sidecar that was started again must run to be no trouble any more.
const steady = time.Minute

// sidecarReason says what is wrong with a program beside a process's own: it ended the instance, or
// keeps ending itself. An instance's state is that of its main program, so nothing else tells.
func (f *folding) sidecarReason(a *nomadapi.AllocationListStub) string {
	for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
		task := a.TaskStates[name]
		if name == a.TaskGroup || task == nil {
			continue
		}
		trouble := task.Failed
		if exits(task) > 0 && !trouble {
			calm := task.StartedAt.Add(steady)
			trouble = task.State != "running" || calm.After(f.now)
			if trouble && task.State == "running" {
				f.wake(calm)
			}
		}
		if !trouble {
			continue
		}
		if reason := Reason("sidecar "+name+" of "+a.TaskGroup, task, memoryOf(a, name)); reason != "" {
			return reason
		}
	}
	return ""
}
