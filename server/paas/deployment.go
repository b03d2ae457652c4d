package paas

import (
	"slices"
	"time"
)

// DeploymentState is where a deployment stands.
//
//	pending --> running <--> paused
//	   |           |            |
//	   |           +--> healthy |       every new instance healthy, every route answering
//	   |           +--> reverted+       walked back; the release before serves
//	   |           +--> failed <+       gave up; there was no release before
//	   +--> canceled <----------+       stopped by a person before it ended
//
// A deployment whose task of the phase before fails goes from pending to reverted or failed.
type DeploymentState string

// The seven states.
const (
	DeploymentPending  DeploymentState = "pending"
	DeploymentRunning  DeploymentState = "running"
	DeploymentPaused   DeploymentState = "paused"
	DeploymentHealthy  DeploymentState = "healthy"
	DeploymentFailed   DeploymentState = "failed"
	DeploymentReverted DeploymentState = "reverted"
	DeploymentCanceled DeploymentState = "canceled"
)

var transitions = map[DeploymentState][]DeploymentState{
	DeploymentPending:  {DeploymentRunning, DeploymentFailed, DeploymentReverted, DeploymentCanceled},
	DeploymentRunning:  {DeploymentPaused, DeploymentHealthy, DeploymentFailed, DeploymentReverted, DeploymentCanceled},
	DeploymentPaused:   {DeploymentRunning, DeploymentFailed, DeploymentReverted, DeploymentCanceled},
	DeploymentHealthy:  {},
	DeploymentFailed:   {},
	DeploymentReverted: {},
	DeploymentCanceled: {},
}

// Can says whether a deployment may go from s to next.
func (s DeploymentState) Can(next DeploymentState) bool { return slices.Contains(transitions[s], next) }

// Ended says that a deployment in state s will never change again.
func (s DeploymentState) Ended() bool { return len(transitions[s]) == 0 }

// Step is what the two slots should hold at one moment of a walk. A walk is a list of steps from
// the first to the last; the next is taken when all instances of New are healthy and routed.
type Step struct {
	New map[string]int `json:"new"` // wanted by process in the slot walked to
	Old map[string]int `json:"old"` // wanted by process in the slot walked from
}

// Deployment is one walk: the wish to go from the release in one slot to a release in the other,
// and how far it has come. A deployment whose To and From slots are equal changes counts and tags in
// place.
type Deployment struct {
	ID       string          `json:"id"`
	Team     string          `json:"team"`
	App      string          `json:"app"`
	Release  int             `json:"release"`       // walked to
	Previous int             `json:"previous"`      // walked from; 0 for the first
	Slot     Slot            `json:"slot"`          // walked to
	From     Slot            `json:"from"`          // walked from; "" for the first
	Cause    string          `json:"cause"`         // push, restart, scale: what the user asked for
	Why      string          `json:"why,omitempty"` // the key that forces a walk, such as process.web.env
	State    DeploymentState `json:"status"`
	Reason   string          `json:"reason,omitempty"` // one sentence: why paused, failed or reverted
	Walk     bool            `json:"walk"`             // must walk, even if the live slot could be changed in place
	Wanted   map[string]int  `json:"wanted"`           // instances by process at the end of the walk
	Steps    []Step          `json:"steps"`
	Step     int             `json:"step"`   // index into Steps
	Abort    bool            `json:"abort"`  // walking back
	Cancel   bool            `json:"cancel"` // ends as canceled, not as reverted or failed

	CreatedAt    time.Time  `json:"created_at"`
	StepAt       time.Time  `json:"step_at"` // when the current step began
	PlannedAt    *time.Time `json:"planned_at,omitempty"`
	RegisteredAt *time.Time `json:"registered_at,omitempty"`
	HealthyAt    *time.Time `json:"healthy_at,omitempty"`
	RoutedAt     *time.Time `json:"routed_at,omitempty"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
}

// Ref names the deployment's app.
func (d Deployment) Ref() AppRef { return AppRef{Team: d.Team, App: d.App} }

// Current is the step the deployment stands at.
func (d Deployment) Current() Step {
	if d.Step < 0 || d.Step >= len(d.Steps) {
		return Step{}
	}
	return d.Steps[d.Step]
}

// InPlace says that the deployment changes the live slot's counts and tags only.
func (d Deployment) InPlace() bool { return d.Slot == d.From }
