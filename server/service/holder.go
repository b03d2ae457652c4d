package service

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// taker is a job that stands and follows a binding by the team's variable.
type taker struct {
	job      string
	programs int // that run and take the binding
}

// holders says why a program may still have an old generation, or gives the jobs that the team's variable tells.
//
// A job that names the generation has it for as long as it stands; one that names another, or none, does
// not give it to what starts from now on, but what was started before the rotation may still run.
func holders(snap paas.Snapshot, b paas.Binding, generation int, read reads) (takers []taker, why string, err error) {
	for _, slot := range sortedNames(snap.Slots) {
		row := snap.Slots[slot]
		if !stands(snap, slot, row) || len(row.Job) == 0 {
			continue
		}
		named, err := read(row.Job)
		if err != nil {
			return nil, "", err
		}
		numbers, follows := named[b.Name]
		if slices.Contains(numbers, generation) {
			return nil, fmt.Sprintf("Instances in the slot %s of release %d were started with the old credentials.", slot, row.Release), nil
		}
		if follows && len(numbers) == 0 {
			takers = append(takers, taker{job: paas.JobID(snap.App.Name, slot), programs: programsOf(snap, slot, row.Job, paas.GenerationItem(b.App, b.Name))})
		}
	}
	for _, id := range sortedNames(snap.Sides) {
		side := snap.Sides[id]
		over := side.Once() && side.Seen(snap.Runs).State.Ended() // its job stands a while longer, for its logs
		if over || side.Stop != "" && !side.Stands {
			continue
		}
		named, err := read(side.Text)
		if err != nil {
			return nil, "", err
		}
		numbers, follows := named[b.Name]
		if slices.Contains(numbers, generation) {
			return nil, fmt.Sprintf("The %s %q was made with the old credentials.", side.Kind, side.Name), nil
		}
		if follows && len(numbers) == 0 && side.Stands {
			takers = append(takers, taker{job: id})
		}
	}
	if why := started(snap, b, takers); why != "" {
		return nil, why, nil
	}
	return takers, "", nil
}

// started names a program that was started before the newest credentials were made, and that does not
// follow its job's variable.
func started(snap paas.Snapshot, b paas.Binding, takers []taker) string {
	follows := func(job string) bool {
		return slices.ContainsFunc(takers, func(t taker) bool { return t.job == job })
	}
	for _, i := range snap.Instances {
		if !i.State.Ended() && i.CreatedAt.Before(b.RotatedAt) && !follows(paas.JobID(snap.App.Name, i.Slot)) {
			return fmt.Sprintf("Instance %d of %s still runs with the old credentials.", i.Index, i.Process)
		}
	}
	for _, r := range snap.Runs {
		if !r.State.Ended() && r.Placed() && r.CreatedAt.Before(b.RotatedAt) && !follows(r.Parent()) {
			return fmt.Sprintf("A run of %s still has the old credentials.", r.Name)
		}
	}
	return ""
}

// programsOf counts the programs that run in a slot and take a binding: each of them has a lease of its own.
func programsOf(snap paas.Snapshot, slot paas.Slot, job []byte, item string) int {
	var text struct {
		TaskGroups []struct {
			Name  string
			Tasks []struct {
				Templates []struct{ EmbeddedTmpl *string }
			}
		}
	}
	if json.Unmarshal(job, &text) != nil {
		return 0 // package jobspec has read it a moment ago
	}
	takes := map[string]int{}
	for _, g := range text.TaskGroups {
		for _, t := range g.Tasks {
			for _, tmpl := range t.Templates {
				if tmpl.EmbeddedTmpl != nil && strings.Contains(*tmpl.EmbeddedTmpl, `(index . "`+item+`")`) {
					takes[g.Name]++
					break
				}
			}
		}
	}
	n := 0
	for _, i := range snap.Instances {
		if i.Slot == slot && i.State == paas.InstanceRunning {
			n += takes[i.Process]
		}
	}
	return n
}

// uncarried gives the bindings that the programs of an app do not have as they are to, and for which no
// walk was begun: each with Carried as it is once one has. cause is of the first of them.
func uncarried(snap paas.Snapshot, read reads) (moved []paas.Binding, cause, by string, err error) {
	rel, ok := snap.Releases[snap.App.Release]
	row := snap.Slots[snap.App.Live]
	if !ok || snap.App.Stopped || snap.App.Deleting || len(snap.Deployments) > 0 || row.Empty() || len(row.Job) == 0 {
		return nil, "", "", nil
	}
	named, err := read(row.Job)
	if err != nil {
		return nil, "", "", err
	}
	for _, b := range snap.Bindings {
		declared := slices.ContainsFunc(rel.Spec.Services, func(u paas.ServiceUse) bool { return u.Name == b.Name })
		numbers, takes := named[b.Name]
		mark, why := b.Carried, ""
		switch {
		case b.State == paas.BindingUnbinding || b.State == paas.BindingEnded:
			if takes {
				why = "unbind " + b.Name
			}
			mark = paas.CarriedEnd
		case !b.Usable() || b.Declared && !declared:
			continue
		case !takes:
			mark, why = b.Generation, "bind "+b.Name
		case len(numbers) > 0 && !slices.Contains(numbers, b.Generation):
			mark, why = b.Generation, "rotate "+b.Name
		}
		if mark == b.Carried {
			continue
		}
		if why != "" && cause == "" {
			cause, by = why, b.CreatedBy
		}
		b.Carried = mark
		moved = append(moved, b)
	}
	if cause == "" { // nothing needs a walk; but what has ended is noted as such
		return endedOnly(moved), "", "", nil
	}
	return moved, cause, by, nil
}

func endedOnly(moved []paas.Binding) []paas.Binding {
	return slices.DeleteFunc(moved, func(b paas.Binding) bool { return b.Carried != paas.CarriedEnd })
}
