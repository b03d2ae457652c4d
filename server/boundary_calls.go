package server

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// What writes to the store beside package deploy, each write between its boundaries. A method that one of
// these interfaces gets, and that has none, fails TestEveryCallOfADeployHasItsBoundaries.

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

func (b *boundaries) deploy(c deploy.Config) deploy.Config {
	if b == nil {
		return c
	}
	return c.Around(b.around)
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
