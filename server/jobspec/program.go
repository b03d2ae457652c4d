package jobspec

import (
	"cmp"
	"maps"
	"path"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// own is a process's own task, the first of its group and named as it.
func own(in Input, p paas.Process) *nomadapi.Task {
	t := program(in, p.Name, p.Program, given(in, p.Name, &p))
	if serves(p) {
		t.Config = static(p)
		t.Artifacts = append(t.Artifacts, artifact(in, in.Release.Runtime, runtimeDir))
	}
	return merged(mounted(t, p), p.NomadTask)
}

// sidecar is a task that starts before the process's own and ends after it. Each task has a folder of
// its own, so each has the artifact.
func sidecar(in Input, p paas.Process, s paas.Sidecar) *nomadapi.Task {
	vars := given(in, p.Name, &p)
	delete(vars, envPort) // the process's own
	t := program(in, s.Name, s.Program, vars)
	t.Lifecycle = &nomadapi.TaskLifecycle{Hook: nomadapi.TaskLifecycleHookPrestart, Sidecar: true}
	t.RestartPolicy = comeBack(p)
	return merged(mounted(t, p), s.NomadTask)
}

// program is the task that any program becomes. Variables of its own go over the app's, and Crumpet's
// over both.
func program(in Input, name string, p paas.Program, given map[string]paas.Value) *nomadapi.Task {
	vars := map[string]paas.Value{}
	maps.Copy(vars, in.Release.Spec.Env)
	maps.Copy(vars, p.Env)
	maps.Copy(vars, given)
	env, templates := environment(vars)
	return withSecrets(in, p, &nomadapi.Task{
		Name:        name,
		Driver:      in.Driver,
		User:        p.User,
		Config:      config(p),
		Env:         env,
		Templates:   append(templates, files(p.Files)...),
		Artifacts:   []*nomadapi.TaskArtifact{artifact(in, in.Release.Artifact, artifactDir)},
		Resources:   resources(p),
		LogConfig:   logs(p.Logs),
		KillTimeout: new(p.KillTimeout),
		KillSignal:  cmp.Or(p.KillSignal, paas.DefaultKillSignal), // Nomad's own default is SIGINT
	})
}

func resources(p paas.Program) *nomadapi.Resources {
	r := &nomadapi.Resources{MemoryMB: new(p.Memory)}
	if p.Cores > 0 {
		r.Cores = new(p.Cores)
	} else {
		r.CPU = new(p.CPU)
	}
	if p.MemoryMax > 0 {
		r.MemoryMaxMB = new(p.MemoryMax)
	}
	return r
}

// logs are always set: Nomad's default keeps twice as much. A release from before the key existed
// has no limits.
func logs(l paas.Logs) *nomadapi.LogConfig {
	return &nomadapi.LogConfig{
		MaxFiles:      new(cmp.Or(l.MaxFiles, paas.DefaultLogFiles)),
		MaxFileSizeMB: new(cmp.Or(l.MaxSize, paas.DefaultLogSize)),
	}
}

// config is that of the exec and raw_exec drivers. Both look a program up from the task's folder,
// one level above local/, and start it there; work_dir moves it to where the artifact is, so that an
// app finds its files beside it as it does on its developer's machine. Drivers refuse a relative
// work_dir.
func config(p paas.Program) map[string]any {
	c := map[string]any{"work_dir": taskDir}
	if dir := path.Clean(p.WorkingDir); p.WorkingDir != "" && dir != "." {
		c["work_dir"] = taskDir + "/" + argument(paas.Literal(dir))
	}
	if len(p.Command) == 0 {
		return c
	}
	name, _ := p.Command[0].Text() // spec allows no reference here
	c["command"] = argument(paas.Literal(locate(name)))
	if args := p.Command[1:]; len(args) > 0 {
		list := make([]any, len(args))
		for i, v := range args {
			list[i] = argument(v)
		}
		c["args"] = list
	}
	return c
}

// locate gives the path of a program from the task's folder. A bare name stays: drivers look for it
// in local/ first and then on the node's PATH, as a shell would.
func locate(program string) string {
	if !strings.Contains(program, "/") || path.IsAbs(program) {
		return program
	}
	return path.Join(artifactDir, program)
}

// serves says that crumpet itself is to serve the artifact.
func serves(p paas.Process) bool { return len(p.Command) == 0 && len(p.Ports) > 0 }

// static is the config of a process that serves.
func static(p paas.Process) map[string]any {
	return map[string]any{
		"command":  crumpetProgram,
		"args":     []any{"static", "--dir", taskDir, "--listen", "${" + addrVariable(p.Ports[0].Name) + "}"},
		"work_dir": taskDir,
	}
}

// artifact is one archive by digest. Its URL has a query behind its name, so the kind of archive is
// said and not guessed.
func artifact(in Input, digest, dir string) *nomadapi.TaskArtifact {
	url := digest
	if in.ArtifactURL != nil {
		url = in.ArtifactURL(digest)
	}
	return &nomadapi.TaskArtifact{
		GetterSource:  new(url),
		GetterOptions: map[string]string{"archive": "tar.gz", "checksum": "sha256:" + digest},
		RelativeDest:  new(dir),
	}
}
