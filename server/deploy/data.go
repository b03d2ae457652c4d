package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Processes with a volume do not walk: two releases of them must not have one folder at a time. They stand in
// the slot Data, and a deployment replaces them there, one instance after the other, each stopped before its
// successor starts. Everything without a volume has moved by then, so that what can be seen without a gap is
// seen first, and a release that fails for it never costs them one:
//
//	web 2 new 0 old  ->  ...  ->  web 2 new 0 old; db the new release's
//
// From the begin on the slot's row has the new release's job aside; at the step that says Data, and where a
// deployment turns back, the two change places. Without anything to replace, they are there from the first
// step on.

// stateless is a spec without the processes that stand in the slot Data.
func stateless(spec paas.Spec) paas.Spec {
	spec.Processes = slices.DeleteFunc(slices.Clone(spec.Processes), paas.Process.Stateful)
	return spec
}

// lacking is counts without those of some processes.
func lacking(counts map[string]int, names map[string]bool) map[string]int {
	some := maps.Clone(counts)
	maps.DeleteFunc(some, func(name string, _ int) bool { return names[name] })
	return some
}

// kept names the processes of specs that have a volume.
func kept(specs ...paas.Spec) map[string]bool {
	names := map[string]bool{}
	for _, spec := range specs {
		for _, p := range spec.Processes {
			if p.Stateful() {
				names[p.Name] = true
			}
		}
	}
	return names
}

// stepsOf gives the steps of a deployment from here.
func stepsOf(d paas.Deployment, spec paas.Spec, here paas.Step) []paas.Step {
	names := kept(spec)
	at := here
	at.New, at.Old = lacking(here.New, names), lacking(here.Old, names)
	var steps []paas.Step
	if d.StopFirst {
		steps = StepsWithoutRoom(stateless(spec), at, lacking(d.Wanted, names))
	} else {
		steps = Steps(planned(d, stateless(spec)), at, lacking(d.Wanted, names))
	}
	if len(names) == 0 {
		return steps
	}
	return withData(steps, names, here, d.Wanted)
}

// withData adds the processes with a volume to the steps of the others: at the end, if some stand that are
// to be replaced, else from the first on.
func withData(steps []paas.Step, names map[string]bool, here paas.Step, wanted map[string]int) []paas.Step {
	standing := false
	for name := range names {
		standing = standing || here.Old[name] > 0 && !here.Data
	}
	there := func(s paas.Step) paas.Step {
		s.New, s.Old, s.Data = counted(s.New), counted(s.Old), true
		for name := range names {
			s.New[name], s.Old[name] = wanted[name], 0
		}
		return s
	}
	if !standing {
		for i := range steps {
			steps[i] = there(steps[i])
		}
		return steps
	}
	last := there(steps[len(steps)-1])
	last.Hold, last.Manual = 0, false
	if len(steps) == 1 && total(steps[0].New)+total(steps[0].Old) == 0 {
		return []paas.Step{last} // nothing else of the app has instances
	}
	for i := range steps {
		steps[i].New, steps[i].Old = counted(steps[i].New), counted(steps[i].Old)
		for name := range names {
			steps[i].New[name], steps[i].Old[name] = 0, here.Old[name]
		}
	}
	return append(steps, last)
}

// backOf gives the walk back to the release in the old slot. What has a volume is that release's again from
// the first step on: it must not be gone for as long as the others take.
func backOf(old, next paas.Spec, here paas.Step, wanted map[string]int) []paas.Step {
	names := kept(old, next)
	here.New, here.Old = lacking(here.New, names), lacking(here.Old, names)
	steps := back(stateless(old), here, lacking(wanted, names))
	for i := range steps {
		steps[i].Old = counted(steps[i].Old)
		for name := range kept(old) {
			steps[i].Old[name] = wanted[name]
		}
	}
	return steps
}

// dataWanted says how many instances of a process the slot Data is to have.
func dataWanted(snap paas.Snapshot) func(process string) int {
	release, count := snap.App.Release, snap.App.Wanted
	if d, walking := Active(snap); walking {
		at := d.Current()
		switch {
		case !d.InPlace() && !at.Data:
			return func(p string) int { return at.Old[p] }
		case d.InPlace() && d.Abort:
			release = d.Previous
		default:
			release = d.Release
		}
		count = func(p string) int { return at.New[p] }
	}
	names := kept(snap.Releases[release].Spec)
	return func(p string) int {
		if !names[p] {
			return 0 // it has its volume no more
		}
		return count(p)
	}
}

