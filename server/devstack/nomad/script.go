package nomad

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/catalog"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
)

const (
	maxScriptOutput = 4 << 10
	reportTries     = 4 // until the check is registered
	reportPause     = 500 * time.Millisecond
)

// scripts runs the checks of a task that are programs inside it, as long as its
// process runs, and tells Consul how they went.
type scripts struct {
	cancel context.CancelFunc
	over   sync.WaitGroup
}

func (sc *scripts) end() {
	if sc != nil {
		sc.cancel()
		sc.over.Wait()
	}
}

// scripts starts those of the allocation as it is now; nil without any.
func (t *task) scripts(ctx context.Context) *scripts {
	a, ok := t.r.alloc()
	if !ok || t.r.s.catalog == nil {
		return nil
	}
	services, err := catalog.Of(&a.Allocation, t.r.env(a, nil, nil))
	if err != nil {
		return nil // their registration has told of it
	}
	var mine []catalog.Script
	for _, s := range services {
		for _, script := range s.Scripts {
			if script.Task == t.name {
				mine = append(mine, script)
			}
		}
	}
	def, _ := t.spec()
	if len(mine) == 0 || def == nil {
		return nil
	}
	rendered, err := t.variables(def, t.r.env(a, def, nil))
	if err != nil {
		t.r.s.log.Warn("checks run without rendered variables", "alloc", t.r.id, "task", t.name, "err", err)
	}
	env := t.r.env(a, def, rendered)
	spec, err := t.process(def, env)
	if err != nil {
		return nil // the process could not have been started
	}
	ctx, cancel := context.WithCancel(ctx)
	sc := &scripts{cancel: cancel}
	for _, script := range mine {
		sc.over.Go(func() { t.script(ctx, script, spec, env) })
	}
	return sc
}

// script runs one check, again and again. The thread stays its own, as the
// kernel ties the death of a child to the thread that forked it.
func (t *task) script(ctx context.Context, s catalog.Script, spec executor.Spec, env *taskenv.Env) {
	runtime.LockOSThread()
	for {
		next := time.After(s.Interval)
		status, output := runScript(ctx, s, spec, env)
		for try := 1; ctx.Err() == nil; try++ {
			err := t.r.s.catalog.Report(ctx, s.CheckID, status, output)
			if err == nil || try == reportTries {
				break
			}
			if !pause(ctx, reportPause) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

func runScript(ctx context.Context, s catalog.Script, spec executor.Spec, env *taskenv.Env) (status, output string) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	command := env.Replace(s.Command)
	if !strings.Contains(command, "/") {
		found, err := executor.Look(spec.Dir, env.Get("PATH"), command)
		if err != nil {
			return consulapi.HealthCritical, err.Error()
		}
		command = found
	}
	if !filepath.IsAbs(command) {
		command = filepath.Join(spec.Dir, command)
	}
	var args []string
	for _, arg := range s.Args {
		args = append(args, env.Replace(arg))
	}
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir, cmd.Env = spec.Dir, spec.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: executor.Credential(spec.User)}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	out = out[max(0, len(out)-maxScriptOutput):]
	if ctx.Err() != nil {
		return consulapi.HealthCritical, ctx.Err().Error()
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return consulapi.HealthPassing, string(out)
	case !errors.As(err, &exit):
		return consulapi.HealthCritical, err.Error()
	case exit.ExitCode() == 1:
		return consulapi.HealthWarning, string(out)
	}
	return consulapi.HealthCritical, string(out)
}
