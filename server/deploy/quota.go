package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What an app wants of its team's quota is what it would have once all that is under way has ended, however
// it ends: of the release that serves and those walked to the greatest of each number. What stands for a
// while only, the surge of a walk and the tasks of a deployment, is not counted. A cron counts as one run of
// it, whether or not one is under way; a run that somebody asked for, until it has ended.

// Wants is what an app wants, and what of it by the keys of its spec.
type Wants struct {
	Total paas.Demand
	Parts map[string]Part // by key, such as process.web
}

// Part is what one key of a spec comes to.
type Part struct {
	Count int // of instances
	Each  paas.Demand
	All   paas.Demand
}

// WantsOf counts what an app wants. An app that is not there wants nothing.
func WantsOf(snap paas.Snapshot) Wants {
	w := Wants{Parts: map[string]Part{}}
	if snap.Version == 0 && len(snap.Deployments) == 0 {
		return w
	}
	volumes := map[string]map[int]int{} // MiB by key and number of instance
	for _, v := range snap.Volumes {
		keep(volumes, v.Process, v.Volume, v.Index, v.Size)
	}
	for _, goal := range goals(snap) {
		var sum paas.Demand
		for key, part := range partsOf(goal.spec, goal.counts) {
			sum = sum.Add(part.All)
			if had := w.Parts[key]; part.All.Memory >= had.All.Memory {
				w.Parts[key] = part
			}
		}
		w.Total = w.Total.Max(sum)
		for _, p := range goal.spec.Processes {
			for _, v := range p.Volumes {
				for i := range goal.counts[p.Name] {
					keep(volumes, p.Name, v.Name, i, v.Size)
				}
			}
		}
	}
	w.Total.Apps = 1
	for key, sizes := range volumes {
		var part Part
		for _, size := range sizes {
			part.Count++
			part.Each.Storage = max(part.Each.Storage, size)
			part.All.Storage += size
		}
		w.Parts[key], w.Total.Storage = part, w.Total.Storage+part.All.Storage
	}
	for _, row := range snap.Sides {
		if row.Kind != paas.JobRun || row.Seen(snap.Runs).State.Ended() {
			continue
		}
		if task, ok := snap.Releases[row.Release].Spec.Once(row.Name); ok {
			part := Part{Count: 1, Each: sized(task.Capacity(), task.NomadTask)}
			part.All = part.Each
			w.Parts["run."+row.Job], w.Total = part, w.Total.Add(part.All)
		}
	}
	return w
}

func keep(volumes map[string]map[int]int, process, volume string, index, size int) {
	key := "process." + process + ".volume." + volume
	if volumes[key] == nil {
		volumes[key] = map[int]int{}
	}
	volumes[key][index] = max(volumes[key][index], size)
}

// goal is where an app may come to stand.
type goal struct {
	spec   paas.Spec
	counts map[string]int
}

// goals are where the app stands, and where each of its deployments takes it.
func goals(snap paas.Snapshot) []goal {
	if snap.App.Deleting {
		return nil
	}
	serves := goal{spec: snap.Releases[snap.App.Release].Spec, counts: snap.App.Counts}
	if snap.App.Stopped {
		serves.counts, serves.spec.Crons = nil, nil
	}
	list := []goal{serves}
	for _, d := range snap.Deployments {
		if !d.Abort && !d.Cancel {
			list = append(list, goal{spec: snap.Releases[d.Release].Spec, counts: d.Wanted})
		}
	}
	return list
}

// partsOf counts what a spec with so many instances comes to, but for its volumes.
func partsOf(spec paas.Spec, counts map[string]int) map[string]Part {
	parts := map[string]Part{}
	for _, p := range spec.Processes {
		each, n := sized(p.Capacity(), p.NomadTask), counts[p.Name]
		all := paas.Demand{Memory: n * each.Memory, CPU: n * each.CPU, Instances: n, Routes: len(p.Routes)}
		parts["process."+p.Name] = Part{Count: n, Each: each, All: all}
	}
	for _, c := range spec.Crons {
		if task, ok := spec.Once(c.Name); ok {
			each := sized(task.Capacity(), c.NomadTask)
			parts["cron."+c.Name] = Part{Count: 1, Each: each, All: each}
		}
	}
	return parts
}

// sized is what one instance takes of a quota. Where the operator lets specs set a task's resources in Nomad's
// words, those count.
func sized(c paas.Capacity, fragment paas.Fragment) paas.Demand {
	var over struct {
		Resources struct {
			CPU, Cores, MemoryMB *int
		}
	}
	d := paas.Demand{Memory: c.Memory, CPU: c.CPU + c.Cores*paas.CoreMHz}
	if len(fragment) == 0 || json.Unmarshal(fragment, &over) != nil {
		return d
	}
	r := over.Resources
	if r.MemoryMB != nil {
		d.Memory = max(d.Memory, *r.MemoryMB)
	}
	if r.CPU != nil {
		d.CPU = max(d.CPU, *r.CPU)
	}
	if r.Cores != nil {
		d.CPU = max(d.CPU, *r.Cores*paas.CoreMHz)
	}
	return d
}

