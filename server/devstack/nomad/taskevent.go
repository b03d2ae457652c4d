package nomad

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// keptEvents is how many events a task shows.
const keptEvents = 10

const withinPolicy = "Restart within policy"

// What Nomad's API types have no names for.
const (
	taskMainDead = "Main Tasks Dead"
	// ranTooLong is the description of an allocation that its group's
	// max_run_duration ended. Nomad calls it complete.
	ranTooLong = "allocation exceeded max_run_duration"
)

// taskEvent makes an event with the message and details Nomad gives it.
func taskEvent(kind string, fill func(e *nomadapi.TaskEvent)) *nomadapi.TaskEvent {
	e := &nomadapi.TaskEvent{Type: kind, Time: time.Now().UnixNano(), Details: map[string]string{}}
	if fill != nil {
		fill(e)
	}
	e.DisplayMessage = orDefault(e.DisplayMessage, display(e))
	return e
}

// display also fills the details, which hold the same facts by name.
func display(e *nomadapi.TaskEvent) string {
	detail := func(name, value string) {
		if value != "" {
			e.Details[name] = value
		}
	}
	detail("message", e.Message)
	switch e.Type {
	case nomadapi.TaskReceived:
		return "Task received by client"
	case nomadapi.TaskStarted:
		return "Task started by client"
	case nomadapi.TaskDownloadingArtifacts:
		return "Client is downloading artifacts"
	case nomadapi.TaskArtifactDownloadFailed:
		detail("download_error", e.DownloadError)
		return e.DownloadError
	case nomadapi.TaskSetupFailure:
		detail("setup_error", e.SetupError)
		return e.SetupError
	case nomadapi.TaskDriverFailure:
		detail("driver_error", e.DriverError)
		return e.DriverError
	case nomadapi.TaskFailedValidation:
		detail("validation_error", e.ValidationError)
		return e.ValidationError
	case nomadapi.TaskKilling:
		detail("kill_reason", e.KillReason)
		if e.KillTimeout != 0 {
			detail("kill_timeout", e.KillTimeout.String())
		}
		if e.KillReason != "" {
			return e.KillReason
		}
		return fmt.Sprintf("Sent interrupt. Waiting %v before force killing", e.KillTimeout)
	case nomadapi.TaskKilled:
		return "Task successfully killed"
	case nomadapi.TaskTerminated:
		e.Details["exit_code"] = strconv.Itoa(e.ExitCode)
		e.Details["signal"] = strconv.Itoa(e.Signal)
		e.Details["oom_killed"] = "false"
		delete(e.Details, "message")
		detail("exit_message", e.Message)
		parts := []string{fmt.Sprintf("Exit Code: %d", e.ExitCode)}
		if e.Signal != 0 {
			parts = append(parts, fmt.Sprintf("Signal: %d", e.Signal))
		}
		if e.Message != "" {
			parts = append(parts, fmt.Sprintf("Exit Message: %q", e.Message))
		}
		return strings.Join(parts, ", ")
	case nomadapi.TaskRestarting:
		e.Details["restart_reason"] = e.RestartReason
		e.Details["start_delay"] = strconv.FormatInt(e.StartDelay, 10)
		in := fmt.Sprintf("Task restarting in %v", time.Duration(e.StartDelay))
		if e.RestartReason != "" && e.RestartReason != withinPolicy {
			return e.RestartReason + " - " + in
		}
		return in
	case nomadapi.TaskNotRestarting:
		detail("restart_reason", e.RestartReason)
		detail("fails_task", strconv.FormatBool(e.FailsTask))
		return e.RestartReason
	case nomadapi.TaskRestartSignal:
		detail("restart_reason", e.RestartReason)
		return e.RestartReason
	case nomadapi.TaskSiblingFailed:
		detail("failed_sibling", e.FailedSibling)
		return fmt.Sprintf("Task's sibling %q failed", e.FailedSibling)
	case nomadapi.TaskLeaderDead:
		return "Leader Task in Group dead"
	case taskMainDead:
		return "Main tasks in the group died"
	case nomadapi.TaskSignaling:
		detail("signal", e.TaskSignal)
		detail("signal_reason", e.TaskSignalReason)
		if e.TaskSignalReason == "" {
			return "Task being sent signal " + e.TaskSignal
		}
		return fmt.Sprintf("Task being sent signal %s: %s", e.TaskSignal, e.TaskSignalReason)
	}
	return e.Message
}

// change of a task's state that comes with an event.
type change func(ts *nomadapi.TaskState)

func running(at time.Time) change {
	return func(ts *nomadapi.TaskState) { ts.State, ts.StartedAt = "running", at }
}

// pending is a task that waits to be started again.
func pending(at time.Time) change {
	return func(ts *nomadapi.TaskState) {
		ts.State = "pending"
		ts.Restarts++
		ts.LastRestart = at
	}
}

func dead(failed bool) change {
	return func(ts *nomadapi.TaskState) {
		ts.State, ts.Failed, ts.FinishedAt = "dead", failed, time.Now()
	}
}

// event records events of a task, and the change that comes with them, in one
// transaction.
func (r *runner) event(task string, change change, events ...*nomadapi.TaskEvent) {
	r.change(task, func(a *state.Alloc) {
		ts := &nomadapi.TaskState{State: "pending"}
		if old := a.TaskStates[task]; old != nil {
			c := *old
			ts = &c
		}
		kept := append(slices.Clip(ts.Events), events...)
		ts.Events = kept[max(0, len(kept)-keptEvents):]
		if change != nil {
			change(ts)
		}
		a.TaskStates[task] = ts
		if a.ClientDescription != ranTooLong {
			a.ClientStatus, a.ClientDescription = clientStatus(a.Group().Tasks, a.TaskStates)
		}
	})
}

// clientStatus is failed as soon as a task has failed for good and all others
// but the poststop tasks have ended: until then they are being killed.
func clientStatus(tasks []*nomadapi.Task, states map[string]*nomadapi.TaskState) (status, description string) {
	count, live := map[string]int{}, 0
	for _, t := range tasks {
		ts := states[t.Name]
		switch {
		case ts == nil:
			continue
		case ts.State == "dead" && ts.Failed:
			count["failed"]++
			continue
		case ts.State != "dead" && stageOf(t) != poststop:
			live++
		}
		count[ts.State]++
	}
	switch {
	case count["failed"] > 0 && live == 0:
		return nomadapi.AllocClientStatusFailed, "Failed tasks"
	case count["running"] > 0 || count["failed"] > 0:
		return nomadapi.AllocClientStatusRunning, "Tasks are running"
	case count["pending"] > 0:
		return nomadapi.AllocClientStatusPending, "No tasks have started"
	}
	return nomadapi.AllocClientStatusComplete, "All tasks have completed"
}
