package deploy

import (
	"maps"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// traffic builds the walk of an app that moves requests by the router's rule. A step changes one
// thing at a time, the new instances, or the share and with it old ones that got nothing anyway, or
// the old instances, so that every prefix of its writes is safe. With 4 web and 2 workers:
//
//	canary 1, traffic 25, 50             blue-green, warm 5m
//	web 1 new, dark                      web 4 new, dark
//	share 25, held                       share 100
//	web 2 and worker 1 new               worker 2 new
//	share 50, worker 1 old, held         worker 0 old, held 5m
//	web 4 and worker 2 new               web 3, 2, 1, 0 old
//	share 100, worker 0 old
//	web 3, 2, 1, 0 old
//
// A process without a route can't be dark. It follows the traffic by instances, rounded down, or
// moves when all traffic has (Unrouted); one that stops first always does the latter.
type traffic struct {
	spec   paas.Spec
	wanted map[string]int
	at     paas.Step // the last one added
	list   []paas.Step
}

func newTraffic(spec paas.Spec, here paas.Step, wanted map[string]int) *traffic {
	t := &traffic{spec: spec, wanted: wanted}
	t.at = paas.Step{New: counted(here.New), Old: counted(here.Old), Share: here.Share, Hold: here.Hold, Manual: here.Manual}
	if t.at.Share == nil {
		t.at.Share = new(int)
	}
	return t
}

func (t *traffic) steps() []paas.Step {
	share := *t.at.Share
	first := t.grown(share)
	first.Hold, first.Manual = t.at.Hold, t.at.Manual
	warm := first.Hold
	t.list, t.at = append(t.list, first), first
	if t.spec.Deploy.Strategy == paas.Canary {
		for _, percent := range t.spec.Deploy.Canary.Traffic {
			if percent > share && percent < 100 {
				t.shift(percent)
				share = percent
			}
		}
	}
	if share < 100 {
		t.add(t.grown(100))
		next := t.clone()
		next.Share = new(100)
		for _, p := range t.spec.Processes {
			if t.follows(p) {
				next.Old[p.Name] = 0
			}
		}
		t.add(next)
	}
	t.switchRest()
	if t.spec.Deploy.Strategy == paas.BlueGreen && warm == 0 && total(t.at.Old) > 0 {
		t.list[len(t.list)-1].Hold = t.spec.Deploy.Warm
	}
	t.takeOld()
	return t.list
}

// shift brings the new instances that a share needs, then the share, and holds it.
func (t *traffic) shift(percent int) {
	t.add(t.grown(percent))
	next := t.clone()
	next.Share = new(percent)
	next.Hold, next.Manual = t.spec.Deploy.Canary.Hold, t.spec.Deploy.Canary.Manual
	for _, p := range t.spec.Processes {
		if t.follows(p) {
			next.Old[p.Name] = min(next.Old[p.Name], max(0, t.wanted[p.Name]-next.New[p.Name]))
		}
	}
	t.list, t.at = append(t.list, next), next
}

// grown is the last step with as many new instances as a share needs, at the share there is.
func (t *traffic) grown(share int) paas.Step {
	next := t.clone()
	for _, p := range t.spec.Processes {
		wanted := t.wanted[p.Name]
		next.New[p.Name] = max(min(next.New[p.Name], wanted), t.needed(p, share))
	}
	return next
}

// needed is how many new instances of a process a share takes: as many as serve it without more load
// on each than the old ones had.
func (t *traffic) needed(p paas.Process, share int) int {
	wanted := t.wanted[p.Name]
	switch {
	case t.follows(p):
		return wanted * share / 100
	case t.rests(p):
		return 0
	case share == 100 || t.spec.Deploy.Strategy == paas.BlueGreen:
		return wanted
	default:
		return min(wanted, max(1, t.spec.Deploy.Canary.Instances, (wanted*share+99)/100))
	}
}

// follows says that a process moves in proportion to the traffic.
func (t *traffic) follows(p paas.Process) bool {
	return len(p.Routes) == 0 && !stopsFirst(t.spec, p) &&
		t.spec.Deploy.Strategy == paas.Canary && t.spec.Deploy.Unrouted != paas.UnroutedSwitch
}

// rests says that a process moves when all traffic has.
func (t *traffic) rests(p paas.Process) bool {
	return stopsFirst(t.spec, p) || (len(p.Routes) == 0 && !t.follows(p))
}

// switchRest moves what waited for all traffic: new ones before old ones, or where a process stops
// first the other way round.
func (t *traffic) switchRest() {
	begin, end := t.clone(), t.clone()
	for _, p := range t.spec.Processes {
		switch {
		case !t.rests(p):
		case !stopsFirst(t.spec, p):
			begin.New[p.Name], end.New[p.Name], end.Old[p.Name] = t.wanted[p.Name], t.wanted[p.Name], 0
		case begin.Old[p.Name] > 0:
			begin.New[p.Name], begin.Old[p.Name] = 0, 0
			end.New[p.Name], end.Old[p.Name] = t.wanted[p.Name], 0
		default:
			begin.New[p.Name], end.New[p.Name] = t.wanted[p.Name], t.wanted[p.Name]
		}
	}
	t.add(begin)
	t.add(end)
}

// takeOld takes the old instances away in steps of a surge, or every websocket's client would connect
// anew at once (slots.md C), and those of processes that the new release lacks last.
func (t *traffic) takeOld() {
	for {
		next, more := t.clone(), false
		for _, p := range t.spec.Processes {
			o := next.Old[p.Name]
			next.Old[p.Name] = max(0, o-surge(paas.DefaultDeploy(), max(o, t.wanted[p.Name])))
			more = more || next.Old[p.Name] > 0
		}
		if !more {
			clear(next.Old)
			for _, p := range t.spec.Processes {
				next.Old[p.Name] = 0
			}
		}
		if !more && len(t.list) > 1 && sameCounts(next, t.at) {
			t.list[len(t.list)-1].Old = next.Old
			return
		}
		t.list, t.at = append(t.list, next), next
		if !more {
			return
		}
	}
}

// add appends a step unless it is like the one before.
func (t *traffic) add(s paas.Step) {
	if sameCounts(s, t.at) && *s.Share == *t.at.Share {
		return
	}
	t.list, t.at = append(t.list, s), s
}

// clone is the last step anew, without its hold.
func (t *traffic) clone() paas.Step {
	return paas.Step{New: maps.Clone(t.at.New), Old: maps.Clone(t.at.Old), Share: new(*t.at.Share)}
}

// trafficBack turns a walk back that moved traffic: what is missing of the old instances first, then
// every request, then the new instances go. spec and wanted are of the release in the old slot.
func trafficBack(spec paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	filled := paas.Step{New: counted(here.New), Old: counted(here.Old), Share: new(*here.Share)}
	turned := paas.Step{New: counted(here.New), Old: counted(here.Old), Share: new(int)}
	last := paas.Step{New: map[string]int{}, Old: map[string]int{}, Share: new(int)}
	short := false
	for _, p := range spec.Processes {
		n := wanted[p.Name]
		last.Old[p.Name] = n
		if stopsFirst(spec, p) {
			turned.New[p.Name] = 0 // the old one starts when the new one has stopped
			continue
		}
		turned.Old[p.Name] = n
		if len(p.Routes) > 0 {
			short = short || here.Old[p.Name] < n
			filled.Old[p.Name] = max(n, here.Old[p.Name])
		}
	}
	for name := range here.New {
		last.New[name] = 0
	}
	if short && *here.Share > 0 {
		return []paas.Step{filled, turned, last}
	}
	return []paas.Step{turned, last}
}

func sameCounts(a, b paas.Step) bool {
	return maps.Equal(nonzero(a.New), nonzero(b.New)) && maps.Equal(nonzero(a.Old), nonzero(b.Old))
}

func nonzero(counts map[string]int) map[string]int {
	some := maps.Clone(counts)
	maps.DeleteFunc(some, func(_ string, n int) bool { return n == 0 })
	return some
}

// counted is a copy that can be written to.
func counted(counts map[string]int) map[string]int {
	some := maps.Clone(counts)
	if some == nil {
		some = map[string]int{}
	}
	return some
}
