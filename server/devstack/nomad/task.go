package nomad

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/render"
)

const (
	// maxKillTimeout is what a client allows at most (max_kill_timeout).
	maxKillTimeout = 30 * time.Second

	defaultKillTimeout = 5 * time.Second
)

// task runs one task of an allocation:
//
//	pending -> its stage -> artifacts, templates -> running -> terminated
//	              ^                                              |
//	              +--------- restart within policy --------------+--> dead
type task struct {
	r        *runner
	name     string
	stage    stage
	batch    bool // of a batch job
	commands chan *restart
	updates  chan struct{} // buffered by one: the job has changed
	stop     chan struct{} // closed when the task is to be killed
	over     chan struct{} // closed when run returns
	tracker  *tracker
	built    bool             // the folders have been told of
	renderer *render.Renderer // nil without templates
	token    string           // of Vault, for templates
	lease    *identity.Lease  // of the task's own token; nil without one
}

// restart is what a user or a failing check asks of a running task: a restart in
// place, or only a signal.
type restart struct {
	task   string // empty: all that run
	signal syscall.Signal
	reason string     // why, for the task's events
	failed bool       // counts against the restart policy
	done   chan error // buffered by one
}

// errStopped tells that the allocation is to end.
var errStopped = errors.New("stopped")

// run returns when the task is dead, or when ctx ends and the process lives on.
func (t *task) run(ctx context.Context) {
	defer close(t.over)
	defer t.endTemplates()
	def, state := t.spec()
	if def == nil {
		return
	}
	if state.State == "dead" {
		return
	}
	t.tracker = newTracker(t.restarts(), time.Now())
	handle := t.adopt(ctx, state)
	if handle == nil && !t.begin(ctx) {
		return
	}
	if handle != nil && def.Vault != nil {
		t.adoptVault(ctx, def)
	}
	if handle != nil && len(def.Templates) > 0 {
		t.adoptTemplates(ctx, def)
	}
	for ctx.Err() == nil {
		if handle == nil {
			// What is being prepared is given up when the task is to stop.
			prepare, cancel := context.WithCancel(ctx)
			unhook := onClose(t.stop, cancel)
			started, err := t.start(prepare)
			unhook()
			cancel()
			if started == nil {
				if !t.again(ctx, t.tracker.judge(t.policy(), recoverable(err), time.Now())) {
					return
				}
				continue
			}
			handle = started
		}
		exit, asked, err := t.wait(ctx, handle)
		switch {
		case errors.Is(err, errStopped):
			t.finished(exit, dead(false), taskEvent(nomadapi.TaskKilled, nil))
			return
		case err != nil:
			if ctx.Err() == nil {
				t.r.s.log.Error("task lost", "alloc", t.r.id, "task", t.name, "err", err)
				t.r.event(t.name, dead(true), taskEvent(nomadapi.TaskDriverFailure, func(e *nomadapi.TaskEvent) { e.DriverError = err.Error() }))
			}
			return
		}
		handle = nil
		verdict := t.tracker.exited(t.policy(), exit.Code == 0 && exit.Signal == 0, asked, time.Now())
		if verdict.done { // in one step: nobody is to see an exit that is followed by nothing
			t.finished(exit, dead(false))
			return
		}
		t.finished(exit, nil)
		if !t.again(ctx, verdict) {
			return
		}
	}
}

// restarts tells whether a task that ends well is started again.
func (t *task) restarts() bool {
	switch t.stage {
	case prestartSidecar, poststartSidecar:
		return true
	case mainStage:
		return !t.batch
	case prestart, poststart, poststop:
	}
	return false
}

// begin waits for the task's stage; false when the task is to end before.
func (t *task) begin(ctx context.Context) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.stop:
			t.r.event(t.name, dead(false), taskEvent(nomadapi.TaskKilling, t.killing))
			return false
		case ask := <-t.commands:
			ask.done <- errNotRunning
		case <-t.r.gates.of(t.name):
			return !closed(t.stop) || t.begin(ctx)
		}
	}
}

