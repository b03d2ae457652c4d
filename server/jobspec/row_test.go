package jobspec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// A command runs with what its process has, but for the command and the ports.
func TestACommandRunsOnceAsAProcess(t *testing.T) {
	t.Parallel()
	in := jobspec.Input{Driver: "exec", Datacenters: []string{"*"}, ArtifactURL: func(string) string { return "http://127.0.0.1/a" }, BaseURL: func(paas.Route) string { return "" }}
	in.Release = paas.Release{Team: "default", App: "shop", Number: 3, Artifact: "0123456789abcdef", Spec: paas.Spec{App: "shop", Processes: []paas.Process{{
		Name: "web", Instances: 5, Ports: []paas.Port{{Name: "http"}},
		Program: paas.Program{
			Command: []paas.Value{paas.Literal("./shop")}, Memory: 77, CPU: 99,
			Env: map[string]paas.Value{"COLOR": paas.Literal("red"), "LISTEN": {{Text: ":"}, {Ref: &paas.Ref{Kind: paas.RefPort, Name: "http"}}}},
		},
	}}}}
	id := paas.SideJob{App: "shop", Kind: paas.JobRun, Name: "3fa2b1c0"}
	side := paas.Side{Team: "default", App: "shop", Job: id.String(), Kind: paas.JobRun, Name: "web", Release: 3, Args: []string{"./shop", "check", "${not} a reference"}}
	job, ok := jobspec.Side(in, side)
	if !ok {
		t.Fatal("no job")
	}
	group := job.TaskGroups[0]
	task := group.Tasks[0]
	if *job.ID != "shop.run.3fa2b1c0" || *job.Type != "batch" || *group.Count != 1 || len(group.Networks)+len(group.Services) > 0 || *group.RestartPolicy.Attempts != 0 || *group.MaxRunDuration != paas.CommandTimeout {
		t.Errorf("%s %s %+v", *job.ID, *job.Type, group)
	}
	if *task.Resources.MemoryMB != 77 || *task.Resources.CPU != 99 || task.Env["COLOR"] != "red" || task.Env["LISTEN"] != "" {
		t.Errorf("%+v %v", task.Resources, task.Env)
	}
	command := append([]any{task.Config["command"]}, anyOf(task.Config["args"])...)
	if diff := cmp.Diff([]any{"local/shop", "check", "$${not} a reference"}, command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	if in.Release.Spec.Processes[0].Env["LISTEN"] == nil {
		t.Error("the release was changed")
	}
	side.Args = nil
	if _, ok := jobspec.Side(in, side); ok {
		t.Error("a process is no task")
	}
}

func anyOf(v any) (list []any) {
	switch args := v.(type) {
	case []any:
		return args
	case []string:
		for _, arg := range args {
			list = append(list, arg)
		}
	}
	return list
}
