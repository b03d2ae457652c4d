package nomad

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/catalog"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
)

// client starts a runner for each allocation of a node that is not over, also for
// those of a former life of the client, and waits for them when ctx ends.
func (s *Server) client(ctx context.Context, node string) {
	var runners sync.WaitGroup
	defer runners.Wait()
	for {
		news := s.state.Changed()
		var allocs []*state.Alloc
		s.state.View(func(v *state.View) { allocs = v.Allocs("*") })
		s.mu.Lock()
		for _, a := range allocs {
			if a.NodeID != node || over(a) || s.runners[a.ID] != nil {
				continue
			}
			r := newRunner(s, a)
			s.runners[a.ID] = r
			runners.Go(func() {
				r.run(ctx)
				s.mu.Lock()
				delete(s.runners, r.id)
				s.mu.Unlock()
			})
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
	}
}

// over tells that no task of an allocation will run any more. A poststop task
// may still run when the allocation has failed.
func over(a *state.Alloc) bool {
	if !a.ClientTerminal() {
		return false
	}
	for _, ts := range a.TaskStates {
		if ts.State != "dead" {
			return false
		}
	}
	return true
}

// runner runs one allocation:
//
//	folders -> services registered -> tasks, stage by stage
//	        -> [ stop wanted, a task failed, or only sidecars are left ]
//	        -> services gone -> shutdown_delay -> tasks killed -> over
type runner struct {
	s     *Server
	id    string
	tasks map[string]*task
	gates *gates
	watch watched

	restarts chan *restart // asked for by users
}

func newRunner(s *Server, a *state.Alloc) *runner {
	group := a.Group()
	r := &runner{s: s, id: a.ID, tasks: map[string]*task{}, gates: newGates(group.Tasks), restarts: make(chan *restart)}
	r.watch.r = r
	for _, t := range group.Tasks {
		r.tasks[t.Name] = &task{
			r: r, name: t.Name, stage: stageOf(t), batch: *a.Job.Type == nomadapi.JobTypeBatch,
			commands: make(chan *restart), updates: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{}),
		}
	}
	return r
}

// alloc is the allocation as it is now. A row that was removed counts as it
// last was, and as stopped.
func (r *runner) alloc() (a *state.Alloc, ok bool) {
	r.s.state.View(func(v *state.View) { a = v.Alloc(r.id) })
	return a, a != nil
}

func (r *runner) run(ctx context.Context) {
	a, ok := r.alloc()
	if !ok {
		return
	}
	if a.TaskStates == nil {
		if a.ServerTerminal() {
			r.change("", func(a *state.Alloc) { a.ClientStatus = nomadapi.AllocClientStatusComplete })
			return
		}
		r.receive()
	}
	if !r.succeed(ctx, a.PreviousAllocation) {
		return
	}
	if err := r.prepare(a); err != nil {
		r.s.log.Error("allocation not prepared", "alloc", r.id, "err", err)
		for name := range r.tasks {
			r.event(name, dead(true), taskEvent(nomadapi.TaskSetupFailure, func(e *nomadapi.TaskEvent) { e.SetupError = err.Error() }))
		}
		return
	}
	r.offer(a)

	// The tasks' context ends with Run and leaves the processes alone; their
	// stop channels tell them to kill.
	done := make(chan struct{})
	var tasks sync.WaitGroup
	for _, t := range r.tasks {
		tasks.Go(func() { t.run(ctx) })
	}
	go func() { // ends before run returns, which waits for done
		tasks.Wait()
		close(done)
	}()
	r.follow(ctx, a, done)
	<-done
	if ctx.Err() != nil {
		return
	}
	r.withdraw(ctx)
}

// receive notes that the client has the allocation.
func (r *runner) receive() {
	r.change("", func(a *state.Alloc) {
		a.TaskStates = map[string]*nomadapi.TaskState{}
		for name := range r.tasks {
			a.TaskStates[name] = &nomadapi.TaskState{State: "pending", Events: []*nomadapi.TaskEvent{taskEvent(nomadapi.TaskReceived, nil)}}
		}
		a.ClientStatus, a.ClientDescription = nomadapi.AllocClientStatusPending, "No tasks have started"
	})
}

