package deploy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// convergeSides makes Nomad's side jobs what their rows say, and gives what the rows are to say of
// that. It may be called at any time and after any crash: registers are compare-and-set, and a task
// or run that is there already is ours. One that fails does not keep the others waiting.
func (d *Deployer) convergeSides(ctx context.Context, snap paas.Snapshot) (paas.Change, error) {
	change := changeOf(snap)
	look := d.mayLook(snap.App.Ref())
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(snap.Sides)) {
		row := snap.Sides[id]
		after, drop, err := d.convergeSide(ctx, snap, row, look)
		switch {
		case err != nil:
			errs = append(errs, err)
		case drop:
			change.DropSides = append(change.DropSides, id)
		case after.Index != row.Index || after.Stands != row.Stands || after.Refused != row.Refused:
			change.Sides = append(change.Sides, after)
		}
		if after.Refused != "" && row.Refused == "" {
			change.Events = append(change.Events, paas.Event{
				Time: d.now(), Team: row.Team, App: row.App, Kind: paas.EventRunState, Release: row.Release, Deployment: row.Deployment,
				Process: row.Name, Message: string(row.Kind) + " " + row.Name + " was refused: " + after.Refused,
			})
		}
		if row.Kind == paas.JobCron && row.Stands && !after.Stands && row.Stop == "" && err == nil {
			change.Events = append(change.Events, paas.Event{
				Time: d.now(), Team: row.Team, App: row.App, Kind: paas.EventDrift, Message: driftText([]string{id}),
			})
		}
	}
	return change, errors.Join(errs...)
}

func (d *Deployer) convergeSide(ctx context.Context, snap paas.Snapshot, row paas.Side, look bool) (_ paas.Side, drop bool, err error) {
	firing := row.Kind == paas.JobCron && row.Job != paas.ParentJob(row.Job)
	switch {
	case row.Stop != "" && row.Kind == paas.JobCron && !firing:
		return row, true, d.forget(ctx, row)
	case (row.Once() || firing) && forgettable(row, snap, d.now()):
		return row, true, d.forget(ctx, row)
	case row.Stop != "" && (row.Stands || row.Index == 0):
		if err := d.endSide(ctx, row); err != nil {
			return row, false, err
		}
		row.Stands, row.Index = false, max(row.Index, 1)
		return row, false, nil
	case row.Stop != "", row.Refused != "" && (row.Once() || !look): // a cron may be taken yet
		return row, false, nil
	case !row.Stands:
		row, err := d.registerSide(ctx, snap, row)
		return row, false, err
	case row.Kind == paas.JobCron && look:
		job, err := d.scheduler.Job(ctx, row.Team, row.Job)
		if err != nil {
			return row, false, err
		}
		row.Stands = job != nil && deref(job.JobModifyIndex) == row.Index
		return row, false, nil
	}
	return row, false, nil
}

// endSide ends a task or run. It is not purged: what it wrote can still be read.
func (d *Deployer) endSide(ctx context.Context, row paas.Side) error {
	if purgeable(row.Job) {
		return d.scheduler.Deregister(ctx, row.Team, row.Job, false)
	}
	return stopJob(ctx, d.scheduler, row.Team, row.Job)
}

// registerSide registers a cron in place of what stands there, and anything else only if nothing does.
func (d *Deployer) registerSide(ctx context.Context, snap paas.Snapshot, row paas.Side) (paas.Side, error) {
	job, err := jobspec.Decode(row.Text)
	if err != nil {
		return row, paas.Wrap(paas.Internal, err, "The stored text of job %q can't be read.", row.Job)
	}
	now, err := d.scheduler.Job(ctx, row.Team, row.Job)
	if err != nil {
		return row, err
	}
	if row.Once() {
		switch {
		case now != nil && !formerLife(now, row): // registered before a crash
			row.Index, row.Stands = deref(now.JobModifyIndex), true
			return row, nil
		case d.now().Sub(row.CreatedAt) > SideKept: // it may have run, and Nomad have forgotten it
			row.Refused = "Nomad could not be asked to run " + row.Name + " for an hour, or has forgotten that it did"
			return row, nil
		}
	}
	if err := d.scheduler.EnsureNamespace(ctx, row.Team); err != nil {
		return row, err
	}
	index := uint64(0)
	if now != nil {
		index = deref(now.JobModifyIndex)
	}
	if err := d.permit(ctx, snap, job); err != nil {
		return row, err
	}
	if err := d.tell(ctx, snap); err != nil {
		return row, err
	}
	answer, err := d.scheduler.Register(ctx, row.Team, job, index)
	switch code := paas.CodeOf(err); {
	case err == nil:
		d.log.Debug("side job registered", "app", row.App, "job", row.Job, "eval", answer.EvalID, "index", answer.JobModifyIndex)
		row.Index, row.Stands, row.Refused = answer.JobModifyIndex, true, ""
	case code == paas.Invalid, code == paas.Internal && d.now().Sub(row.CreatedAt) > sideRefuse:
		row.Refused = paas.MessageOf(err)
	default:
		return row, err
	}
	return row, nil
}

// mayLook says that it is time to see whether the crons of an app still stand.
func (d *Deployer) mayLook(ref paas.AppRef) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if last, ok := d.looks[ref]; ok && now.Sub(last) < SideDrift {
		return false
	}
	d.looks[ref] = now
	return true
}

// turnSides does the next thing for an app's side jobs. now is from before the snapshot: a run that it lacks may
// have come since, and is not late. moved says that something was written, and the
// snapshot is old.
func (d *Deployer) turnSides(ctx context.Context, epoch int64, snap paas.Snapshot, now time.Time) (moved bool, err error) {
	change, ok := sides(snap, now)
	if !ok && halted(snap) == "" {
		if change.Sides, err = d.stale(snap); err != nil {
			return false, err
		}
		ok = len(change.Sides) > 0
	}
	if ok {
		if err := d.written(snap, &change); err != nil {
			return false, err
		}
		return true, d.save(ctx, epoch, snap, change)
	}
	change, err = d.convergeSides(ctx, snap)
	if len(change.Sides)+len(change.DropSides) > 0 {
		return true, errors.Join(d.save(ctx, epoch, snap, change), err)
	}
	return false, err
}

// burySides takes the side jobs of an app that is to go out of Nomad, once none of them runs.
func (d *Deployer) burySides(ctx context.Context, snap paas.Snapshot) (gone bool, err error) {
	jobs := map[string]paas.Side{}
	for _, run := range snap.Runs {
		if run.Placed() && !run.State.Ended() {
			return false, nil
		}
		jobs[run.Job] = paas.Side{Team: run.Team, Job: run.Job}
	}
	maps.Copy(jobs, snap.Sides)
	for _, id := range slices.Sorted(maps.Keys(jobs)) {
		if err := d.forget(ctx, jobs[id]); err != nil && paas.CodeOf(err) != paas.NotFound {
			return false, err
		}
	}
	return true, nil
}
