package deploy

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// around makes a call that has a name between what is to be done before and after it.
type around = func(name string, call func())

// Around gives the configuration with each write to the store and each outside call made by fn, for those
// who want to know of every moment at which something is half done. A method that one of the interfaces
// gets, and that is not made so, fails the server's TestEveryCallOfADeployHasItsBoundaries.
func (c Config) Around(fn func(name string, call func())) Config {
	c.Store, c.Scheduler, c.Rules = edgedStore{c.Store, fn}, edgedScheduler{c.Scheduler, fn}, edgedRules{c.Rules, fn}
	if c.Access != nil {
		c.Access = edgedAccess{c.Access, fn}
	}
	if c.Variables != nil {
		c.Variables = edgedVariables{c.Variables, fn}
	}
	c.Storage = edgedStorage{c.Storage, fn}
	return c
}

type edgedStore struct {
	Store  // what it reads has no boundary of its own: nothing is half done by it
	around around
}

func (s edgedStore) Save(ctx context.Context, epoch int64, change paas.Change) (err error) {
	s.around("store.Save", func() { err = s.Store.Save(ctx, epoch, change) })
	return err
}

type edgedScheduler struct {
	Scheduler
	around around
}

func (s edgedScheduler) Job(ctx context.Context, team, id string) (job *nomadapi.Job, err error) {
	s.around("nomad.Job", func() { job, err = s.Scheduler.Job(ctx, team, id) })
	return job, err
}

func (s edgedScheduler) Plan(ctx context.Context, team string, job *nomadapi.Job) (plan *nomadapi.JobPlanResponse, err error) {
	s.around("nomad.Plan", func() { plan, err = s.Scheduler.Plan(ctx, team, job) })
	return plan, err
}

func (s edgedScheduler) Register(ctx context.Context, team string, job *nomadapi.Job, index uint64) (answer *nomadapi.JobRegisterResponse, err error) {
	s.around("nomad.Register", func() { answer, err = s.Scheduler.Register(ctx, team, job, index) })
	return answer, err
}

func (s edgedScheduler) Deregister(ctx context.Context, team, id string, purge bool) (err error) {
	s.around("nomad.Deregister", func() { err = s.Scheduler.Deregister(ctx, team, id, purge) })
	return err
}

func (s edgedScheduler) Evaluate(ctx context.Context, team, id string) (err error) {
	s.around("nomad.Evaluate", func() { err = s.Scheduler.Evaluate(ctx, team, id) })
	return err
}

func (s edgedScheduler) EnsureNamespace(ctx context.Context, team string) (err error) {
	s.around("nomad.EnsureNamespace", func() { err = s.Scheduler.EnsureNamespace(ctx, team) })
	return err
}

type edgedRules struct {
	Rules
	around around
}

func (r edgedRules) Rule(ctx context.Context, ref paas.AppRef) (text string, index uint64, err error) {
	r.around("consul.Rule", func() { text, index, err = r.Rules.Rule(ctx, ref) })
	return text, index, err
}

func (r edgedRules) PutRule(ctx context.Context, ref paas.AppRef, text string, index uint64) (err error) {
	r.around("consul.PutRule", func() { err = r.Rules.PutRule(ctx, ref, text, index) })
	return err
}

func (r edgedRules) DeleteRule(ctx context.Context, ref paas.AppRef, index uint64) (err error) {
	r.around("consul.DeleteRule", func() { err = r.Rules.DeleteRule(ctx, ref, index) })
	return err
}

type edgedAccess struct {
	Access // Ready changes nothing
	around around
}

func (a edgedAccess) Grant(ctx context.Context, ref paas.AppRef, jobs []string) (err error) {
	a.around("vault.Grant", func() { err = a.Access.Grant(ctx, ref, jobs) })
	return err
}

func (a edgedAccess) Revoke(ctx context.Context, ref paas.AppRef) (err error) {
	a.around("vault.Revoke", func() { err = a.Access.Revoke(ctx, ref) })
	return err
}

type edgedVariables struct {
	Variables // Variable changes nothing
	around    around
}

func (v edgedVariables) PutVariable(ctx context.Context, team, path string, items map[string]string, index uint64) (err error) {
	v.around("nomad.PutVariable", func() { err = v.Variables.PutVariable(ctx, team, path, items, index) })
	return err
}

func (v edgedVariables) DeleteVariable(ctx context.Context, team, path string, index uint64) (err error) {
	v.around("nomad.DeleteVariable", func() { err = v.Variables.DeleteVariable(ctx, team, path, index) })
	return err
}
