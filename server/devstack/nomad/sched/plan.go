package sched

import (
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// Descriptions that Nomad gives an allocation it stops.
const (
	descNotNeeded   = "alloc not needed due to job update"
	descMigrating   = "alloc is being migrated"
	descUpdating    = "alloc is being updated due to job update"
	descLost        = "alloc is lost since its node is down"
	descRescheduled = "alloc was rescheduled because it failed"
)

// rescheduleWindow is how much too early a reschedule may happen: an evaluation
// that comes this close takes the instance along.
const rescheduleWindow = time.Second

// Input is all that a decision depends on.
type Input struct {
	EvalID   string
	Job      *nomadapi.Job  // nil when purged
	Allocs   []*state.Alloc // all of the job
	Others   []*state.Alloc // all of other jobs
	Nodes    []*nomadapi.Node
	Volumes  []*nomadapi.HostVolume
	Now      time.Time
	NewID    func() string
	PortFree func(port int) bool // whether the port can be bound on the machine
}

// Plan is what to do. Its allocations are copies, ready to be put, but for
// their indexes and times.
type Plan struct {
	Desired map[string]*nomadapi.DesiredUpdates
	Stop    []*state.Alloc
	Place   []*state.Alloc
	InPlace []*state.Alloc
	// Later are failed instances whose reschedule is not due yet, and when it is.
	Later  []Later
	Failed map[string]*nomadapi.AllocationMetric
	Queued map[string]int
}

// Later asks for an evaluation at a time.
type Later struct {
	At    time.Time
	Alloc *state.Alloc
}

// NoOp tells that the plan changes no allocation.
func (p *Plan) NoOp() bool {
	return len(p.Stop)+len(p.Place)+len(p.InPlace)+len(p.Later) == 0
}
