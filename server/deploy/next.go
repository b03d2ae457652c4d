package deploy

import (
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How long a walk puts up with what may pass by itself.
const (
	RoomLimit   = 5 * time.Second  // no node has room: another walk's old instances may be going
	FreshLimit  = 30 * time.Second // an instance with a volume that was just made: its node tells of it in its own time
	FenceLimit  = 60 * time.Second // a router does not show the rule: it may be restarting, or waits for a server of Consul that is cut off, which Consul finds after 40 s
	StepLimit   = 60 * time.Second // past the startup limit: healthy but not routed, or flapping
	FetchLimit  = 60 * time.Second // past the startup limit, for an instance that has not started at all
	RouterLimit = 10 * time.Second // no router is registered at all
	StaleLimit  = 5 * time.Second  // Nomad has not said what became of a register
)

// Move is what Next says to do with a deployment.
type Move int

// The moves.
const (
	Hold Move = iota // stay at this step
	Advance
	Abort // turn back
	Yield // go on without room for a surge: old instances go first
	Done
)

// Verdict is a move and, for Hold and Abort, one sentence without a full stop that says why. Paused
// marks a hold that somebody should know of.
type Verdict struct {
	Move   Move
	Reason string
	Paused bool
	Waits  paas.Wait // with Hold: what it stands still for on purpose
	Note   string    // with Hold: what a reader should know of it, though all is well
	// AddFirst asks to insert a step that adds new instances and takes none away: taking old ones
	// away now would leave too few healthy ones (slots.md A3).
	AddFirst bool
}

// Next decides, from the facts of one moment, whether a running deployment may leave its current step.
func Next(d paas.Deployment, snap paas.Snapshot, now time.Time) Verdict {
	switch {
	case d.Abort:
		return nextBack(d, snap, now)
	case d.Waits == paas.WaitFailure, d.Waits == paas.WaitPause:
		return Verdict{Reason: d.Reason, Paused: true, Waits: d.Waits}
	}
	f := factsOf(d, snap)
	if v, away := f.withoutVault(); away || d.Waits == paas.WaitVault {
		return v // that it is there again is noted before anything is judged
	}
	worse, doubtful := f.erring()
	for _, reason := range []string{f.broken(now), f.unfetched(now), worse, f.late(now)} {
		if reason != "" {
			return Verdict{Move: Abort, Reason: reason}
		}
	}
	if reason := f.blocked(d.Slot); reason != "" {
		return f.withoutRoom(reason, now)
	}
	if reason := f.blocked(paas.Data); reason != "" && moved(d) {
		return f.withoutRoom(reason, now)
	}
	if v, unseen := f.unseen(now); unseen {
		return v
	}
	at := d.Current()
	if row, has := snap.Slots[paas.Data]; d.InPlace() && snap.Slots[d.Slot].Counts == nil || has && moved(d) && row.Counts == nil { // fewer instances, or tags less, hold before Nomad knows of it
		return f.waiting("the change has not been registered yet", now)
	}
	if missing := f.missing(at); missing != "" {
		return f.waiting(missing, now)
	}
	if f.stale(now) {
		return Verdict{Reason: unanswered}
	}
	if v, held := f.held(at, doubtful, now); held {
		return v
	}
	if node := f.draining(); node != "" && d.Step < len(d.Steps)-1 && shrinks(d.Steps[d.Step+1], at) {
		return Verdict{Reason: fmt.Sprintf("node %s is being drained: no old instance is taken away until the app has left it", node)}
	}
	if d.Step < len(d.Steps)-1 {
		return Verdict{Move: Advance, AddFirst: !f.shrinkSafe(d.Steps[d.Step+1])}
	}
	if unfinished := f.unfinished(); unfinished != "" {
		return f.waiting(unfinished, now)
	}
	if _, spared := spare(World(snap), snap, now); spared != "" {
		return Verdict{Reason: spared}
	}
	return Verdict{Move: Done}
}

// waiting holds for what may take as long as a start and some more; but a step that was reached once
// is not given up for an instance that is placed anew.
func (f facts) waiting(reason string, now time.Time) Verdict {
	if f.d.HeldAt == nil && now.Sub(f.d.StepAt) > f.startup()+f.turns()+StepLimit {
		return Verdict{Move: Abort, Reason: reason}
	}
	return Verdict{Reason: reason}
}

// facts is what Next looks at, sorted once.
type facts struct {
	d      paas.Deployment
	snap   paas.Snapshot
	spec   paas.Spec
	policy paas.Deploy
	fresh  []paas.Instance // of the release walked to
	old    []paas.Instance // of the slot walked from
	wanted map[string]int
}

func factsOf(d paas.Deployment, snap paas.Snapshot) facts {
	f := facts{d: d, snap: snap, spec: snap.Releases[d.Release].Spec, wanted: d.Wanted}
	f.policy = Policy(f.spec)
	for _, i := range snap.Instances {
		switch {
		case i.Slot == paas.Data && f.ofData(i):
			f.fresh = append(f.fresh, i)
		case i.Slot == paas.Data:
			f.old = append(f.old, i)
		case i.Slot == d.Slot && (d.InPlace() || i.Release == d.Release):
			f.fresh = append(f.fresh, i)
		case i.Slot == d.From:
			f.old = append(f.old, i)
		}
	}
	return f
}

// broken gives the sentence for a new instance that will not become healthy: it failed, or it
// passed its startup limit. Instances from before the deployment are not its fault.
func (f facts) broken(now time.Time) string {
	for _, i := range f.fresh {
		p, known := f.spec.Process(i.Process)
		tried := f.tried()
		if !known || withoutArtifact(i) || i.CreatedAt.Before(f.d.CreatedAt) || (i.State == paas.InstanceFailed && i.CreatedAt.Before(tried)) {
			continue
		}
		if reason := looping(i, p); reason != "" && !i.CreatedAt.Before(tried) {
			return reason
		}
		switch i.State {
		case paas.InstanceFailed:
			return orElse(i.Reason, i.Process+" failed")
		case paas.InstancePending:
			if now.Sub(later(later(i.CreatedAt, tried), f.snap.Led)) > p.Startup+FetchLimit {
				return orElse(i.Reason, fmt.Sprintf("%s did not start within %s", i.Process, p.Startup+FetchLimit))
			}
		case paas.InstanceRunning:
			if i.Health != paas.HealthHealthy && i.PassingAt == nil && i.StartedAt != nil && now.Sub(later(later(*i.StartedAt, i.Since), tried)) > p.Startup {
				return tooSlow(i, p)
			}
			if reason := f.relapsed(i, p, now); reason != "" {
				return reason
			}
		case paas.InstanceStopping, paas.InstanceComplete, paas.InstanceLost:
		}
	}
	return ""
}

// tried is when the deployment was last begun or, after a failure, promoted: what failed before is
// forgiven.
func (f facts) tried() time.Time {
	if f.d.StartedAt == nil {
		return f.d.CreatedAt
	}
	return *f.d.StartedAt
}

// later is the moment from which the startup limit counts: an instance that was healthy and is not
// any more gets the whole limit again, so that one slow check does not turn a walk back.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func tooSlow(i paas.Instance, p paas.Process) string {
	if !p.Checked() {
		return fmt.Sprintf("%s kept restarting for %s", i.Process, p.Startup)
	}
	limit := fmt.Sprintf("%s was not healthy within its startup limit of %s", i.Process, p.Startup)
	if i.Reason == "" {
		return limit
	}
	return limit + ": " + i.Reason
}

