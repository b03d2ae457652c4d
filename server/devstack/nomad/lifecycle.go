package nomad

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// stage is when a task of a group runs:
//
//	prestart, prestartSidecar -> mainStage -> poststart, poststartSidecar
//	                                   all of them dead -> poststop
type stage int

const (
	prestart stage = iota // ends well before the main tasks start
	prestartSidecar
	mainStage
	poststart
	poststartSidecar
	poststop
)

func stageOf(t *nomadapi.Task) stage {
	if t.Lifecycle == nil {
		return mainStage
	}
	switch t.Lifecycle.Hook {
	case nomadapi.TaskLifecycleHookPrestart:
		if t.Lifecycle.Sidecar {
			return prestartSidecar
		}
		return prestart
	case nomadapi.TaskLifecycleHookPoststart:
		if t.Lifecycle.Sidecar {
			return poststartSidecar
		}
		return poststart
	case nomadapi.TaskLifecycleHookPoststop:
		return poststop
	}
	return mainStage
}

func sidecar(s stage) bool { return s == prestartSidecar || s == poststartSidecar }

// gates hold the tasks of an allocation back until their stage has come. A gate
// that is open stays open: a sidecar that is restarted holds nobody up.
type gates struct {
	tasks map[string]stage
	open  [poststop + 1]chan struct{} // closed when the stage has come
}

func newGates(tasks []*nomadapi.Task) *gates {
	g := &gates{tasks: map[string]stage{}}
	for _, t := range tasks {
		g.tasks[t.Name] = stageOf(t)
	}
	for s := range g.open {
		g.open[s] = make(chan struct{})
	}
	return g
}

// of is the gate of a task.
func (g *gates) of(task string) <-chan struct{} { return g.open[g.tasks[task]] }

func (g *gates) let(stages ...stage) {
	for _, s := range stages {
		if !closed(g.open[s]) {
			close(g.open[s])
		}
	}
}

// update opens what the states of the tasks allow. One goroutine calls it.
func (g *gates) update(states map[string]*nomadapi.TaskState) {
	all := func(ok func(ts *nomadapi.TaskState) bool, stages ...stage) bool {
		for name, s := range g.tasks {
			if slices.Contains(stages, s) && !ok(states[name]) {
				return false
			}
		}
		return true
	}
	isDead := func(ts *nomadapi.TaskState) bool { return ts != nil && ts.State == "dead" }
	if all(isDead, prestart, prestartSidecar, mainStage, poststart, poststartSidecar) {
		g.let(poststop)
		return
	}
	g.let(prestart, prestartSidecar)
	ended := func(ts *nomadapi.TaskState) bool { return isDead(ts) && !ts.Failed }
	runs := func(ts *nomadapi.TaskState) bool { return ts != nil && ts.State == "running" }
	if !closed(g.open[mainStage]) && (!all(ended, prestart) || !all(runs, prestartSidecar)) {
		return
	}
	g.let(mainStage)
	begun := func(ts *nomadapi.TaskState) bool { return ts != nil && ts.State != "pending" }
	if closed(g.open[poststart]) || all(begun, mainStage) {
		g.let(poststart, poststartSidecar)
	}
}

// ending says why the tasks that still live are to end: one that failed, a
// leader that is dead, or nothing left but sidecars. Nil: they may go on.
func ending(tasks []*nomadapi.Task, states map[string]*nomadapi.TaskState) (live []string, why *nomadapi.TaskEvent) {
	onlySidecars, sidecars := true, false
	for _, t := range tasks {
		s, ts := stageOf(t), states[t.Name]
		sidecars = sidecars || sidecar(s)
		switch {
		case s == poststop || ts == nil:
		case ts.State != "dead":
			live = append(live, t.Name)
			onlySidecars = onlySidecars && sidecar(s)
		case ts.Failed:
			if why == nil {
				why = taskEvent(nomadapi.TaskSiblingFailed, func(e *nomadapi.TaskEvent) { e.FailedSibling = t.Name })
			}
		case t.Leader:
			why = taskEvent(nomadapi.TaskLeaderDead, nil)
		}
	}
	if why == nil && sidecars && onlySidecars {
		why = taskEvent(taskMainDead, nil)
	}
	return live, why
}

// waves are the tasks in the order in which they are killed: the leader, the
// main ones, the sidecars. Poststop tasks end by themselves.
func waves(tasks []*nomadapi.Task) [3][]string {
	var out [3][]string
	for _, t := range tasks {
		switch s := stageOf(t); {
		case s == poststop:
		case t.Leader:
			out[0] = append(out[0], t.Name)
		case !sidecar(s):
			out[1] = append(out[1], t.Name)
		default:
			out[2] = append(out[2], t.Name)
		}
	}
	return out
}