// prepare makes the folders. What all tasks share, whoever they run as, anybody
// may write to; a task's own belong to its user.
func (r *runner) prepare(a *state.Alloc) error {
	dir := r.s.allocDir(r.id)
	for _, shared := range []string{"alloc/data", "alloc/tmp"} {
		path := filepath.Join(dir, shared)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, 0o777)); err != nil {
			return fmt.Errorf("make folders: %w", err)
		}
	}
	if err := os.MkdirAll(r.s.logDir(r.id), 0o755); err != nil {
		return fmt.Errorf("make folders: %w", err)
	}
	for _, t := range a.Group().Tasks {
		who, _ := executor.LookUser(t.User) // the start of the process tells of one that is not there
		if err := os.MkdirAll(filepath.Join(dir, t.Name), 0o755); err != nil {
			return fmt.Errorf("make folders: %w", err)
		}
		for sub, mode := range map[string]os.FileMode{"local": 0o755, "secrets": 0o700, "tmp": 0o755} {
			path := filepath.Join(dir, t.Name, sub)
			if err := os.MkdirAll(path, mode); err != nil {
				return fmt.Errorf("make folders: %w", err)
			}
			if who == nil {
				continue
			}
			if err := os.Chown(path, int(who.UID), int(who.GID)); err != nil {
				return fmt.Errorf("give folders to user %q: %w", t.User, err)
			}
		}
	}
	return nil
}

