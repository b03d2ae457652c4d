package paas

import (
	"strings"
	"time"
)

// Event is one thing that happened, in the words a user reads. Its id grows strictly within the
// store, so a reader resumes after the last one it has seen, on any server.
type Event struct {
	ID         int64     `json:"id"`
	Time       time.Time `json:"time"`
	Team       string    `json:"team"`
	App        string    `json:"app"`
	Kind       EventKind `json:"kind"`
	Release    int       `json:"release,omitempty"`
	Deployment string    `json:"deployment,omitempty"`
	Build      string    `json:"build,omitempty"`
	Instance   string    `json:"instance,omitempty"`
	Process    string    `json:"process,omitempty"`
	By         string    `json:"by,omitempty"`    // name of the token that asked for it
	Share      *int      `json:"share,omitempty"` // percentage of requests that a step of a deployment gives to the new release, where a rule says so
	Message    string    `json:"message"`
}

// HealthyWords end the message of an event that says that an instance came to be healthy.
const HealthyWords = " is healthy"

// SaysHealthy says that the event tells of an instance that came to be healthy.
func (e Event) SaysHealthy() bool {
	return e.Kind == EventInstanceHealth && strings.HasSuffix(e.Message, HealthyWords)
}

// EventKind names what happened, noun.verb.
type EventKind string

// The kinds of event.
const (
	EventBuildLog           EventKind = "build.log" // one line of a builder's output
	EventBuildStarted       EventKind = "build.started"
	EventBuildEnded         EventKind = "build.ended"
	EventReleaseCreated     EventKind = "release.created"
	EventDeploymentStarted  EventKind = "deployment.started"
	EventDeploymentStep     EventKind = "deployment.step"
	EventDeploymentHeld     EventKind = "deployment.held"
	EventDeploymentAborting EventKind = "deployment.aborting"
	EventDeploymentEnded    EventKind = "deployment.ended"
	EventInstanceState      EventKind = "instance.state"
	EventInstanceHealth     EventKind = "instance.health"
	EventInstanceCrash      EventKind = "instance.crash" // it ends again and again
	EventNodeState          EventKind = "node.state"     // a node that instances of the app are on was lost, drained, or is back
	EventBackendState       EventKind = "backend.state"  // of no app: Nomad, Consul, Vault or Fabio is in trouble, or well again
	EventRouteState         EventKind = "route.state"
	EventRunState           EventKind = "run.state"        // of a task or cron
	EventExec               EventKind = "exec"             // somebody runs a command beside an instance's program
	EventAppChanged         EventKind = "app.changed"      // scaled, stopped, started, destroyed
	EventDrift              EventKind = "app.drift"        // somebody else changed what is ours
	EventRouteRefused       EventKind = "route.refused"    // a push led to no release, as another app holds a route of it
	EventRuleQuarantined    EventKind = "rule.quarantined" // a key that routers can't read was put aside
	EventConfigChanged      EventKind = "config.changed"   // a version of an app's configuration was made; names only
	EventConfigRevealed     EventKind = "config.revealed"  // somebody was shown values; names only
	EventServiceChanged     EventKind = "service.changed"  // an instance of a service, or a provider of them
	EventBindingChanged     EventKind = "binding.changed"  // made, ready, rotated, ended; never with a credential
	EventVolumeChanged      EventKind = "volume.changed"   // made, deleted
	EventTeamChanged        EventKind = "team.changed"     // of no app: the team, its quota, who is in it, its bots and hosts
	EventUserChanged        EventKind = "user.changed"     // of no team: made, disabled, enabled, an admin, no admin, unlocked, removed
)

// EventKinds are all kinds, in the order above.
func EventKinds() []EventKind {
	return []EventKind{
		EventBuildLog, EventBuildStarted, EventBuildEnded, EventReleaseCreated, EventDeploymentStarted, EventDeploymentStep,
		EventDeploymentHeld, EventDeploymentAborting, EventDeploymentEnded, EventInstanceState, EventInstanceHealth,
		EventInstanceCrash, EventNodeState, EventBackendState, EventRouteState, EventRunState, EventExec, EventAppChanged, EventDrift,
		EventRouteRefused, EventRuleQuarantined, EventConfigChanged, EventConfigRevealed, EventServiceChanged, EventBindingChanged, EventVolumeChanged,
		EventTeamChanged, EventUserChanged,
	}
}

// EventFilter narrows a list of events, which is ordered by id.
type EventFilter struct {
	After    int64 // ids above this one
	UpTo     int64 // and not above this one; 0 for all there are
	Since    time.Time
	Team     string
	App      string
	Teams    []string    // any of these, nil for all
	Apps     []AppRef    // any of these, nil for all
	Platform bool        // also those of no app, such as trouble with a backend
	Kinds    []EventKind // all when empty
	Limit    int         // 0 for the default of 100
	Last     bool        // the last ones of all that fit, instead of the first
}