// moved says that the slot Data has what the deployment brings, and not what was there before.
func moved(d paas.Deployment) bool { return !d.Abort && (d.InPlace() || d.Current().Data) }

// asideOf gives the row of the slot Data as a deployment begins with it, with the key that forces its
// instances to be replaced, "" for none. It is nil for an app that needs none; ok is false while what stands
// there has to go first.
func asideOf(d paas.Deployment, snap paas.Snapshot, render Renderer) (row *paas.Slotted, why string, ok bool, err error) {
	rel := snap.Releases[d.Release]
	before, has := snap.Slots[paas.Data]
	if !rel.Spec.Stateful() {
		return nil, "", true, nil
	}
	text, err := render(rel, paas.Data, snap.Bindings)
	if err != nil {
		return nil, "", false, err
	}
	if !has || before.Release != snap.App.Release || snap.App.Release == 0 {
		fresh := paas.Slotted{Team: d.Team, App: d.App, Slot: paas.Data, Release: d.Release, Job: text, Index: before.Index}
		return &fresh, "", before.Empty(), nil
	}
	stands, err := jobspec.Decode(before.Job)
	if err != nil {
		return nil, "", false, err
	}
	next, err := jobspec.Decode(text)
	if err != nil {
		return nil, "", false, err
	}
	aside := paas.Aside{Release: d.Release, Job: before.Job}
	why, forced := jobspec.Forces(stands, next)
	switch {
	case forced:
		aside.Job = text
	case d.Walk && again(d.Cause):
		aside.Job = jobspec.Encode(jobspec.Turned(stands, d.ID))
	}
	before.Aside = &aside
	return &before, why, true, nil
}

// again says that a deployment is asked for so that everything starts anew, though nothing differs.
func again(cause string) bool { return cause == "restart" || cause == "push" }

// replaces says that a deployment that begins with this row gives the slot Data other instances.
func replaces(row *paas.Slotted) bool {
	return row != nil && row.Aside != nil && string(row.Aside.Job) != string(row.Job)
}

// restored is the row of the slot Data as it was before a deployment, if that has changed it.
func restored(d paas.Deployment, snap paas.Snapshot) (paas.Slotted, bool) {
	row := snap.Slots[paas.Data]
	if row.Aside == nil {
		return row, false
	}
	if moved(d) {
		row = row.Turned()
	}
	row.Aside = nil
	return row, true
}

// ofData says whether an instance in the slot Data is one that the deployment brings.
func (f facts) ofData(i paas.Instance) bool {
	row := f.snap.Slots[paas.Data]
	return moved(f.d) && row.First != 0 && i.Placed >= row.First
}

// slotOf is where a process of the release walked from stands.
func (f facts) slotOf(process string) paas.Slot {
	if p, ok := f.snap.Releases[f.d.Previous].Spec.Process(process); ok && p.Stateful() {
		return paas.Data
	}
	return f.d.From
}

// turns is how much longer than one start a step may take, as instances are replaced one after the other.
func (f facts) turns() time.Duration {
	longest := time.Duration(0)
	if !moved(f.d) {
		return 0
	}
	for _, p := range f.spec.Processes {
		if n := f.d.Current().New[p.Name]; p.Stateful() && n > 1 {
			longest = max(longest, time.Duration(n-1)*(p.ShutdownDelay+p.KillTimeout+p.Startup))
		}
	}
	return longest
}

// leaving names an instance whose number is to be started again, and that has not ended: its volume is not
// free before. Nomad waits for that only where it replaces an instance itself.
func leaving(snap paas.Snapshot, row paas.Slotted, counts map[string]int) string {
	for _, i := range snap.Instances {
		if i.Slot == paas.Data && i.State == paas.InstanceStopping && i.Index >= row.Counts[i.Process] && i.Index < counts[i.Process] {
			return fmt.Sprintf("%s.%d is still stopping: its volume is free when it has ended", i.Process, i.Index)
		}
	}
	return ""
}

// replacedText is what the begin of a deployment says of the slot Data.
func replacedText(row *paas.Slotted, why string, rel paas.Release) string {
	if !replaces(row) {
		return ""
	}
	text := strings.Join(slices.Sorted(maps.Keys(kept(rel.Spec))), " and ") + " is stopped first and started anew in place"
	if why != "" {
		text += ", since " + why + " changed"
	}
	return text
}
