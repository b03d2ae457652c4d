package jobspec

import (
	"path"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func task(in Input, p paas.Process) *nomadapi.Task {
	env, templates := environment(in, p)
	return &nomadapi.Task{
		Name:        p.Name,
		Driver:      in.Driver,
		Config:      config(p),
		Env:         env,
		Templates:   templates,
		Artifacts:   artifacts(in, p),
		Resources:   &nomadapi.Resources{CPU: new(p.CPU), MemoryMB: new(p.Memory)},
		KillTimeout: new(p.KillTimeout),
		KillSignal:  killSignal,
	}
}

// config is that of the exec and raw_exec drivers. Both look a program up from the task's folder,
// one level above local/, and start it there; work_dir moves it to where the artifact is, so that an
// app finds its files beside it as it does on its developer's machine. Drivers refuse a relative
// work_dir, and ${NOMAD_TASK_DIR} is local/ as the task sees it, inside a chroot or not.
func config(p paas.Process) map[string]any {
	command := p.Command
	program := ""
	if serves(p) {
		listen := "${" + addrVariable(p.Ports[0].Name) + "}"
		return map[string]any{
			"command":  crumpetProgram,
			"args":     []any{"static", "--dir", "${NOMAD_TASK_DIR}", "--listen", listen},
			"work_dir": "${NOMAD_TASK_DIR}",
		}
	}
	if len(command) > 0 {
		program, _ = command[0].Text() // spec allows no reference here
		command = command[1:]
	}
	c := map[string]any{"command": argument(paas.Literal(locate(program))), "work_dir": "${NOMAD_TASK_DIR}"}
	if len(command) > 0 {
		args := make([]any, len(command))
		for i, v := range command {
			args[i] = argument(v)
		}
		c["args"] = args
	}
	return c
}

// serves says that crumpet itself is to serve the artifact.
func serves(p paas.Process) bool { return len(p.Command) == 0 && len(p.Ports) > 0 }

// locate gives the path of a program from the task's folder. A bare name stays: drivers look for it
// in local/ first and then on the node's PATH, as a shell would.
func locate(program string) string {
	if !strings.Contains(program, "/") || path.IsAbs(program) {
		return program
	}
	return path.Join(artifactDir, program)
}

func artifacts(in Input, p paas.Process) []*nomadapi.TaskArtifact {
	list := []*nomadapi.TaskArtifact{artifact(in, in.Release.Artifact, artifactDir)}
	if serves(p) {
		list = append(list, artifact(in, in.Release.Runtime, runtimeDir))
	}
	return list
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