// OverQuota decides whether a team may want what a wish adds, and gives all that stands against it, each by
// the key of the spec that it comes from. stands is what the team wants now of all its apps, added what the
// wish adds to that (a number below 0 lessens it), was and wants what the app wants before and after by key.
func OverQuota(team string, quota paas.TeamQuota, stands, added paas.Demand, was, wants Wants) []paas.Fault {
	var faults []paas.Fault
	for _, line := range quota.Over(stands, stands.Add(added)) {
		keys := grown(line.What, was, wants)
		if len(keys) == 0 {
			keys = []string{"app"}
		}
		for _, key := range keys {
			faults = append(faults, paas.Fault{Location: key, Message: fmt.Sprintf(
				"Team %q may want %d %s: it wants %d now, and would want %d with this %s. Lessen it, or have an admin raise the quota: `crumpet quota set %s --%s %d`.",
				team, line.Limit, line.Noun(), line.Before, line.After, key, team, line.What, line.After)})
		}
	}
	return faults
}

// grown gives the keys by which an app wants more of something than before.
func grown(what string, was, wants Wants) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(wants.Parts)) {
		before, after := was.Parts[key], wants.Parts[key]
		if number(what, after.All) <= number(what, before.All) {
			continue
		}
		process := strings.HasPrefix(key, "process.")
		switch {
		case what == "routes":
			key += ".route"
		case what == "storage" && after.Count == before.Count:
			key += ".size"
		case what == "storage": // one more for each instance more
			process, _, _ := strings.Cut(strings.TrimPrefix(key, "process."), ".")
			key = "process." + process + ".instances"
		case process && (what == "instances" || before.Count > 0 && number(what, after.Each) == number(what, before.Each)):
			key += ".instances"
		case what != "instances" && !strings.HasPrefix(key, "run."):
			key += "." + what
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func number(what string, d paas.Demand) int {
	switch what {
	case "memory":
		return d.Memory
	case "cpu":
		return d.CPU
	case "instances":
		return d.Instances
	case "routes":
		return d.Routes
	case "storage":
		return d.Storage
	}
	return 0
}

// within notes in a wish what the app wants from then on, and refuses it, with code over_quota, where the team
// may not want that much. The store looks again as it commits: of two wishes at once one meets the other there.
func (d *Deployer) within(ctx context.Context, snap paas.Snapshot, change *paas.Change) error {
	if change.Delete {
		return nil
	}
	was, wants := WantsOf(snap), WantsOf(applied(snap, *change))
	change.Demand = &wants.Total
	if wants.Total.Max(was.Total) == was.Total { // nothing grows
		return nil
	}
	_, faults, err := d.quota(ctx, snap, was, wants)
	if err != nil || len(faults) == 0 {
		return err
	}
	return overQuota(faults)
}

func overQuota(faults []paas.Fault) error {
	return &paas.Error{Code: paas.OverQuota, Message: faults[0].Message, Faults: faults}
}

// quota holds what an app would want against its team's quota: the bounded lines of it, and what stands
// against the step. Code not_found when there is no such team.
func (d *Deployer) quota(ctx context.Context, snap paas.Snapshot, was, wants Wants) ([]paas.QuotaLine, []paas.Fault, error) {
	team := snap.App.Team
	st, err := d.store.Standing(ctx, team)
	if err != nil {
		return nil, nil, err
	}
	noted := cmp.Or(snap.Demand, &paas.Demand{})
	if snap.Version > 0 && snap.Demand == nil { // of an app from before this was noted nothing can be told yet
		noted = &wants.Total
	}
	added := wants.Total.Less(*noted)
	faults := OverQuota(team, st.Quota, st.Demand, added, was, wants)
	return st.Quota.Bounded(st.Demand, st.Demand.Add(added)), faults, nil
}

// count notes what an app wants where that has changed by itself: a run has ended, a volume was deleted, or
// nobody has counted yet.
func (d *Deployer) count(ctx context.Context, epoch int64, snap paas.Snapshot) error {
	if snap.Demand != nil && *snap.Demand == WantsOf(snap).Total {
		return nil
	}
	return d.save(ctx, epoch, snap, changeOf(snap))
}

// bounds puts into a plan how the team would stand against its quota, and refuses what it may not want.
func (d *Deployer) bounds(ctx context.Context, snap paas.Snapshot, p prediction, plan *paas.Plan) error {
	snap.App.Team, snap.App.Name = p.next.Team, p.next.App
	was := WantsOf(snap)
	after := snap
	if p.changes() {
		after = p.after
	}
	lines, faults, err := d.quota(ctx, snap, was, WantsOf(after))
	if err != nil {
		return err
	}
	plan.Quota = lines
	if len(faults) > 0 {
		return overQuota(faults)
	}
	return nil
}
