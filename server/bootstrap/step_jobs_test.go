package bootstrap_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
)

// fakePlatform notes that it was asked.
type fakePlatform struct{ asked bool }

func (p *fakePlatform) Plan(context.Context, bootstrap.PlatformReach) ([]bootstrap.Change, error) {
	p.asked = true
	return nil, nil
}

func (p *fakePlatform) Put(context.Context, bootstrap.PlatformReach) error {
	p.asked = true
	return nil
}

func jobsStep(t *testing.T) bootstrap.Step {
	t.Helper()
	steps := bootstrap.Steps()
	i := slices.IndexFunc(steps, func(s bootstrap.Step) bool { return s.Name() == "jobs" })
	revoked := slices.IndexFunc(steps, func(s bootstrap.Step) bool { return s.Name() == "revoke" })
	if i < 0 || revoked < i {
		t.Fatalf("step jobs is %d and revoke %d: its secrets are written with the root token", i, revoked)
	}
	return steps[i]
}

func TestJobsOfEmptyMachinesArePlannedWithoutAskingAnybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t).run()
	platform := &fakePlatform{}
	w.Platform = platform
	changes, err := jobsStep(t).Plan(t.Context(), w)
	if err != nil || platform.asked || len(changes) != 2 || !strings.Contains(changes[0].Text, "Fabio") || !strings.Contains(changes[1].Text, "Crumpet") {
		t.Errorf("planned %+v, asked %t, %v", changes, platform.asked, err)
	}
	if err := jobsStep(t).Do(t.Context(), w); err == nil || platform.asked {
		t.Errorf("done on machines without an authority: %v, asked %t", err, platform.asked)
	}
}

func TestWithoutAPlatformThereAreNoJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t).run()
	if changes, err := jobsStep(t).Plan(t.Context(), w); err != nil || len(changes) != 0 {
		t.Errorf("planned %+v, %v", changes, err)
	}
	if err := jobsStep(t).Do(t.Context(), w); err != nil {
		t.Error(err)
	}
}
