package retention

import (
	"fmt"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Limits say how long things are kept.
type Limits struct {
	Releases  int           // of each app, the newest
	Age       time.Duration // of a release
	Rollbacks int           // releases that were healthy, the last ones, at any age
	Events    time.Duration // since an event; since the end of a deployment, a run, a build
	Content   time.Duration // that nothing names, since it was last sent or asked for
}

// Stale gives the change of an app that lets go of releases and deployments, and whether there are any.
func Stale(snap paas.Snapshot, ledger paas.Ledger, limits Limits, now time.Time) (paas.Change, bool) {
	change := paas.Change{Ref: snap.App.Ref(), Version: snap.Version}
	kept := needed(snap, ledger, limits)
	for i, r := range newestFirst(ledger.Releases) {
		if kept[r.Number] || (i < limits.Releases && now.Sub(r.CreatedAt) < limits.Age) {
			kept[r.Number] = true
			continue
		}
		change.DropReleases = append(change.DropReleases, r.Number)
	}
	tells := telling(ledger.Walks)
	for _, w := range ledger.Walks {
		if now.Sub(w.EndedAt) >= limits.Events && (!kept[w.Release] || !tells[w.ID]) {
			change.DropDeployments = append(change.DropDeployments, w.ID)
		}
	}
	if len(change.DropReleases) > 0 {
		change.Events = []paas.Event{{
			Time: now, Team: change.Ref.Team, App: change.Ref.App, Kind: paas.EventAppChanged,
			Message: "no longer kept, by the server's retention: " + releasesText(change.DropReleases),
		}}
	}
	return change, len(change.DropReleases)+len(change.DropDeployments) > 0
}

// needed are the releases that must stay, whatever their age.
func needed(snap paas.Snapshot, ledger paas.Ledger, limits Limits) map[int]bool {
	kept := map[int]bool{snap.Newest: true, snap.App.Release: true}
	for _, s := range snap.Slots {
		kept[s.Release] = true
	}
	for _, s := range snap.Sides {
		kept[s.Release] = true
	}
	for _, d := range snap.Deployments {
		kept[d.Release], kept[d.Previous] = true, true
	}
	for _, i := range snap.Instances {
		if !i.State.Ended() {
			kept[i.Release] = true
		}
	}
	for _, r := range snap.Runs {
		if !r.State.Ended() {
			kept[r.Release] = true
		}
	}
	for _, number := range served(ledger, limits.Rollbacks) {
		kept[number] = true
	}
	return kept
}

// served gives the newest n releases that are kept and have been healthy.
func served(ledger paas.Ledger, n int) []int {
	healthy := map[int]bool{}
	for _, w := range ledger.Walks {
		healthy[w.Release] = healthy[w.Release] || w.State == paas.DeploymentHealthy
	}
	var list []int
	for _, r := range newestFirst(ledger.Releases) {
		if healthy[r.Number] && len(list) < n {
			list = append(list, r.Number)
		}
	}
	return list
}

// telling are the deployments by which the ledger says what became of a release: the newest of each, and
// the newest of each that was healthy.
func telling(walks []paas.LedgerWalk) map[string]bool {
	type about struct {
		release int
		healthy bool
	}
	last := map[about]paas.LedgerWalk{}
	for _, w := range walks {
		for _, key := range []about{{w.Release, false}, {w.Release, true}} {
			if key.healthy && w.State != paas.DeploymentHealthy {
				continue
			}
			if had, ok := last[key]; !ok || w.EndedAt.After(had.EndedAt) {
				last[key] = w
			}
		}
	}
	tells := map[string]bool{}
	for _, w := range last {
		tells[w.ID] = true
	}
	return tells
}

func newestFirst(list []paas.LedgerRelease) []paas.LedgerRelease {
	return slices.SortedFunc(slices.Values(list), func(a, b paas.LedgerRelease) int { return b.Number - a.Number })
}

// StaleRuns gives the ids of the runs that ended long ago, but for the last of each task and cron.
func StaleRuns(runs []paas.Run, limits Limits, now time.Time) []string {
	type program struct {
		ref  paas.AppRef
		kind paas.JobKind
		name string
	}
	last := map[program]paas.Run{}
	for _, r := range runs {
		key := program{r.Ref(), r.Kind, r.Name}
		if had, ok := last[key]; !ok || r.CreatedAt.After(had.CreatedAt) {
			last[key] = r
		}
	}
	var ids []string
	for _, r := range runs {
		if r.State.Ended() && r.EndedAt != nil && now.Sub(*r.EndedAt) >= limits.Events && last[program{r.Ref(), r.Kind, r.Name}].ID != r.ID {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// releasesText names releases, those in a row by the first and the last.
func releasesText(numbers []int) string {
	sorted := slices.Sorted(slices.Values(numbers))
	noun := "releases "
	if len(sorted) == 1 {
		noun = "release "
	}
	text := ""
	for i := 0; i < len(sorted); {
		end := i
		for end+1 < len(sorted) && sorted[end+1] == sorted[end]+1 {
			end++
		}
		if text != "" {
			text += ", "
		}
		switch text += fmt.Sprint(sorted[i]); {
		case end == i+1:
			text += fmt.Sprintf(", %d", sorted[end])
		case end > i:
			text += fmt.Sprintf(" to %d", sorted[end])
		}
		i = end + 1
	}
	return noun + text
}
