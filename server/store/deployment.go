package store

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

type deploymentRow struct {
	bun.BaseModel `bun:"table:deployments,alias:deployments"`

	Team         string                   `bun:"team,pk"`
	App          string                   `bun:"app,pk"`
	ID           string                   `bun:"id,pk"`
	Release      int                      `bun:"release"`
	Previous     int                      `bun:"previous"`
	Slot         string                   `bun:"slot"`
	From         string                   `bun:"from_slot"`
	Cause        string                   `bun:"cause"`
	Why          string                   `bun:"why"`
	State        string                   `bun:"status"`
	Reason       string                   `bun:"reason"`
	Trouble      string                   `bun:"trouble"`
	Walk         bool                     `bun:"walk"`
	Wanted       document[map[string]int] `bun:"wanted"`
	Steps        document[[]paas.Step]    `bun:"steps"`
	Step         int                      `bun:"step"`
	Abort        bool                     `bun:"abort"`
	Cancel       bool                     `bun:"cancel"`
	Waits        string                   `bun:"waits"`
	StopFirst    bool                     `bun:"stop_first"`
	HeldFor      time.Duration            `bun:"held_for"`
	CreatedAt    time.Time                `bun:"created_at"`
	StartedAt    *time.Time               `bun:"started_at"`
	HeldAt       *time.Time               `bun:"held_at"`
	SwitchedAt   *time.Time               `bun:"switched_at"`
	StepAt       time.Time                `bun:"step_at"`
	PlannedAt    *time.Time               `bun:"planned_at"`
	RegisteredAt *time.Time               `bun:"registered_at"`
	HealthyAt    *time.Time               `bun:"healthy_at"`
	RoutedAt     *time.Time               `bun:"routed_at"`
	EndedAt      *time.Time               `bun:"ended_at"`
}

func toDeploymentRow(d paas.Deployment) deploymentRow {
	return deploymentRow{
		Team: d.Team, App: d.App, ID: d.ID, Release: d.Release, Previous: d.Previous, Slot: string(d.Slot), From: string(d.From),
		Cause: d.Cause, Why: d.Why, State: string(d.State), Reason: d.Reason, Trouble: string(d.Trouble),
		Walk: d.Walk, Wanted: document[map[string]int]{d.Wanted}, Steps: document[[]paas.Step]{d.Steps}, Step: d.Step, Abort: d.Abort, Cancel: d.Cancel,
		Waits: string(d.Waits), StopFirst: d.StopFirst, HeldFor: d.HeldFor,
		StartedAt: stampPtr(d.StartedAt), HeldAt: stampPtr(d.HeldAt), SwitchedAt: stampPtr(d.SwitchedAt),
		CreatedAt: stamp(d.CreatedAt), StepAt: stamp(d.StepAt), PlannedAt: stampPtr(d.PlannedAt), RegisteredAt: stampPtr(d.RegisteredAt),
		HealthyAt: stampPtr(d.HealthyAt), RoutedAt: stampPtr(d.RoutedAt), EndedAt: stampPtr(d.EndedAt),
	}
}

func (r deploymentRow) deployment() paas.Deployment {
	return paas.Deployment{
		Team: r.Team, App: r.App, ID: r.ID, Release: r.Release, Previous: r.Previous, Slot: paas.Slot(r.Slot), From: paas.Slot(r.From),
		Cause: r.Cause, Why: r.Why, State: paas.DeploymentState(r.State), Reason: r.Reason, Trouble: paas.Cause(r.Trouble),
		Walk: r.Walk, Wanted: r.Wanted.V, Steps: r.Steps.V, Step: r.Step, Abort: r.Abort, Cancel: r.Cancel,
		Waits: paas.Wait(r.Waits), StopFirst: r.StopFirst, HeldFor: r.HeldFor,
		StartedAt: stampPtr(r.StartedAt), HeldAt: stampPtr(r.HeldAt), SwitchedAt: stampPtr(r.SwitchedAt),
		CreatedAt: stamp(r.CreatedAt), StepAt: stamp(r.StepAt), PlannedAt: stampPtr(r.PlannedAt), RegisteredAt: stampPtr(r.RegisteredAt),
		HealthyAt: stampPtr(r.HealthyAt), RoutedAt: stampPtr(r.RoutedAt), EndedAt: stampPtr(r.EndedAt),
	}
}

// Deployment gives one deployment.
func (s *Store) Deployment(ctx context.Context, ref paas.AppRef, id string) (paas.Deployment, error) {
	var row deploymentRow
	err := s.read.NewSelect().Model(&row).
		Where("team = ? AND app = ? AND id = ?", ref.Team, ref.App, id).Scan(ctx)
	if err = missing(err, "App %q has no deployment %q.", ref.App, id); err != nil {
		return paas.Deployment{}, failed("read deployment", err)
	}
	return row.deployment(), nil
}

// Deployments lists an app's deployments, newest first.
func (s *Store) Deployments(ctx context.Context, ref paas.AppRef, n int) ([]paas.Deployment, error) {
	var rows []deploymentRow
	err := s.read.NewSelect().Model(&rows).Where("team = ? AND app = ?", ref.Team, ref.App).
		Order("created_at DESC", "id DESC").Limit(limit(n)).Scan(ctx)
	if err != nil {
		return nil, failed("list deployments", err)
	}
	return convert(rows, deploymentRow.deployment), nil
}

// openStates are those of deployments that have not ended.
var openStates = []paas.DeploymentState{paas.DeploymentPending, paas.DeploymentRunning, paas.DeploymentPaused}
