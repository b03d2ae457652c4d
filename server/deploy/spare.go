package deploy

import (
	"fmt"
	"maps"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// spare takes back what World would take away too early. Nomad stops the highest index, whatever its
// health (slots.md A3), and between the decision for a step and its register something may have failed: so
// no slot shrinks while that would leave fewer healthy instances than wanted, or than there are. reason is
// a sentence for what is waited for, "" if nothing is. A slot is not spared for longer than instances may
// take to start: what does not come back by then is no reason to keep what is to go. Pure.
func spare(want Wanted, snap paas.Snapshot, now time.Time) (_ Wanted, reason string) {
	d, walking := Active(snap)
	if !walking {
		return want, ""
	}
	f := factsOf(d, snap)
	if now.Sub(d.StepAt) > f.startup()+StepLimit {
		return want, ""
	}
	release := d.Release
	if d.Abort && d.Previous > 0 {
		release = d.Previous
	}
	for _, p := range snap.Releases[release].Spec.Processes {
		if stopsFirst(f.spec, p) || stopsFirst(snap.Releases[release].Spec, p) {
			continue
		}
		for _, slots := range f.together(p) {
			had, stay, shrinks := 0, 0, []paas.Slot{}
			for _, slot := range slots {
				to := want.Slots[slot][p.Name]
				for _, i := range snap.Instances {
					if i.Slot != slot || i.Process != p.Name || !i.Serving() {
						continue
					}
					if had++; i.Index < to {
						stay++
					}
				}
				if to < f.stands(slot, p) {
					shrinks = append(shrinks, slot)
				}
			}
			if stay >= min(f.needed(p, slots), had) {
				continue
			}
			for _, slot := range shrinks {
				want = want.with(slot, p.Name, f.stands(slot, p))
				reason = fmt.Sprintf("%s keeps its instances in slot %s until others are healthy", p.Name, slot)
			}
		}
	}
	return want, reason
}

// together gives the slots whose instances serve in each other's place: both, or where a rule parts the
// requests each alone, and of a dark one none.
func (f facts) together(p paas.Process) [][]paas.Slot {
	from, to := f.d.From, f.d.Slot
	switch share := f.d.Current().Share; {
	case f.d.InPlace(), from == "":
		return [][]paas.Slot{{to}}
	case share == nil, *share == 100, len(p.Routes) == 0:
		return [][]paas.Slot{{from, to}}
	case *share == 0:
		return [][]paas.Slot{{from}}
	default:
		return [][]paas.Slot{{from}, {to}}
	}
}

// needed is how many healthy instances some slots are to have together.
func (f facts) needed(p paas.Process, slots []paas.Slot) int {
	wanted := f.wanted[p.Name]
	if f.d.Abort {
		wanted = f.snap.App.Wanted(p.Name)
	}
	if f.d.StopFirst {
		wanted = max(0, wanted-surge(f.policy, wanted))
	}
	share := f.d.Current().Share
	if len(slots) > 1 || share == nil || *share == 0 || f.d.InPlace() {
		return wanted
	}
	part := *share
	if slots[0] == f.d.From {
		part = 100 - part
	}
	return (wanted*part + 99) / 100
}

// stands is the lowest count that stops none of a process's instances in a slot.
func (f facts) stands(slot paas.Slot, p paas.Process) int {
	n := 0
	for _, i := range f.snap.Instances {
		if i.Slot == slot && i.Process == p.Name && !i.State.Ended() && i.State != paas.InstanceStopping {
			n = max(n, i.Index+1)
		}
	}
	return n
}

// with is what is wanted with another count of one process.
func (w Wanted) with(slot paas.Slot, process string, n int) Wanted {
	w.Slots = maps.Clone(w.Slots)
	w.Slots[slot] = maps.Clone(w.Slots[slot])
	w.Slots[slot][process] = n
	return w
}
