package jobspec

import (
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Side renders the job of a row of the store that stands beside the slots: a cron's periodic job, or a
// program that runs once, a task's or that of a cron which is not to wait for its time. ok is false when
// the release has no such task or cron.
func Side(in Input, side paas.Side) (*nomadapi.Job, bool) {
	spec := in.Release.Spec
	c := slices.IndexFunc(spec.Crons, func(c paas.Cron) bool { return c.Name == side.Name })
	t := slices.IndexFunc(spec.Tasks, func(t paas.Task) bool { return t.Name == side.Name })
	id, ok := paas.ParseSideJob(side.Job)
	switch {
	case !ok:
		return nil, false
	case side.Kind == paas.JobCron && c >= 0:
		return CronJob(in, spec.Crons[c]), true
	case side.Kind == paas.JobCron:
		return nil, false
	case t >= 0:
		return TaskJob(in, withArgs(spec.Tasks[t], side.Args), id), true
	case c >= 0:
		cron := spec.Crons[c]
		return TaskJob(in, withArgs(paas.Task{
			Name: cron.Name, Program: cron.Program, Attempts: cron.Attempts, Timeout: cron.Timeout,
		}, side.Args), id), true
	}
	if _, ok := spec.Process(side.Name); ok && len(side.Args) > 0 {
		t, _ := spec.Once(side.Name)
		t.Env = withoutPorts(t.Env)
		return TaskJob(in, withArgs(t, side.Args), id), true
	}
	return nil, false
}

// withoutPorts leaves out what names a port: a command that runs once has none.
func withoutPorts(env map[string]paas.Value) map[string]paas.Value {
	env = maps.Clone(env)
	maps.DeleteFunc(env, func(_ string, v paas.Value) bool {
		return slices.ContainsFunc(v, func(part paas.Part) bool {
			return part.Ref != nil && (part.Ref.Kind == paas.RefPort || part.Ref.Kind == paas.RefHost)
		})
	})
	return env
}

// withArgs appends arguments to a task's command, as text.
func withArgs(t paas.Task, args []string) paas.Task {
	t.Command = slices.Clone(t.Command)
	for _, arg := range args {
		t.Command = append(t.Command, paas.Literal(arg))
	}
	return t
}
