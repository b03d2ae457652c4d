package watch

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// crashWindow is how long an end of a task by itself counts towards a crash loop.
const crashWindow = 10 * time.Minute

// longestChain is how many allocations one after the other are looked through for crashes. Nomad waits
// longer before each, so a window holds fewer.
const longestChain = 30

// ends gives when a task ended by itself, as far as Nomad keeps its events, oldest first.
func ends(task *nomadapi.TaskState) []time.Time {
	var times []time.Time
	for i, e := range task.Events {
		if e.Type == nomadapi.TaskTerminated && !ordered(task.Events, i) {
			times = append(times, stamp(time.Unix(0, e.Time)))
		}
	}
	return times
}

// crashes counts how often the task of an allocation, and of those that it was placed instead of, ended
// by itself within the window, and gives since when. It looks only at what Nomad shows now, so that
// nothing depends on what was missed: of an allocation older than the window, ends whose events Nomad has
// dropped don't count.
func (f *folding) crashes(a *nomadapi.AllocationListStub, first uint64) (n int, since time.Time) {
	begin := f.now.Add(-crashWindow)
	for range longestChain {
		if task := taskState(a, a.TaskGroup); task != nil {
			known := ends(task)
			created := stamp(time.Unix(0, a.CreateTime))
			if dropped := exits(task) - len(known); dropped > 0 && created.After(begin) {
				n, since = n+dropped, created
			}
			for _, at := range known {
				if at.After(begin) {
					n++
					if since.IsZero() || at.Before(since) {
						since = at
					}
				}
			}
		}
		before := f.in.allocs[f.previous(a)]
		f.chain = append(f.chain, before)
		if before == nil || before.CreateIndex < first {
			break
		}
		a = before.AllocationListStub
	}
	if n > 0 {
		f.wake(since.Add(crashWindow + time.Microsecond)) // the first is forgotten then
	}
	return n, since
}

// previous gives the id of the allocation that one was placed instead of, "" if there was none.
func (f *folding) previous(a *nomadapi.AllocationListStub) string {
	if id := f.in.before[a.ID]; id != "" {
		return id
	}
	return rescheduled(a)
}

// rescheduled gives the id of the allocation that one says it was placed instead of.
func rescheduled(a *nomadapi.AllocationListStub) string {
	if t := a.RescheduleTracker; t != nil && len(t.Events) > 0 {
		return t.Events[len(t.Events)-1].PrevAllocID
	}
	return ""
}

// nextTry gives when Nomad starts the task again, or places the instance anew; nil if it won't, or has.
func (f *folding) nextTry(a *nomadapi.AllocationListStub, task *nomadapi.TaskState, before *paas.Instance) *time.Time {
	switch {
	case a.DesiredStatus != nomadapi.AllocDesiredStatusRun || a.NextAllocation != "":
		return nil
	case a.ClientStatus == nomadapi.AllocClientStatusFailed && a.FollowupEvalID != "":
		if at, ok := f.in.waits[a.FollowupEvalID]; ok {
			return &at
		}
		if before != nil && before.State == paas.InstanceFailed {
			return before.NextTry // its evaluation was decided, or has not been read yet
		}
	case a.ClientStatus == nomadapi.AllocClientStatusPending && task != nil && len(task.Events) > 0:
		e := task.Events[len(task.Events)-1]
		if e.Type != nomadapi.TaskRestarting {
			return nil
		}
		delay := e.StartDelay
		if n, err := strconv.ParseInt(e.Details["start_delay"], 10, 64); err == nil {
			delay = n
		}
		at := stamp(time.Unix(0, e.Time+delay))
		return &at
	}
	return nil
}

// lastEnd gives the code of a task's last end by itself, and whether that was for want of memory.
func lastEnd(task *nomadapi.TaskState) (code int, oom bool) {
	for i, e := range slices.Backward(task.Events) {
		if e.Type == nomadapi.TaskTerminated && !ordered(task.Events, i) {
			return number(e, "exit_code", e.ExitCode), e.Details["oom_killed"] == "true"
		}
	}
	return 0, false
}

// crashEvent tells of a crash loop when it begins, and each time Nomad has said when it tries again.
func (f *folding) crashEvent(before *paas.Instance, after paas.Instance, since time.Time) (paas.Event, bool) {
	began := before == nil || !before.Looping()
	again := after.NextTry != nil && (before == nil || !sameTime(before.NextTry, after.NextTry))
	if !after.Looping() || after.State == paas.InstanceStopping || !began && !again {
		return paas.Event{}, false
	}
	how := fmt.Sprintf("exited %d times in %s with code %d", after.Crashes, span(f.now.Sub(since)), after.ExitCode)
	if after.OOM {
		how = fmt.Sprintf("ran out of memory, %d ends in %s", after.Crashes, span(f.now.Sub(since)))
	}
	message := instanceName(after) + " is in a crash loop: " + how
	if after.NextTry != nil {
		message += "; Nomad tries again at " + after.NextTry.Format("15:04:05") + " UTC"
	}
	return paas.Event{
		Time: f.now, Team: after.Team, App: after.App, Kind: paas.EventInstanceCrash, Release: after.Release,
		Instance: after.ID, Process: after.Process, Message: message,
	}, true
}

// span gives a length of time as a person says it.
func span(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second).Seconds())))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}
