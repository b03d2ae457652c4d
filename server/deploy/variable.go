package deploy

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Credentials that reach a program as files change under it: its templates read, in a Nomad variable that
// is named after the job, which generation of each binding's credentials is theirs. The job stays as it
// is.
//
//	nomad/jobs/APP.blue    db = 7, cache = 2

const variableKept = Sweep // between two looks at whether a variable still is as it was written

// readsVariable says that a job's text reads its variable.
func readsVariable(text []byte, job string) bool {
	return bytes.Contains(text, []byte("nomadVar")) && bytes.Contains(text, []byte(paas.JobVariable(paas.ParentJob(job))))
}

// tell writes the variable of a job that reads it, unless it says so already. A name that is no longer
// bound keeps its last number: templates that name it must still find one.
func (d *Deployer) tell(ctx context.Context, snap paas.Snapshot, job string, release int, text []byte) error {
	if d.variables == nil || !readsVariable(text, job) {
		return nil
	}
	team, path := snap.App.Team, paas.JobVariable(job)
	items := jobspec.Follows(snap.Releases[release].Spec, snap.Bindings)
	if d.lastTold(team, path, items) {
		return nil
	}
	if err := d.scheduler.EnsureNamespace(ctx, team); err != nil {
		return err
	}
	stands, index, err := d.variables.Variable(ctx, team, path)
	if err != nil {
		return err
	}
	want := overlaid(stands, items)
	if !maps.Equal(stands, want) || index == 0 {
		if err := d.variables.PutVariable(ctx, team, path, want, index); err != nil {
			return err
		}
		d.log.Debug("variable written", "team", team, "path", path)
	}
	d.mu.Lock()
	d.told[team+" "+path] = itemsTold{items: items, at: d.now()}
	d.mu.Unlock()
	return nil
}

// itemsTold is what was last written to a variable.
type itemsTold struct {
	items map[string]string
	at    time.Time
}

func (d *Deployer) lastTold(team, path string, items map[string]string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, ok := d.told[team+" "+path]
	return ok && maps.Equal(last.items, items) && d.now().Sub(last.at) < variableKept
}

// tellAll writes the variables of all jobs that stand: the credentials of a binding may be others since.
func (d *Deployer) tellAll(ctx context.Context, snap paas.Snapshot) error {
	for _, slot := range slices.Sorted(maps.Keys(snap.Slots)) {
		row := snap.Slots[slot]
		if row.Index == 0 || row.Empty() {
			continue
		}
		if err := d.tell(ctx, snap, paas.JobID(row.App, slot), row.Release, row.Job); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(snap.Sides)) {
		if row := snap.Sides[id]; row.Stands && row.Stop == "" {
			if err := d.tell(ctx, snap, id, row.Release, row.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// untell takes a job's variable away with the job.
func (d *Deployer) untell(ctx context.Context, team, job string, text []byte) error {
	if d.variables == nil || !readsVariable(text, job) || job != paas.ParentJob(job) {
		return nil
	}
	path := paas.JobVariable(job)
	d.mu.Lock()
	delete(d.told, team+" "+path)
	d.mu.Unlock()
	return d.variables.DeleteVariable(ctx, team, path)
}

func overlaid(base, over map[string]string) map[string]string {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, over)
	return all
}
