package deploy

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Limits of side jobs.
const (
	SideKept   = time.Hour        // until a task or run that is over is taken out of Nomad's memory
	SideRoom   = time.Minute      // a task of a deployment finds no room: its deployment waits no longer
	SideGrace  = 30 * time.Second // past its timeout, for Nomad to end a run by itself
	SideDrift  = Sweep            // between two looks at whether crons still stand in Nomad
	MostRuns   = 20               // runs on demand of one app that are under way
	sideRefuse = 10 * time.Second // Nomad fails to take a job: then it is not going to
)

// SideRenderer makes the job of a side job with its release's program and the credentials of the
// bindings. Pure: same input, same bytes.
type SideRenderer func(paas.Release, paas.Side, []paas.Binding) ([]byte, error)

// sides gives the next change of the wishes for side jobs; ok is false when there is nothing to
// decide. Pure; texts are rendered by written.
func sides(snap paas.Snapshot, now time.Time) (change paas.Change, ok bool) {
	change = changeOf(snap)
	change.Sides = append(cronsOf(snap, now), ending(snap, now)...)
	return change, len(change.Sides) > 0
}

// cronsOf makes the crons those of the live release. A release that is walked to has none yet, and one
// that walks back never had any.
func cronsOf(snap paas.Snapshot, now time.Time) []paas.Side {
	var rows []paas.Side
	wanted := map[string]bool{}
	if !snap.App.Stopped && !snap.App.Deleting {
		for _, c := range snap.Releases[snap.App.Release].Spec.Crons {
			id := paas.SideJob{App: snap.App.Name, Kind: paas.JobCron, Name: c.Name}.String()
			wanted[id] = true
			row, standing := snap.Sides[id]
			switch {
			case !standing:
				row = paas.Side{Team: snap.App.Team, App: snap.App.Name, Job: id, Kind: paas.JobCron, Name: c.Name, CreatedAt: now}
			case row.Release == snap.App.Release, row.Stop != "": // one that is on its way out comes back after
				continue
			}
			row.Release, row.Text = snap.App.Release, nil
			rows = append(rows, row)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(snap.Sides)) {
		row := snap.Sides[id]
		if row.Kind != paas.JobCron || wanted[id] || row.Stop != "" {
			continue
		}
		row.Stop = cmp.Or(halted(snap), fmt.Sprintf("release %d has it no more", snap.App.Release))
		rows = append(rows, row)
	}
	return rows
}

// halted says why nothing of the app is to run, "" if that is not so.
func halted(snap paas.Snapshot) string {
	switch {
	case snap.App.Deleting:
		return "the app is being destroyed"
	case snap.App.Stopped:
		return "the app was stopped"
	}
	return ""
}

// ending gives the jobs that are to go: those of an app that is to rest, tasks whose deployment has
// ended or turned back, and runs that have taken too long.
func ending(snap paas.Snapshot, now time.Time) []paas.Side {
	var rows []paas.Side
	for _, id := range slices.Sorted(maps.Keys(snap.Sides)) {
		row := snap.Sides[id]
		if !row.Once() || row.Stop != "" || row.Refused != "" {
			continue
		}
		run := row.Seen(snap.Runs)
		if run.State.Ended() {
			continue
		}
		if row.Stop, row.Failed = over(row, run, snap, now); row.Stop != "" {
			rows = append(rows, row)
		}
	}
	for _, run := range snap.Runs { // firings of crons have no row until they are to go
		row, has := snap.Sides[run.Job]
		if run.Kind != paas.JobCron || run.State.Ended() || !run.Placed() || has {
			continue
		}
		row = paas.Side{
			Team: run.Team, App: run.App, Job: run.Job, Kind: run.Kind, Name: run.Name, Release: run.Release,
			CreatedAt: now, Index: 1, Stands: true,
		}
		row.Stop = halted(snap)
		if row.Stop == "" {
			row.Stop, row.Failed = tooLong(run, snap, now)
		}
		if row.Stop != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

// over says why a task or run that has not ended is to go, and whether that is a failure of its own.
func over(row paas.Side, run paas.Run, snap paas.Snapshot, now time.Time) (why string, failed bool) {
	goes := row.Kind == paas.JobTask && goesOn(row.Deployment, snap)
	if why := halted(snap); why != "" && (!goes || snap.App.Deleting) { // a deployment that goes on is one that starts the app
		return why, false
	}
	if row.Kind == paas.JobTask && !goes {
		return "its deployment has ended", false
	}
	limit, _ := snap.Releases[row.Release].Spec.Timeout(row.Name)
	if row.Kind == paas.JobTask {
		limit = SideRoom
	}
	if !run.Placed() && now.Sub(row.CreatedAt) > limit {
		return cmp.Or(run.Reason, "Nomad did not start "+row.Name), true
	}
	run.Release = row.Release
	return tooLong(run, snap, now)
}

// tooLong says that a run is past its timeout. Nomad ends it by itself; one that does not know
// max_run_duration would never.
func tooLong(run paas.Run, snap paas.Snapshot, now time.Time) (why string, failed bool) {
	limit, ok := snap.Releases[run.Release].Spec.Timeout(run.Name)
	if !ok || !run.Placed() || now.Sub(run.CreatedAt) < limit+SideGrace {
		return "", false
	}
	return fmt.Sprintf("%s did not end within its timeout of %s", run.Name, limit), true
}

// goesOn says that a deployment may yet use its tasks.
func goesOn(id string, snap paas.Snapshot) bool {
	return slices.ContainsFunc(snap.Deployments, func(d paas.Deployment) bool { return d.ID == id && !d.Abort && !d.Cancel })
}

// forgettable says that a side job is over for so long that nobody will ask for it: its runs stay in
// the store as far as they are kept.
func forgettable(row paas.Side, snap paas.Snapshot, now time.Time) bool {
	run := row.Seen(snap.Runs)
	if !run.State.Ended() || slices.ContainsFunc(snap.Deployments, func(d paas.Deployment) bool { return d.ID == row.Deployment }) {
		return false
	}
	since := run.CreatedAt
	if run.EndedAt != nil {
		since = *run.EndedAt
	}
	return now.Sub(since) > SideKept
}

// written renders the texts that a change of side jobs lacks. A cron whose text is what stands already
// is not registered again.
func (d *Deployer) written(snap paas.Snapshot, change *paas.Change) error {
	for i, row := range change.Sides {
		if len(row.Text) > 0 || row.Stop != "" {
			continue
		}
		rel, ok := snap.Releases[row.Release]
		for _, r := range change.Releases {
			if r.Number == row.Release {
				rel, ok = r, true
			}
		}
		if !ok || d.renderSide == nil {
			return paas.Errorf(paas.Internal, "Release %d of app %q, which job %q is of, is not known.", row.Release, row.App, row.Job)
		}
		text, err := d.renderSide(rel, row, snap.Bindings)
		if err != nil {
			return err
		}
		if stands := snap.Sides[row.Job]; !bytes.Equal(stands.Text, text) {
			row.Stands, row.Refused, row.CreatedAt = false, "", d.now()
		}
		row.Text = text
		change.Sides[i] = row
	}
	return nil
}

// taskID is the job of a deployment's task. The number of the release makes it new for each push, and
// the same after a crash.
func taskID(d paas.Deployment, task string) string {
	return paas.SideJob{App: d.App, Kind: paas.JobTask, Name: task, Last: strconv.Itoa(d.Release)}.String()
}
