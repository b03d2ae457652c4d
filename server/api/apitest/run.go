package apitest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SetRunExit says with which code runs that begin from now on end; -1 to leave them under way.
func (p *Platform) SetRunExit(code int) { p.locked(func() { p.runExit = code }) }

// Once and EndRun implement api.Deployer.
func (p *Platform) Once(_ context.Context, r paas.RunRequest) (paas.Run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	app, ok := p.apps[r.Ref]
	if !ok {
		return paas.Run{}, paas.Errorf(paas.NotFound, "Team %q has no app %q. `crumpet apps` lists those there are.", r.Ref.Team, r.Ref.App)
	}
	if len(r.Command) > 0 {
		r.Name, r.Args = cmp.Or(r.Name, p.live(&app).Spec.MainProcess()), r.Command
	}
	if _, ok := p.live(&app).Spec.Once(r.Name); !ok {
		return paas.Run{}, paas.Errorf(paas.Invalid, "Release %d of app %q has no task or cron %q.", app.Release, r.Ref.App, r.Name)
	}
	now := time.Now().UTC()
	side := paas.Side{
		Team: r.Ref.Team, App: r.Ref.App, Kind: paas.JobRun, Name: r.Name, Release: app.Release, Args: r.Args, By: r.By, CreatedAt: now,
		Job: paas.SideJob{App: r.Ref.App, Kind: paas.JobRun, Name: fmt.Sprintf("run%d", len(p.sides)+1)}.String(), Index: 1, Stands: true,
	}
	if p.sides == nil {
		p.sides = map[string]paas.Side{}
	}
	p.sides[side.Job] = side
	run := paas.Run{
		ID: "alloc-" + side.Job, Team: r.Ref.Team, App: r.Ref.App, Job: side.Job, Kind: side.Kind, Name: r.Name, Release: app.Release,
		State: paas.RunRunning, Node: "node-1", CreatedAt: now, StartedAt: &now,
	}
	if p.runExit >= 0 {
		run.State, run.ExitCode, run.EndedAt, run.Exits = paas.RunComplete, p.runExit, &now, 1
	}
	if p.runExit > 0 {
		run.State, run.Reason = paas.RunFailed, fmt.Sprintf("%s exited with code %d", r.Name, p.runExit)
	}
	p.runs = append([]paas.Run{run}, p.runs...)
	return side.Seen(nil), nil
}

func (p *Platform) EndRun(_ context.Context, ref paas.AppRef, job, by string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	for i, r := range p.runs {
		if r.Job == job && r.Ref() == ref && !r.State.Ended() {
			now := time.Now().UTC()
			p.runs[i].State, p.runs[i].EndedAt, p.runs[i].Reason = paas.RunKilled, &now, "stopped by "+by
		}
	}
	return nil
}

// PutSide says what is wished for beside the slots.
func (p *Platform) PutSide(s paas.Side) {
	p.locked(func() {
		if p.sides == nil {
			p.sides = map[string]paas.Side{}
		}
		p.sides[s.Job] = s
	})
}

// PutRun says that a run was seen, after those before.
func (p *Platform) PutRun(r paas.Run) {
	p.locked(func() { p.runs = append([]paas.Run{r}, p.runs...) })
}

// over says that an instance is a run that has ended.
func (p *Platform) over(instance string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return instance != "" && slices.ContainsFunc(p.runs, func(r paas.Run) bool { return r.ID == instance && r.State.Ended() })
}