// follow lets the tasks begin when their stage has come, and waits for what ends
// or changes the allocation.
func (r *runner) follow(ctx context.Context, a *state.Alloc, done chan struct{}) {
	var kills sync.WaitGroup
	defer kills.Wait()
	health := newHealth(r, a)
	stopping := false
	end := func(now *state.Alloc, expired bool) {
		stopping = true
		kills.Go(func() {
			if r.leave(ctx, a, now) {
				r.kill(expired)
			}
		})
	}
	for {
		news := r.s.state.Changed()
		now, ok := r.alloc()
		if ok {
			r.gates.update(now.TaskStates)
		}
		if !stopping {
			if !ok || now.ServerTerminal() {
				end(now, false)
				continue
			}
			if *now.Job.JobModifyIndex != *a.Job.JobModifyIndex {
				r.offer(now)
				r.updated()
				health.reset()
			}
			a = now
			if live, why := ending(a.Group().Tasks, a.TaskStates); why != nil && len(live) > 0 {
				for _, name := range live {
					r.event(name, nil, why)
				}
				end(nil, false)
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-done:
			return
		case <-news:
		case ask := <-r.restarts:
			r.restart(ctx, a, ask, stopping)
		case <-health.tick(stopping):
			health.look(ctx, a)
		case now := <-r.watch.tick(stopping):
			if ask := r.watch.look(ctx, now); ask != nil {
				r.restart(ctx, a, ask, stopping)
			}
		case <-expiry(a, stopping):
			r.expire()
			end(nil, true)
		}
	}
}

// kill ends the tasks in their order and returns when they have ended, or when
// the stand-in ends. A group that ran too long does not get to its poststop.
func (r *runner) kill(expired bool) {
	a, ok := r.alloc()
	if !ok {
		for _, t := range r.tasks { // the row is gone, and its order with it
			close(t.stop)
		}
		return
	}
	tasks := a.Group().Tasks
	if expired {
		for _, t := range r.tasks {
			if t.stage == poststop {
				close(t.stop)
				<-t.over
			}
		}
	}
	for _, wave := range waves(tasks) {
		for _, name := range wave {
			close(r.tasks[name].stop)
		}
		for _, name := range wave {
			<-r.tasks[name].over
		}
	}
}

// leave takes the allocation out of Consul and waits for its shutdown_delay, so
// that nobody sends it requests when its tasks are told to stop.
func (r *runner) leave(ctx context.Context, a, now *state.Alloc) bool {
	r.withdraw(ctx)
	if now != nil && now.DesiredTransition.NoShutdownDelay != nil && *now.DesiredTransition.NoShutdownDelay {
		return true
	}
	tg := a.Group()
	if tg.ShutdownDelay == nil || *tg.ShutdownDelay == 0 {
		return true
	}
	return pause(ctx, *tg.ShutdownDelay)
}

func (r *runner) withdraw(ctx context.Context) {
	if r.s.catalog == nil {
		return
	}
	if err := r.s.catalog.Remove(ctx, r.id); err != nil && ctx.Err() == nil {
		r.s.log.Warn("services not deregistered", "alloc", r.id, "err", err)
	}
}

// offer registers the allocation's services.
func (r *runner) offer(a *state.Alloc) {
	if r.s.catalog == nil || a.ServerTerminal() {
		return
	}
	services, err := catalog.Of(&a.Allocation, r.env(a, nil, nil))
	if err != nil {
		r.s.log.Error("services not registered", "alloc", r.id, "err", err)
		return
	}
	r.s.catalog.Set(r.id, services)
	r.watch.renew(services, time.Now())
}

// updated tells the tasks that their job has changed in place.
func (r *runner) updated() {
	for _, t := range r.tasks {
		select {
		case t.updates <- struct{}{}:
		default: // it has yet to look at the change before
		}
	}
}

func (r *runner) env(a *state.Alloc, t *nomadapi.Task, rendered map[string]string) *taskenv.Env {
	in := taskenv.Input{Alloc: &a.Allocation, Task: t, Rendered: rendered, Base: baseEnv()}
	r.s.state.View(func(v *state.View) { in.Node = v.Node(a.NodeID) })
	if t != nil {
		dir := r.s.allocDir(r.id)
		in.AllocDir = filepath.Join(dir, "alloc")
		in.TaskDir = filepath.Join(dir, t.Name, "local")
		in.SecretsDir = filepath.Join(dir, t.Name, "secrets")
	}
	return taskenv.New(in)
}

// baseEnv is what of the host a task sees.
func baseEnv() map[string]string {
	base := map[string]string{}
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "CRUMPET_DEV_DIR"} {
		if value, set := os.LookupEnv(name); set {
			base[name] = value
		}
	}
	return base
}

// change is one transaction over the allocation, from the client's side.
func (r *runner) change(task string, edit func(a *state.Alloc)) {
	_, err := r.s.update("AllocationUpdated", func(tx *state.Tx) error {
		old := tx.Alloc(r.id)
		if old == nil {
			return nil
		}
		a := old.Copy()
		a.TaskStates = maps.Clone(old.TaskStates)
		edit(a)
		a.ModifyIndex, a.ModifyTime = tx.Index(), time.Now().UnixNano()
		if a.ClientStatus == nomadapi.AllocClientStatusFailed && a.DeploymentStatus == nil && *a.Job.Type == nomadapi.JobTypeService {
			a.DeploymentStatus = &nomadapi.AllocDeploymentStatus{Healthy: new(false), Timestamp: time.Now(), ModifyIndex: tx.Index()}
		}
		tx.PutAlloc(a)
		if !old.ClientTerminal() && a.ClientTerminal() {
			unblock(tx)
			failedEval(tx, a)
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrClosed) {
		r.s.log.Error("allocation not updated", "alloc", r.id, "task", task, "err", err)
	}
}

// failedEval has the scheduler look at a failed allocation that may be replaced.
func failedEval(tx *state.Tx, a *state.Alloc) {
	row := tx.Job(a.Namespace, a.JobID)
	if a.ClientStatus != nomadapi.AllocClientStatusFailed || a.ServerTerminal() || row == nil || stopped(row.Current()) {
		return
	}
	e := newEval(tx, row.Current(), byFailure)
	e.JobModifyIndex = 0
	tx.PutEval(e)
}
