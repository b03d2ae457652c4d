package deploy

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What a walk may wait for, each a part of Next.

// withoutRoom answers that Nomad has found no room for new instances, as the policy says. Where old
// instances are on their way out there may be room in a moment.
func (f facts) withoutRoom(reason string, now time.Time) Verdict {
	elapsed := now.Sub(f.d.StepAt)
	switch {
	case f.policy.Room == paas.RoomAsk && f.yields():
		return Verdict{Reason: reason, Paused: true, Waits: paas.WaitRoom}
	case f.policy.Room == paas.RoomStopFirst && f.yields() && (f.roomLimit() == RoomLimit || elapsed > f.roomLimit()):
		return Verdict{Move: Yield, Reason: reason}
	case elapsed > f.roomLimit():
		return Verdict{Move: Abort, Reason: reason}
	}
	return Verdict{Reason: reason, Paused: true}
}

// withoutVault holds a walk that needs new instances while Vault is away: they would not start, for no
// fault of the release. Those that run have what they need.
func (f facts) withoutVault() (Verdict, bool) {
	at := f.d.Current()
	more := f.missing(at) != "" || f.d.Step < len(f.d.Steps)-1 && grows(paas.Slotted{Counts: at.New}, f.d.Steps[f.d.Step+1].New)
	if f.snap.Vault.Name == "" || f.snap.Vault.OK || !more || !reads(f.snap, f.snap.Releases[f.d.Release]) {
		return Verdict{}, false
	}
	return Verdict{Reason: sentence(f.snap.Vault.Reason, "Vault does not answer"), Paused: true, Waits: paas.WaitVault}, true
}

// yields says that there are old instances that could make room.
func (f facts) yields() bool {
	return !f.d.StopFirst && !f.d.InPlace() && !f.d.Abort && total(f.d.Current().Old) > 0
}

// unseen holds a walk while some router has not read the rule of its step: what it leads to is not
// known. It is not turned back for that, as routers would not follow the way back either. The dark
// slot's first instance is held in converge.
func (f facts) unseen(now time.Time) (Verdict, bool) {
	empty := f.snap.Slots[f.d.Slot].First == 0 && len(f.fresh) == 0 // both: a crash may have left the slot unrecorded
	if f.d.Current().Share == nil || empty || fenced(World(f.snap), f.snap.Router) {
		return Verdict{}, false
	}
	return Verdict{Reason: noFence(f.snap.Router), Paused: now.Sub(f.d.StepAt) > Glance}, true
}

const unanswered = "Nomad has not answered the last change yet"

// stale says that the facts may be of before our last write to one of the slots: an instance that they
// show as healthy may be one that was just told to stop. For a while only: the answer may be lost.
func (f facts) stale(now time.Time) bool {
	for _, slot := range []paas.Slot{f.d.Slot, f.d.From, paas.Data} {
		if row := f.snap.Slots[slot]; f.snap.Jobs[slot].Index < row.Index && now.Sub(f.d.StepAt) < StaleLimit {
			return true
		}
	}
	return false
}

// lingering counts the old instances that must have stopped before the next step: those of a process
// that stops first, those that make room, and those taken away in small numbers after a switch.
func (f facts) lingering(p paas.Process, at paas.Step) int {
	if f.d.InPlace() {
		return 0
	}
	before := stopsFirst(f.spec, p) && at.Old[p.Name] == 0
	aside := f.d.StopFirst || at.Switched()
	if f.d.Step == len(f.d.Steps)-1 || (!before && !aside) {
		return 0
	}
	return max(0, alive(f.old, p.Name)-at.Old[p.Name])
}

// held says whether a step that is reached is still held on purpose. One that may answer worse than the
// release before is held up to twice as long as it says, for more requests to tell.
func (f facts) held(at paas.Step, doubtful bool, now time.Time) (Verdict, bool) {
	if at.Hold == 0 && !at.Manual {
		return Verdict{}, false
	}
	v := Verdict{Reason: heldText(f.d, at), Paused: at.Manual, Waits: paas.WaitHold}
	if f.d.HeldAt == nil || f.d.Waits != paas.WaitHold || at.Manual {
		return v, true
	}
	switch since := now.Sub(*f.d.HeldAt); {
	case since < at.Hold:
		return v, true
	case doubtful && since < 2*at.Hold:
		v.Note = fmt.Sprintf("release %d seems to answer 5xx more often than release %d, by too few requests to be sure: the step is held longer", f.d.Release, f.d.Previous)
		return v, true
	}
	return Verdict{}, false
}

func heldText(d paas.Deployment, at paas.Step) string {
	switch {
	case at.Switched():
		return fmt.Sprintf("release %d takes all requests; release %d stays warm for %s, and `crumpet abort %s` goes back to it at once", d.Release, d.Previous, at.Hold, d.App)
	case at.Manual:
		return fmt.Sprintf("release %d takes %s until somebody decides: `crumpet promote %s` goes on, `crumpet abort %s` turns back", d.Release, shareText(at), d.App, d.App)
	default:
		return fmt.Sprintf("release %d takes %s for %s", d.Release, shareText(at), at.Hold)
	}
}

func shareText(at paas.Step) string {
	switch {
	case at.Share == nil:
		return "its part"
	case *at.Share == 0:
		return "no requests"
	case *at.Share == 100:
		return "all requests"
	default:
		return fmt.Sprintf("%d %% of requests", *at.Share)
	}
}

// late gives the sentence for a walk that is past its deadline. What it waited for on purpose does not
// count.
func (f facts) late(now time.Time) string {
	limit := f.policy.Deadline
	if limit <= 0 || f.d.StartedAt == nil || f.d.Waits != "" {
		return ""
	}
	if now.Sub(*f.d.StartedAt)-f.d.HeldFor > limit {
		return fmt.Sprintf("release %d was not there within its deadline of %s", f.d.Release, limit)
	}
	return ""
}

// nextBack walks home: the old slot is filled again before the new one is emptied, and a rule that
// turns the traffic is read by every router before anything goes. It never gives up, as there is
// nowhere else to go; a step that takes too long is passed, since the new instances serve no better.
func nextBack(d paas.Deployment, snap paas.Snapshot, now time.Time) Verdict {
	if d.Step >= len(d.Steps)-1 {
		if _, spared := spare(World(snap), snap, now); spared != "" {
			return Verdict{Reason: spared}
		}
		return Verdict{Move: Done}
	}
	f := factsOf(d, snap)
	if v, unseen := f.unseen(now); unseen {
		return Verdict{Reason: v.Reason}
	}
	if f.stale(now) {
		return Verdict{Reason: unanswered}
	}
	if waiting := f.homeless(); waiting != "" && now.Sub(d.StepAt) < f.startup()+StepLimit {
		return Verdict{Reason: waiting}
	}
	return Verdict{Move: Advance}
}

// homeless gives what a walk back waits for at its step: old instances that are healthy and, where a
// rule is to give them the requests, in every router's table; and new ones that must stop first.
func (f facts) homeless() string {
	at := f.d.Current()
	if short := f.short(f.slotOf, at.Old); short != "" {
		return short
	}
	for _, p := range f.snap.Releases[f.d.Previous].Spec.Processes {
		if at.Share != nil && !f.led(p, f.healthy(f.old, p.Name)) {
			return fmt.Sprintf("%s has healthy instances that no route leads to yet", p.Name)
		}
		fresh := alive(f.fresh, p.Name)
		if stopsFirst(f.spec, p) && at.New[p.Name] == 0 && fresh > 0 {
			return fmt.Sprintf("%s waits for %d instances to stop", p.Name, fresh)
		}
	}
	return ""
}
