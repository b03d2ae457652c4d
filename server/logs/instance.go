package logs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// mostEnded is how many instances that have ended are read, the last ones, unless one is asked for.
const mostEnded = 20

// aRun is the Index of a run of a task or cron: it has no number.
const aRun = -1

// instances gives the instances asked for as they are now: those that have not ended, and those that
// have and that the story does not know. A run of a task or cron is shown as an instance of a process
// of its name, a sidecar as an instance of PROCESS/SIDECAR. Runs that have ended are left out unless
// asked for by name, or ended since the story began.
func (l *Logs) instances(ctx context.Context, q paas.LogQuery, t *token) ([]paas.Instance, error) {
	snapshot, err := l.cfg.Store.Snapshot(ctx, q.Ref)
	if err != nil {
		return nil, err
	}
	all, err := l.cfg.Store.Instances(ctx, q.Ref)
	if err != nil {
		return nil, fmt.Errorf("read instances of %s: %w", q.Ref, err)
	}
	there := map[string]bool{}
	for _, i := range all {
		there[i.ID] = true
	}
	for _, i := range l.kept(q.Ref) {
		if !there[i.ID] {
			all = append(all, i)
		}
	}
	all = append(all, l.sidecars(ctx, all, snapshot)...)
	all = append(all, runs(snapshot)...)
	everything := all
	all = slices.DeleteFunc(slices.Clone(all), func(i paas.Instance) bool { return !asked(q, i) })
	if t == nil && len(all) == 0 {
		return nil, l.missing(q, snapshot, everything)
	}
	slices.SortFunc(all, func(a, b paas.Instance) int { // the last to end first
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Process, b.Process))
	})
	ended := map[string]bool{}
	all = slices.DeleteFunc(all, func(i paas.Instance) bool {
		switch {
		case t != nil:
			return t.knows(i)
		case !i.State.Ended():
			return false
		case i.Index == aRun && q.Process == "" && q.Instance == "":
			return true
		}
		ended[i.ID] = true
		return len(ended) > mostEnded && q.Instance == ""
	})
	slices.SortFunc(all, func(a, b paas.Instance) int { // of lines of one time
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Index, b.Index), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// missing explains why nothing is meant by a query, if that is a mistake of it.
func (l *Logs) missing(q paas.LogQuery, snapshot paas.Snapshot, all []paas.Instance) error {
	names := processes(snapshot)
	if q.Process != "" && len(names) > 0 && !slices.Contains(names, q.Process) {
		return paas.Errorf(paas.NotFound, "App %q has no process %q%s; it has %s.", q.Ref.App, q.Process, near(q.Process, names), strings.Join(names, ", "))
	}
	if q.Instance != "" {
		var ids, shown []string
		for _, i := range all {
			if q.Process == "" || i.Process == q.Process {
				ids = append(ids, short(i.ID), i.ID)
				shown = append(shown, fmt.Sprintf("%s %s", nameOf(i), short(i.ID)))
			}
		}
		slices.Sort(shown)
		has := "; it has none"
		if len(shown) > 0 {
			has = "; it has " + strings.Join(shown[:min(len(shown), 5)], ", ")
		}
		return paas.Errorf(paas.NotFound, "App %q has no instance %q%s%s. `crumpet status %s` lists them.", q.Ref.App, q.Instance, near(q.Instance, ids), has, q.Ref.App)
	}
	if q.Release != 0 && q.Release > snapshot.Newest {
		return paas.Errorf(paas.NotFound, "App %q has no release %d; its newest is %d.", q.Ref.App, q.Release, snapshot.Newest)
	}
	return nil
}

// processes names what writes in every release that the app has to do with now.
func processes(snapshot paas.Snapshot) []string {
	names := map[string]bool{}
	for _, release := range snapshot.Releases {
		for _, p := range release.Spec.Processes {
			names[p.Name] = true
			for _, s := range p.Sidecars {
				names[p.Name+"/"+s.Name] = true
			}
		}
		for _, t := range release.Spec.Tasks {
			names[t.Name] = true
		}
		for _, c := range release.Spec.Crons {
			names[c.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sidecars gives the instances' sidecars as instances of their own.
func (l *Logs) sidecars(ctx context.Context, all []paas.Instance, snapshot paas.Snapshot) []paas.Instance {
	var beside []paas.Instance
	for _, i := range all {
		release, ok := snapshot.Releases[i.Release]
		if !ok {
			var err error
			if release, err = l.cfg.Store.Release(ctx, i.Ref(), i.Release); err != nil {
				continue // it is not kept any more: what its sidecars wrote can't be named
			}
			snapshot.Releases[i.Release] = release
		}
		process, _ := release.Spec.Process(i.Process)
		for _, s := range process.Sidecars {
			one := i
			one.Process = i.Process + "/" + s.Name
			beside = append(beside, one)
		}
	}
	return beside
}

// taskOf is the name that Nomad knows a process or a sidecar by.
func taskOf(process string) string { return process[strings.LastIndex(process, "/")+1:] }

// runs gives the runs of tasks and crons as instances.
func runs(snapshot paas.Snapshot) []paas.Instance {
	var list []paas.Instance
	for _, r := range snapshot.Runs {
		if !r.Placed() {
			continue
		}
		list = append(list, runOf(r))
	}
	return list
}

func runOf(r paas.Run) paas.Instance {
	i := paas.Instance{
		ID: r.ID, Team: r.Team, App: r.App, Process: r.Name, Index: aRun, Release: r.Release,
		State: paas.InstanceRunning, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt,
	}
	switch r.State {
	case paas.RunPending:
		i.State = paas.InstancePending
	case paas.RunComplete, paas.RunKilled:
		i.State = paas.InstanceComplete
	case paas.RunFailed:
		i.State = paas.InstanceFailed
	case paas.RunRunning:
	}
	if r.EndedAt != nil {
		i.Since = *r.EndedAt
	}
	return i
}

// asked says whether an instance is meant; a process is meant with its sidecars.
func asked(q paas.LogQuery, i paas.Instance) bool {
	process := q.Process == "" || i.Process == q.Process || strings.HasPrefix(i.Process, q.Process+"/")
	return process && (q.Release == 0 || i.Release == q.Release) && i.Named(q.Instance)
}

// nameOf is how people know an instance.
func nameOf(i paas.Instance) string {
	if i.Index == aRun {
		return i.Process + "[" + short(i.ID) + "]"
	}
	return i.Process + "[" + strconv.Itoa(i.Index) + "]"
}

// short is the form of an instance's id that people are shown.
func short(id string) string { return id[:min(8, len(id))] }

// near gives a hint at the name that was probably meant.
func near(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := levenshtein.Distance(name, n, nil); d < least {
			best, least = n, d
		}
	}
	if best == "" || best == name {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// bytesText is a number of bytes with its thousands apart.
func bytesText(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " bytes"
}

// lostText marks a gap in an instance's lines.
func lostText(lost int64, sure, kept bool, name string) string {
	if kept {
		return fmt.Sprintf("--- %s of %s lost: Nomad had collected the instance, and only its last 1 MiB is kept ---", bytesText(lost), name)
	}
	about := ""
	if !sure {
		about = "about "
	}
	return fmt.Sprintf("--- %s%s of %s lost: Nomad had rotated the file away ---", about, bytesText(lost), name)
}

// sleep waits, and says whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