// blocked gives the sentence for instances that Nomad found no room for.
func (f facts) blocked(slot paas.Slot) string {
	job := f.snap.Jobs[slot]
	if job.Blocked == "" || job.Index < f.snap.Slots[slot].Index {
		return ""
	}
	return job.Blocked
}

// missing gives the sentence for the first process that lacks healthy and routed new instances, or
// whose old ones must be gone first.
func (f facts) missing(at paas.Step) string {
	for _, p := range f.spec.Processes {
		want := at.New[p.Name]
		healthy := f.healthy(f.fresh, p.Name)
		if len(healthy) < want {
			return fmt.Sprintf("%s has %d of %d new instances healthy", p.Name, len(healthy), want)
		}
		if n := f.unrouted(p, healthy); n > 0 && !at.Dark() {
			return fmt.Sprintf("%s has %d healthy instances that no route leads to yet", p.Name, n)
		}
		if at.Dark() && f.lit(p) {
			return fmt.Sprintf("a router leads to new instances of %s, which are to be dark", p.Name)
		}
		if n := f.lingering(p, at); n > 0 {
			return fmt.Sprintf("%s waits for %d old instances to stop", p.Name, n)
		}
	}
	return ""
}

// healthyAll says that every instance the current step wants is healthy, routed or not.
func (f facts) healthyAll() bool {
	for name, want := range f.d.Current().New {
		if len(f.healthy(f.fresh, name)) < want {
			return false
		}
	}
	return true
}

