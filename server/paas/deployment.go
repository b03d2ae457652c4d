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
// the first to the last; the next is taken when all instances of New are healthy and routed, every
// router has read the rule of Share, and the step was held as long as it says.
type Step struct {
	New map[string]int `json:"new"` // wanted by process in the slot walked to
	Old map[string]int `json:"old"` // wanted by process in the slot walked from
	// Share is the percentage of requests that the router's rule gives to the slot walked to: 0 keeps
	// it dark, with 100 the other is what routers fall back to. nil: there is no rule, and requests
	// follow the instances.
	Share  *int          `json:"share,omitempty"`
	Hold   time.Duration `json:"hold,omitempty"`   // how long the step is held once it is reached
	Manual bool          `json:"manual,omitempty"` // held until promoted
	// Data says that the processes with a volume are the new release's from this step on: until then Old
	// says how many there are of each, and then New. Each stops before its successor starts.
	Data bool `json:"data,omitempty"`
}

// Wait is what a deployment stands still for on purpose. Promoting it ends each; resuming ends a pause.
type Wait string

// What it can wait for; "" when it goes on by itself.
const (
	WaitHold    Wait = "hold"    // a step that is held; promoted, the next one is taken
	WaitRoom    Wait = "room"    // room for new instances; promoted, old ones go first
	WaitFailure Wait = "failure" // somebody to look at what failed; promoted, it is tried again
	WaitVault   Wait = "vault"   // Vault, without which no new instance starts; it goes on by itself
	WaitPause   Wait = "pause"   // a person paused it; promoted, it goes on and skips the hold of its step
)

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
	Reason   string          `json:"reason,omitempty"`  // one sentence: why paused, failed or reverted
	Trouble  Cause           `json:"trouble,omitempty"` // what Reason says, as a row of the table of causes
	Walk     bool            `json:"walk"`              // must walk, even if the live slot could be changed in place
	Wanted   map[string]int  `json:"wanted"`            // instances by process at the end of the walk
	Steps    []Step          `json:"steps"`
	Step     int             `json:"step"`   // index into Steps
	Abort    bool            `json:"abort"`  // walking back
	Cancel   bool            `json:"cancel"` // ends as canceled, not as reverted or failed

	Waits     Wait          `json:"waits,omitempty"`
	StopFirst bool          `json:"stop_first,omitempty"` // for want of room: old instances go before new ones come
	HeldFor   time.Duration `json:"held_for,omitempty"`   // how long it has waited so far: not a part of its deadline

	CreatedAt    time.Time  `json:"created_at"`
	StartedAt    *time.Time `json:"started_at,omitempty"`  // when it left pending, or was last tried again
	StepAt       time.Time  `json:"step_at"`               // when the current step began
	HeldAt       *time.Time `json:"held_at,omitempty"`     // since when it waits
	SwitchedAt   *time.Time `json:"switched_at,omitempty"` // when the release took all traffic
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

// AwaitsSomebody says that it goes on only when somebody says so. A step that is held for a while is no such case, also
// while the deployment is paused for another reason meanwhile, such as a router that does not show the rule.
func (d Deployment) AwaitsSomebody() bool {
	if d.State != DeploymentPaused {
		return false
	}
	return d.Waits == WaitPause || d.Waits == WaitFailure || d.Waits == WaitHold && d.Current().Manual
}

// Dark says that no request is to reach the slot walked to.
func (s Step) Dark() bool { return s.Share != nil && *s.Share == 0 }

// Switched says that the rule gives every request to the slot walked to.
func (s Step) Switched() bool { return s.Share != nil && *s.Share == 100 }

// InPlace says that the deployment changes the live slot's counts and tags only.
func (d Deployment) InPlace() bool { return d.Slot == d.From }
