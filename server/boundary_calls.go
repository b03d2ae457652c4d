package server

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// What a deploy calls, each call between its boundaries. A method that one of these interfaces gets, and
// that has none here, fails TestEveryCallOfADeployHasItsBoundaries.

type deployStore struct {
	deploy.Store // what it reads has no boundary of its own: nothing is half done by it
	at           *boundaries
}

func (s deployStore) Save(ctx context.Context, epoch int64, change paas.Change) (err error) {
	s.at.around("store.Save", func() { err = s.Store.Save(ctx, epoch, change) })
	return err
}

type scheduler struct {
	deploy.Scheduler
	at *boundaries
}

func (s scheduler) Job(ctx context.Context, team, id string) (job *nomadapi.Job, err error) {
	s.at.around("nomad.Job", func() { job, err = s.Scheduler.Job(ctx, team, id) })
	return job, err
}

func (s scheduler) Plan(ctx context.Context, team string, job *nomadapi.Job) (plan *nomadapi.JobPlanResponse, err error) {
	s.at.around("nomad.Plan", func() { plan, err = s.Scheduler.Plan(ctx, team, job) })
	return plan, err
}

func (s scheduler) Register(ctx context.Context, team string, job *nomadapi.Job, index uint64) (answer *nomadapi.JobRegisterResponse, err error) {
	s.at.around("nomad.Register", func() { answer, err = s.Scheduler.Register(ctx, team, job, index) })
	return answer, err
}

func (s scheduler) Deregister(ctx context.Context, team, id string, purge bool) (err error) {
	s.at.around("nomad.Deregister", func() { err = s.Scheduler.Deregister(ctx, team, id, purge) })
	return err
}

func (s scheduler) EnsureNamespace(ctx context.Context, team string) (err error) {
	s.at.around("nomad.EnsureNamespace", func() { err = s.Scheduler.EnsureNamespace(ctx, team) })
	return err
}

type rules struct {
	deploy.Rules
	at *boundaries
}

func (r rules) Rule(ctx context.Context, ref paas.AppRef) (text string, index uint64, err error) {
	r.at.around("consul.Rule", func() { text, index, err = r.Rules.Rule(ctx, ref) })
	return text, index, err
}

func (r rules) PutRule(ctx context.Context, ref paas.AppRef, text string, index uint64) (err error) {
	r.at.around("consul.PutRule", func() { err = r.Rules.PutRule(ctx, ref, text, index) })
	return err
}

func (r rules) DeleteRule(ctx context.Context, ref paas.AppRef, index uint64) (err error) {
	r.at.around("consul.DeleteRule", func() { err = r.Rules.DeleteRule(ctx, ref, index) })
	return err
}

type watchStore struct {
	watch.Store
	at *boundaries
}

func (s watchStore) Observe(ctx context.Context, epoch int64, o paas.Observation) (err error) {
	s.at.around("store.Observe", func() { err = s.Store.Observe(ctx, epoch, o) })
	return err
}

type buildStore struct {
	build.Store
	at *boundaries
}

func (s buildStore) PutBuild(ctx context.Context, job paas.BuildJob, events ...paas.Event) (err error) {
	s.at.around("store.PutBuild", func() { err = s.Store.PutBuild(ctx, job, events...) })
	return err
}

func (s buildStore) PutBuildAs(ctx context.Context, epoch int64, job paas.BuildJob, events ...paas.Event) (err error) {
	s.at.around("store.PutBuildAs", func() { err = s.Store.PutBuildAs(ctx, epoch, job, events...) })
	return err
}

func (s buildStore) EmitAs(ctx context.Context, epoch int64, events ...paas.Event) (err error) {
	s.at.around("store.EmitAs", func() { err = s.Store.EmitAs(ctx, epoch, events...) })
	return err
}

// The wrappers as they are used: what is given itself where nobody looks at boundaries.

func (b *boundaries) deployStore(s deploy.Store) deploy.Store {
	if b == nil {
		return s
	}
	return deployStore{s, b}
}

func (b *boundaries) scheduler(s deploy.Scheduler) deploy.Scheduler {
	if b == nil {
		return s
	}
	return scheduler{s, b}
}

func (b *boundaries) rules(r deploy.Rules) deploy.Rules {
	if b == nil {
		return r
	}
	return rules{r, b}
}

func (b *boundaries) watchStore(s watch.Store) watch.Store {
	if b == nil {
		return s
	}
	return watchStore{s, b}
}

func (b *boundaries) buildStore(s build.Store) build.Store {
	if b == nil {
		return s
	}
	return buildStore{s, b}
}
