package paas

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// InstanceState is how far along its life an instance was seen.
type InstanceState string

// The states, after Nomad's client statuses; stopping is ours: still running, but no longer wanted.
const (
	InstancePending  InstanceState = "pending"
	InstanceRunning  InstanceState = "running"
	InstanceStopping InstanceState = "stopping"
	InstanceComplete InstanceState = "complete"
	InstanceFailed   InstanceState = "failed"
	InstanceLost     InstanceState = "lost"
)

// Ended says that nothing of the instance runs any more.
func (s InstanceState) Ended() bool {
	return s == InstanceComplete || s == InstanceFailed || s == InstanceLost
}

// Health is what the checks of an instance said.
type Health string

// Healthy is our own fact, timed per allocation: running, and all checks passing in Consul for
// min_healthy; without a check, running without a restart for 5 s. Passing is the time until then.
const (
	HealthUnknown  Health = "unknown"  // no check has been seen yet
	HealthPassing  Health = "passing"  // every check passes, not yet for long enough
	HealthHealthy  Health = "healthy"  // counts as serving
	HealthCritical Health = "critical" // some check does not pass
)

// Instance is our view of one Nomad allocation: facts only.
type Instance struct {
	ID        string              `json:"id"` // of the allocation
	Team      string              `json:"team"`
	App       string              `json:"app"`
	Process   string              `json:"process"`
	Slot      Slot                `json:"slot"`
	Index     int                 `json:"index"` // within its slot
	Release   int                 `json:"release"`
	State     InstanceState       `json:"state"`
	Health    Health              `json:"health"`
	Node      string              `json:"node"`
	Ports     map[string]Endpoint `json:"ports,omitempty"`
	Restarts  int                 `json:"restarts"`
	Exits     int                 `json:"exits"`                // how often its task has ended by itself
	Reason    string              `json:"reason,omitempty"`     // why it failed or is not healthy, a sentence without the full stop
	CreatedAt time.Time           `json:"created_at"`           // when Nomad placed it
	Placed    uint64              `json:"placed_index"`         // Nomad's index of that moment, to hold against a job's
	StartedAt *time.Time          `json:"started_at,omitempty"` // when its task last started
	PassingAt *time.Time          `json:"passing_at,omitempty"` // since when every check passes
	Since     time.Time           `json:"since"`                // when State or Health last changed
	NodeID    string              `json:"node_id,omitempty"`
	ExitCode  int                 `json:"exit_code,omitempty"` // of the last end of its task by itself
	OOM       bool                `json:"oom,omitempty"`       // that end was for want of memory
	NextTry   *time.Time          `json:"next_try,omitempty"`  // when Nomad starts it again, or places it anew
	Crashes   int                 `json:"crashes,omitempty"`   // how often its task ended by itself within the last ten minutes, here and where it was placed before
	Previous  string              `json:"previous,omitempty"`  // id of the instance it was placed instead of
	Cause     Cause               `json:"cause,omitempty"`     // what Reason says, as a row of the table of causes
	Overdue   bool                `json:"overdue,omitempty"`   // it is not healthy though its startup time is over
	Checks    []CheckFact         `json:"checks,omitempty"`    // by name
}

// CheckFact is what one health check of an instance says.
type CheckFact struct {
	Name   string      `json:"name"` // startup, readiness or liveness, with its port where there are several
	Status CheckStatus `json:"status"`
	Output string      `json:"output,omitempty"` // of its last run
	Since  time.Time   `json:"since"`            // when Status last changed
}

// Endpoint is where a port of an instance can be reached.
type Endpoint struct {
	Host string `json:"host"`
	Port int    `json:"port"`
}

// Ref names the instance's app.
func (i Instance) Ref() AppRef { return AppRef{Team: i.Team, App: i.App} }

// Serving says that the instance counts towards the wanted number.
func (i Instance) Serving() bool { return i.State == InstanceRunning && i.Health == HealthHealthy }

// Named says whether a text names the instance: by its number, with its process as tables and logs show it
// (web.2, web[2]), or by the beginning of its id. "" names every one.
func (i Instance) Named(text string) bool {
	if n, ok := InstanceNumber(text); ok {
		return i.Index == n
	}
	return strings.HasPrefix(i.ID, text) || text == fmt.Sprintf("%s.%d", i.Process, i.Index) || text == fmt.Sprintf("%s[%d]", i.Process, i.Index)
}

// InstanceNumber reads the bare number of an instance, which every process may have one of. Four digits at
// most: eight are the beginning of an id.
func InstanceNumber(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && len(text) <= 4
}

// JobFact is what Nomad said of the placement of one job: what of it could not be placed.
type JobFact struct {
	Team    string `json:"team"`
	App     string `json:"app"`
	Slot    Slot   `json:"slot"`
	Index   uint64 `json:"job_modify_index"`  // of the job the evaluation was for
	Blocked string `json:"blocked,omitempty"` // why instances could not be placed, a sentence; "" if all were
	Cause   Cause  `json:"cause,omitempty"`   // what Blocked says, as a row of the table of causes
	Eval    string `json:"eval,omitempty"`    // the evaluation that placed too few
}

// RouteState is how far a route is from the client to an instance.
type RouteState string

// The states of a route.
const (
	RoutePending   RouteState = "pending"   // not in every router's table
	RouteRouted    RouteState = "routed"    // in every router's table, not yet answering
	RouteAnswering RouteState = "answering" // a request through the router was answered by the app
)

// RouteFact is what was seen of one route in every router.
type RouteFact struct {
	Team  string     `json:"team"`
	App   string     `json:"app"`
	Host  string     `json:"host"`
	Path  string     `json:"path"`
	State RouteState `json:"state"`
	// Targets are the addresses HOST:PORT that stand for the route in every router.
	Targets []string `json:"targets"`
	// Any are the addresses that stand for it in at least one router: a stopped instance must leave
	// all of them before it is gone for clients.
	Any   []string  `json:"any"`
	Since time.Time `json:"since"`
}

// RouterFact is what the routers said of an app's fence: the lowest version seen in all of them.
type RouterFact struct {
	Team    string `json:"team"`
	App     string `json:"app"`
	Routers int    `json:"routers"` // how many there are
	Seen    string `json:"seen"`    // the fence version that stands in every one; "" if they differ or have none
	Reason  string `json:"reason,omitempty"`
}
