package paas

import "time"

// Outcome is what became of a release, in one word.
type Outcome string

// The outcomes. A release that is live may have been healthy before and be serving again.
const (
	OutcomeLive      Outcome = "live"      // it serves
	OutcomeDeploying Outcome = "deploying" // on its way
	OutcomeHealthy   Outcome = "healthy"   // it served once, another serves now
	OutcomeReverted  Outcome = "reverted"  // walked back: it never served
	OutcomeFailed    Outcome = "failed"    // given up, and there was none before it
	OutcomeCanceled  Outcome = "canceled"  // stopped by a person before it served
)

// Ending is when a deployment of a release was last seen in a state.
type Ending struct {
	Release int
	State   DeploymentState
	At      time.Time // when the newest deployment of the release in that state was made
}

// OutcomeOf says what became of a release of an app in which the release live serves. "" is for a
// release that no deployment in the list is of.
func OutcomeOf(number, live int, list []Ending) Outcome {
	if number == live && live > 0 {
		return OutcomeLive
	}
	var last Ending
	healthy := false
	for _, e := range list {
		switch {
		case e.Release != number:
		case !e.State.Ended():
			return OutcomeDeploying
		case e.State == DeploymentHealthy:
			healthy = true
		case last.State == "" || e.At.After(last.At):
			last = e
		}
	}
	if healthy {
		return OutcomeHealthy
	}
	return Outcome(last.State)
}

// Served says that a release with the outcome has served, so that it may be trusted to serve again.
func (o Outcome) Served() bool { return o == OutcomeLive || o == OutcomeHealthy }