// onClose calls f when stop closes; the returned function ends the wait for it.
func onClose(stop <-chan struct{}, f func()) (unhook func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() { // ends before unhook returns
		defer close(over)
		select {
		case <-stop:
			f()
		case <-quit:
		}
	}()
	return func() {
		close(quit)
		<-over
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// spec is the task as the job has it now, and its state.
func (t *task) spec() (*nomadapi.Task, *nomadapi.TaskState) {
	a, ok := t.r.alloc()
	if !ok {
		return nil, nil
	}
	state := a.TaskStates[t.name]
	if state == nil {
		state = &nomadapi.TaskState{State: "pending"}
	}
	for _, def := range a.Group().Tasks {
		if def.Name == t.name {
			return def, state
		}
	}
	return nil, nil
}

func (t *task) policy() *nomadapi.RestartPolicy {
	def, _ := t.spec()
	if def == nil {
		return nil
	}
	return def.RestartPolicy
}

// adopt finds the run of a stand-in that was here before: its process goes on,
// or its exit is still to be told.
func (t *task) adopt(ctx context.Context, state *nomadapi.TaskState) *executor.Handle {
	dir, number := executor.Latest(t.r.s.runDir(t.r.id, t.name))
	if number == 0 {
		return nil
	}
	handle, err := executor.Attach(dir)
	for end := time.Now().Add(2 * time.Second); errors.Is(err, fs.ErrNotExist) && time.Now().Before(end); {
		// Killed in the middle of a start: the shim may be about to write.
		if !pause(ctx, 20*time.Millisecond) {
			return nil
		}
		handle, err = executor.Attach(dir)
	}
	if err != nil {
		t.r.s.log.Warn("former run not adopted", "alloc", t.r.id, "task", t.name, "err", err)
		return nil
	}
	if state.State != "running" {
		t.r.event(t.name, running(handle.StartedAt()), taskEvent(nomadapi.TaskStarted, nil))
	}
	return handle
}

// finished tells of an exit and forgets the run: what is on disk has not been
// told yet.
func (t *task) finished(exit executor.Exit, change change, more ...*nomadapi.TaskEvent) {
	ended := taskEvent(nomadapi.TaskTerminated, func(e *nomadapi.TaskEvent) {
		e.ExitCode, e.Signal = exit.Code, exit.Signal
		if exit.Lost {
			e.Message = "executor died"
		}
	})
	ended.Details["oom_killed"] = strconv.FormatBool(exit.OutOfMemory)
	events := append([]*nomadapi.TaskEvent{ended}, more...)
	t.r.event(t.name, change, events...)
	if err := os.RemoveAll(t.r.s.runDir(t.r.id, t.name)); err != nil {
		t.r.s.log.Warn("run not removed", "alloc", t.r.id, "task", t.name, "err", err)
	}
}

// again waits for the next start, or ends the task.
func (t *task) again(ctx context.Context, v verdict) bool {
	if ctx.Err() != nil {
		return false
	}
	// An exit while the allocation waits for its shutdown_delay, or one that an
	// earlier stand-in had asked for, is not followed by another start.
	if a, ok := t.r.alloc(); !ok || (a.ServerTerminal() && t.stage != poststop) || closed(t.stop) {
		t.r.event(t.name, dead(false), taskEvent(nomadapi.TaskKilled, nil))
		return false
	}
	if !v.restart {
		t.r.event(t.name, dead(true), taskEvent(nomadapi.TaskNotRestarting, func(e *nomadapi.TaskEvent) {
			e.RestartReason, e.FailsTask = v.reason, true
		}))
		return false
	}
	t.r.event(t.name, pending(time.Now()), taskEvent(nomadapi.TaskRestarting, func(e *nomadapi.TaskEvent) {
		e.RestartReason, e.StartDelay = v.reason, int64(v.delay)
	}))
	timer := time.NewTimer(v.delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.stop:
			t.r.event(t.name, dead(false), taskEvent(nomadapi.TaskKilling, t.killing))
			return false
		case ask := <-t.commands:
			ask.done <- errNotRunning
		case <-timer.C:
			return true
		}
	}
}

func (t *task) killing(e *nomadapi.TaskEvent) {
	e.KillTimeout = t.killTimeout()
	if a, ok := t.r.alloc(); ok && a.ClientDescription == ranTooLong {
		e.DisplayMessage = ranTooLong
	}
}

func (t *task) killTimeout() time.Duration {
	if def, _ := t.spec(); def != nil && def.KillTimeout != nil {
		return min(*def.KillTimeout, maxKillTimeout)
	}
	return defaultKillTimeout
}

// wait returns the exit of the process; asked tells that it was a user who had
// it ended for a restart, errStopped that the allocation ends.
func (t *task) wait(ctx context.Context, handle *executor.Handle) (exit executor.Exit, asked bool, err error) {
	stop := (<-chan struct{})(t.stop)
	type result struct {
		exit executor.Exit
		err  error
	}
	over := make(chan result, 1)
	go func() { // ends with the process or with ctx, and is always received from
		exit, err := handle.Wait(ctx)
		over <- result{exit, err}
	}()
	checks := t.scripts(ctx)
	defer func() { checks.end() }()
	kill := (<-chan time.Time)(nil)
	renewal := t.renewal()
	memory := time.NewTicker(memoryEvery)
	defer memory.Stop()
	limit := t.memoryLimit()
	stopping, again, free, full := false, false, false, false
	var asks []*restart
	for {
		select {
		case res := <-over:
			for _, ask := range asks {
				ask.done <- res.err
			}
			if res.err == nil && stopping {
				res.err = errStopped
			}
			res.exit.OutOfMemory = full
			return res.exit, again || free, res.err
		case <-memory.C:
			if limit == 0 || full || handle.Memory() <= limit {
				continue
			}
			full = true
			if err := handle.Signal(syscall.SIGKILL); err != nil {
				t.r.s.log.Warn("task not killed", "alloc", t.r.id, "task", t.name, "err", err)
			}
		case <-stop:
			stop, stopping = nil, true
			t.r.event(t.name, nil, taskEvent(nomadapi.TaskKilling, t.killing))
			kill = t.terminate(handle)
		case indexes := <-t.rendered():
			if t.onRendered(indexes, handle.Signal) && !stopping && kill == nil {
				t.r.event(t.name, nil, taskEvent(nomadapi.TaskRestartSignal, func(e *nomadapi.TaskEvent) {
					e.DisplayMessage = "Template with change_mode restart re-rendered"
				}))
				again = true
				kill = t.terminate(handle)
			}
		case <-t.updates:
			checks.end()
			checks = t.scripts(ctx)
		case <-renewal:
			renewal = t.renew(ctx)
		case ask := <-t.commands:
			if ask.signal != 0 {
				t.r.event(t.name, nil, taskEvent(nomadapi.TaskSignaling, func(e *nomadapi.TaskEvent) { e.TaskSignal = unix.SignalName(ask.signal) }))
				ask.done <- handle.Signal(ask.signal)
				continue
			}
			t.r.event(t.name, nil, taskEvent(nomadapi.TaskRestartSignal, func(e *nomadapi.TaskEvent) { e.RestartReason = ask.reason }))
			asks, free = append(asks, ask), free || !ask.failed
			if kill == nil {
				kill = t.terminate(handle)
			}
		case <-kill:
			if err := handle.Signal(syscall.SIGKILL); err != nil {
				t.r.s.log.Warn("task not killed", "alloc", t.r.id, "task", t.name, "err", err)
			}
		}
	}
}

// terminate asks the process to end; the channel tells when to insist.
func (t *task) terminate(handle *executor.Handle) <-chan time.Time {
	signal := syscall.SIGINT
	if def, _ := t.spec(); def != nil && def.KillSignal != "" {
		if s := unix.SignalNum(def.KillSignal); s != 0 {
			signal = s
		}
	}
	if err := handle.Signal(signal); err != nil {
		t.r.s.log.Warn("signal not sent", "alloc", t.r.id, "task", t.name, "err", err)
	}
	return time.After(t.killTimeout())
}
