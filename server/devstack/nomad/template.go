package nomad

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/render"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
)

// render renders the task's templates, waiting for what they read, and returns
// the variables of those with env = true. The renderer goes on watching.
func (t *task) render(ctx context.Context, def *nomadapi.Task, env *taskenv.Env) (map[string]string, error) {
	if len(def.Templates) > 0 && t.renderer == nil {
		if err := t.watchTemplates(def, env); err != nil {
			return nil, t.templateFailed(err)
		}
		for waits := true; waits; {
			select {
			case <-t.renderer.Changed():
				waits = false
			case what := <-t.renderer.Missing():
				t.r.event(t.name, nil, taskEvent("Template", func(e *nomadapi.TaskEvent) { e.DisplayMessage = "Missing: " + what }))
			case err := <-t.renderer.Failed():
				return nil, t.templateFailed(err)
			case <-ctx.Done():
				return nil, errStopped
			}
		}
	}
	vars, err := t.variables(def, env)
	if err != nil {
		return nil, t.templateFailed(err)
	}
	return vars, nil
}

// variables reads those that rendered templates hold.
func (t *task) variables(def *nomadapi.Task, env *taskenv.Env) (map[string]string, error) {
	vars := map[string]string{}
	for _, tmpl := range def.Templates {
		if tmpl.Envvars == nil || !*tmpl.Envvars {
			continue
		}
		text, err := os.ReadFile(t.inAlloc(env.Replace(*tmpl.DestPath)))
		if err != nil {
			return nil, err
		}
		parsed, err := render.Env(string(text))
		if err != nil {
			return nil, fmt.Errorf("env template %s: %w", *tmpl.DestPath, err)
		}
		maps.Copy(vars, parsed)
	}
	return vars, nil
}

// nomadURL is where templates read Nomad's variables.
func nomadURL(address string) string {
	if address == "" || strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// inAlloc is a path of a template: relative to the task's folder.
func (t *task) inAlloc(path string) string {
	if strings.HasPrefix(path, t.r.s.allocDir(t.r.id)) {
		return filepath.Clean(path) // written with NOMAD_TASK_DIR and the like
	}
	return filepath.Join(t.r.s.allocDir(t.r.id), t.name, path)
}

func (t *task) watchTemplates(def *nomadapi.Task, env *taskenv.Env) error {
	cfg := render.Config{
		Root: t.r.s.allocDir(t.r.id), Env: env.Map(), Consul: t.r.s.cfg.ConsulAddr, Nomad: nomadURL(t.r.s.cfg.Advertise), Namespace: env.Get("NOMAD_NAMESPACE"),
	}
	if def.Vault != nil {
		cfg.Vault, cfg.Token = t.r.s.cfg.VaultAddr, t.token
	}
	for i, tmpl := range def.Templates {
		once := tmpl.Once != nil && *tmpl.Once
		if i > 0 && once != cfg.Once {
			return errors.New("All templates should have same Once value") //nolint:staticcheck // Nomad's words
		}
		cfg.Once = once
		one := render.Template{
			Data: *tmpl.EmbeddedTmpl, Dest: t.inAlloc(env.Replace(*tmpl.DestPath)), Perms: *tmpl.Perms,
			Left: *tmpl.LeftDelim, Right: *tmpl.RightDelim, ErrMissing: tmpl.ErrMissingKey != nil && *tmpl.ErrMissingKey,
		}
		if *tmpl.SourcePath != "" {
			one.Source = t.inAlloc(env.Replace(*tmpl.SourcePath))
		}
		cfg.Templates = append(cfg.Templates, one)
	}
	renderer, err := render.Start(cfg)
	if err != nil {
		return err
	}
	t.renderer = renderer
	return nil
}

// adoptTemplates watches again what a process was started with. What it renders
// first is no news to the process, unless it was changed meanwhile, which is
// found at the next change.
func (t *task) adoptTemplates(ctx context.Context, def *nomadapi.Task) {
	a, ok := t.r.alloc()
	if !ok {
		return
	}
	if err := t.watchTemplates(def, t.r.env(a, def, nil)); err != nil {
		t.r.s.log.Warn("templates not watched", "alloc", t.r.id, "task", t.name, "err", err)
		return
	}
	timer := time.NewTimer(adoptTemplatesWait)
	defer timer.Stop()
	select {
	case <-t.renderer.Changed():
	case <-timer.C: // what they read is not there now
	case <-ctx.Done():
	}
}

const adoptTemplatesWait = 5 * time.Second

func (t *task) endTemplates() {
	if t.renderer != nil {
		t.renderer.Close()
		t.renderer = nil
	}
}

func (t *task) templateFailed(err error) error {
	text := "Template failed: " + err.Error()
	killing := taskEvent(nomadapi.TaskKilling, func(e *nomadapi.TaskEvent) { e.DisplayMessage, e.FailsTask = text, true })
	killing.Details["fails_task"] = "true"
	t.r.event(t.name, nil, killing)
	return &startError{text: text}
}

// rendered is news of templates; nil without any.
func (t *task) rendered() <-chan []int {
	if t.renderer == nil {
		return nil
	}
	return t.renderer.Changed()
}

// onRendered does what the change_mode of changed templates says: signals are
// sent here, a restart is for the caller.
func (t *task) onRendered(indexes []int, signal func(syscall.Signal) error) (restart bool) {
	def, _ := t.spec()
	if def == nil {
		return false
	}
	for _, i := range indexes {
		if i >= len(def.Templates) {
			continue
		}
		switch tmpl := def.Templates[i]; *tmpl.ChangeMode {
		case "restart":
			restart = true
		case "signal":
			t.r.event(t.name, nil, taskEvent(nomadapi.TaskSignaling, func(e *nomadapi.TaskEvent) {
				e.TaskSignal, e.DisplayMessage = *tmpl.ChangeSignal, "Template re-rendered"
			}))
			if err := signal(unix.SignalNum(*tmpl.ChangeSignal)); err != nil {
				t.r.s.log.Warn("signal not sent", "alloc", t.r.id, "task", t.name, "err", err)
			}
		}
	}
	return restart
}
