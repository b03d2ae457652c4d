package nomad

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/artifact"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/valid"
)

// start prepares and starts the task's process.
func (t *task) start(ctx context.Context) (*executor.Handle, error) {
	a, ok := t.r.alloc()
	def, _ := t.spec()
	if !ok || def == nil {
		return nil, errStopped
	}
	if ctx.Err() != nil {
		return nil, errStopped
	}
	runs := t.r.s.runDir(t.r.id, t.name)
	if _, state := t.spec(); !t.built && state.Restarts == 0 {
		t.built = true
		t.r.event(t.name, nil, taskEvent(nomadapi.TaskSetup, func(e *nomadapi.TaskEvent) { e.Message = "Building Task Directory" }))
	}
	env := t.r.env(a, def, nil)
	if err := t.mount(def); err != nil {
		return nil, err
	}
	if err := t.fetch(ctx, def, env); err != nil {
		return nil, err
	}
	visible, err := t.vault(ctx, def)
	if err != nil {
		return nil, err
	}
	rendered, err := t.render(ctx, def, env)
	if err != nil {
		return nil, err
	}
	maps.Copy(rendered, visible)
	env = t.r.env(a, def, rendered)
	spec, err := t.process(def, env)
	if err != nil {
		return nil, err
	}
	_, number := executor.Latest(runs)
	spec.Run = filepath.Join(runs, strconv.Itoa(number+1))
	handle, err := executor.Start(ctx, t.r.s.cfg.Executor, spec)
	if err != nil {
		return nil, t.driverFailed(err)
	}
	t.r.event(t.name, running(handle.StartedAt()), taskEvent(nomadapi.TaskStarted, nil))
	return handle, nil
}

// driverFailed tells of a process that could not be started. Nomad calls that
// unrecoverable.
func (t *task) driverFailed(err error) error {
	text := "failed to launch command with executor: rpc error: code = Unknown desc = " + err.Error()
	t.r.event(t.name, nil, taskEvent(nomadapi.TaskDriverFailure, func(e *nomadapi.TaskEvent) { e.DriverError = text }))
	return &startError{text: text}
}

// startError is a failure to start; a recoverable one is tried again.
type startError struct {
	text        string
	recoverable bool
}

func (e *startError) Error() string { return e.text }

func recoverable(err error) bool {
	var failed *startError
	return !errors.As(err, &failed) || failed.recoverable
}

func (t *task) process(def *nomadapi.Task, env *taskenv.Env) (executor.Spec, error) {
	dir := filepath.Join(t.r.s.allocDir(t.r.id), t.name)
	spec := executor.Spec{
		Dir: dir, Logs: t.r.s.logDir(t.r.id), Task: t.name, Env: env.List(),
		MaxFiles: 10, MaxFileSizeMB: 10,
	}
	if c := def.LogConfig; c != nil {
		spec.MaxFiles, spec.MaxFileSizeMB = intOr(c.MaxFiles, 10), intOr(c.MaxFileSizeMB, 10)
		spec.NoLogs = c.Disabled != nil && *c.Disabled
	}
	var err error
	if spec.User, err = executor.LookUser(def.User); err == nil {
		err = spec.User.Enter(dir)
	}
	if err != nil {
		return spec, t.driverFailed(err)
	}
	if name := unknown(def.Config); name != "" {
		return spec, t.invalid(unknownKey(name))
	}
	command, err := env.ReplaceArgument(taskenv.Text(def.Config["command"]))
	if err != nil {
		return spec, t.invalid(err)
	}
	if spec.Command, err = executor.Look(dir, env.Get("PATH"), command); err != nil {
		return spec, t.driverFailed(err)
	}
	if text, ok := def.Config["work_dir"].(string); ok && text != "" {
		if spec.Dir, err = env.ReplaceArgument(text); err != nil {
			return spec, t.invalid(err)
		}
		if !filepath.IsAbs(spec.Dir) {
			return spec, t.driverFailed(errors.New("work_dir must be an absolute path"))
		}
		if _, err := os.Stat(spec.Dir); err != nil { // else the kernel's error would name the program
			return spec, t.driverFailed(fmt.Errorf("chdir %s: no such file or directory", spec.Dir))
		}
	}
	args, ok := def.Config["args"].([]any)
	if !ok {
		return spec, nil
	}
	for _, arg := range args {
		text, err := env.ReplaceArgument(taskenv.Text(arg))
		if err != nil {
			return spec, t.invalid(err)
		}
		spec.Args = append(spec.Args, text)
	}
	return spec, nil
}

// invalid tells of a driver's configuration that can't be read.
func (t *task) invalid(err error) error {
	text := valid.List([]string{"failed to parse config: ", err.Error()})
	t.r.event(t.name, nil, taskEvent(nomadapi.TaskFailedValidation, func(e *nomadapi.TaskEvent) { e.ValidationError = text }))
	return &startError{text: text}
}

// unknownKey is a key that a driver's configuration has and no driver knows, in Nomad's words.
type unknownKey string

func (k unknownKey) Error() string {
	return fmt.Sprintf("Invalid label: No argument or block type is named %q.", string(k))
}

// unknown names the first key of a driver's configuration that neither exec nor raw_exec has.
func unknown(config map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(config)) {
		switch key {
		case "command", "args", "work_dir", "pid_mode", "ipc_mode", "cap_add", "cap_drop", "cgroup_v2_override", "cgroup_v1_override", "oom_score_adj", "denied_envvars":
		default:
			return key
		}
	}
	return ""
}

func intOr(v *int, fallback int) int {
	if v == nil {
		return fallback
	}
	return *v
}

// fetch brings the artifacts, once for the allocation: as in Nomad also for one whose task is started anew with
// its client, when what serves artifacts may not be there yet.
func (t *task) fetch(ctx context.Context, def *nomadapi.Task, env *taskenv.Env) error {
	if len(def.Artifacts) == 0 {
		return nil
	}
	done := filepath.Join(t.r.s.fetchedDir(t.r.id), t.name)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	t.r.event(t.name, nil, taskEvent(nomadapi.TaskDownloadingArtifacts, nil))
	for _, a := range def.Artifacts {
		src := artifact.Source{URL: env.Replace(*a.GetterSource), Options: map[string]string{}, Headers: map[string]string{}, Mode: *a.GetterMode, Dest: env.Replace(*a.RelativeDest)}
		for k, v := range a.GetterOptions {
			src.Options[k] = env.Replace(v)
		}
		for k, v := range a.GetterHeaders {
			src.Headers[k] = env.Replace(v)
		}
		if err := artifact.Fetch(ctx, t.r.s.fetcher, src, filepath.Join(t.r.s.allocDir(t.r.id), t.name)); err != nil {
			if ctx.Err() != nil {
				return errStopped
			}
			t.r.event(t.name, nil, taskEvent(nomadapi.TaskArtifactDownloadFailed, func(e *nomadapi.TaskEvent) { e.DownloadError = err.Error() }))
			return &startError{text: err.Error(), recoverable: true}
		}
	}
	if err := os.MkdirAll(filepath.Dir(done), 0o755); err != nil {
		return fmt.Errorf("note artifacts: %w", err)
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		return fmt.Errorf("note artifacts: %w", err)
	}
	return nil
}