// short gives the sentence for slots that lack healthy instances of the counts.
func (f facts) short(slots func(process string) paas.Slot, counts map[string]int) string {
	for name, want := range counts {
		have := 0
		for _, i := range f.snap.Instances {
			if i.Slot == slots(name) && i.Process == name && i.Serving() {
				have++
			}
		}
		if have < want {
			return fmt.Sprintf("%s has %d of %d instances healthy", name, have, want)
		}
	}
	return ""
}

// stopping says that nothing is wanted, so that no route can answer.
func (f facts) stopping() bool {
	for _, n := range f.wanted {
		if n > 0 {
			return false
		}
	}
	return true
}

// shrinkSafe says whether the next step leaves as many healthy instances as wanted, or at least as
// many as there are now. Nomad stops the highest index whatever its health, so only healthy ones
// below the new count are counted (slots.md A3).
func (f facts) shrinkSafe(next paas.Step) bool {
	if f.d.InPlace() {
		return true
	}
	for _, p := range f.spec.Processes {
		if stopsFirst(f.spec, p) {
			continue
		}
		fresh := len(f.healthy(f.fresh, p.Name))
		old := f.healthy(f.old, p.Name)
		stay := 0
		for _, i := range old {
			if i.Index < next.Old[p.Name] {
				stay++
			}
		}
		if f.parted(p, next) {
			share := *f.d.Current().Share
			if !enough(stay, len(old), f.wanted[p.Name], 100-share) || !enough(fresh, fresh, f.wanted[p.Name], share) {
				return false
			}
			continue
		}
		wanted := f.wanted[p.Name]
		if f.d.StopFirst {
			wanted -= surge(f.policy, wanted)
		}
		if fresh+stay < min(wanted, fresh+len(old)) {
			return false
		}
	}
	return true
}

// draining names a node that Nomad moves instances of the app off. Nomad takes as many away at once as it
// does without a walk, in each slot, so a step that takes more away waits (slots.md A5).
func (f facts) draining() string {
	for _, i := range f.snap.Instances {
		if node := f.snap.Nodes[i.NodeID]; node.Draining && !i.State.Ended() {
			return node.Name
		}
	}
	return ""
}

// shrinks says that a step wants fewer old instances than the one before.
func shrinks(next, at paas.Step) bool {
	for name, n := range at.Old {
		if next.Old[name] < n {
			return true
		}
	}
	return false
}

// parted says that a rule parts the requests of a process, so that new and old instances can't serve
// in each other's place.
func (f facts) parted(p paas.Process, next paas.Step) bool {
	return f.d.Current().Share != nil && next.Share != nil && len(p.Routes) > 0
}

// enough says whether so many instances serve a share of the requests, or as well as those there were.
func enough(stay, were, wanted, share int) bool {
	return stay >= min((wanted*share+99)/100, were)
}

func (f facts) healthy(from []paas.Instance, process string) []paas.Instance {
	var some []paas.Instance
	for _, i := range from {
		if i.Process == process && i.Serving() {
			some = append(some, i)
		}
	}
	return some
}

// roomLimit is how long to wait for room: longer while old instances are on their way out.
func (f facts) roomLimit() time.Duration {
	limit := RoomLimit
	for _, v := range f.snap.Volumes {
		if moved(f.d) && v.CreatedAt.After(f.d.StepAt) {
			limit = FreshLimit
		}
	}
	for _, i := range f.snap.Instances {
		if i.State != paas.InstanceStopping {
			continue
		}
		if p, ok := f.snap.Releases[i.Release].Spec.Process(i.Process); ok {
			limit = max(limit, RoomLimit+p.ShutdownDelay+p.KillTimeout)
		}
	}
	return limit
}

// startup is the longest startup limit of the processes.
func (f facts) startup() time.Duration {
	longest := time.Duration(0)
	for _, p := range f.spec.Processes {
		longest = max(longest, p.Startup)
	}
	return longest
}

func alive(from []paas.Instance, process string) int {
	n := 0
	for _, i := range from {
		if i.Process == process && !i.State.Ended() {
			n++
		}
	}
	return n
}

func address(i paas.Instance, port string) string {
	at, ok := i.Ports[port]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", at.Host, at.Port)
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
