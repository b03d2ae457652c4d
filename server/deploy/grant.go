package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	grantKept  = 10 * time.Minute // until what was granted is granted again at the next register: somebody may have taken it away
	grantAgain = time.Minute      // between two tries where Vault refuses a program what is granted
)

// granted is what was last granted to an app.
type granted struct {
	jobs string // ids, joined
	at   time.Time
}

// jobsOf are the ids of the jobs that an app has or is about to have: exactly those may log in to Vault
// as the app. Children of a cron log in by their parent's id.
func jobsOf(snap paas.Snapshot) []string {
	ids := []string{paas.JobID(snap.App.Name, paas.Blue), paas.JobID(snap.App.Name, paas.Green)}
	for _, slot := range slices.Sorted(maps.Keys(snap.Slots)) {
		ids = append(ids, paas.JobID(snap.App.Name, slot))
	}
	for id, row := range snap.Sides {
		if row.Kind == paas.JobCron || !row.Seen(snap.Runs).State.Ended() {
			ids = append(ids, paas.ParentJob(id))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// permit lets a job that reads in Vault log in there, before it is registered. What stands granted for a
// moment already costs no call.
func (d *Deployer) permit(ctx context.Context, snap paas.Snapshot, job *nomadapi.Job) error {
	if d.access == nil || !usesVault(snap.App.Ref(), job) {
		return nil
	}
	jobs := jobsOf(snap)
	if !slices.Contains(jobs, *job.ID) {
		jobs = append(jobs, *job.ID)
	}
	return d.grant(ctx, snap.App.Ref(), jobs, grantKept)
}

func (d *Deployer) grant(ctx context.Context, ref paas.AppRef, jobs []string, kept time.Duration) error {
	want := granted{jobs: strings.Join(jobs, " "), at: d.now()}
	d.mu.Lock()
	has := d.grants[ref]
	d.mu.Unlock()
	if has.jobs == want.jobs && want.at.Sub(has.at) < kept {
		return nil
	}
	if err := d.access.Grant(ctx, ref, jobs); err != nil {
		return err
	}
	d.mu.Lock()
	d.grants[ref] = want
	d.mu.Unlock()
	d.log.Debug("vault access granted", "team", ref.Team, "app", ref.App, "jobs", want.jobs)
	return nil
}

// regrant puts back what an app is granted when Vault refuses one of its programs: somebody may have
// restored an old Vault. Nomad tries again by itself.
func (d *Deployer) regrant(ctx context.Context, snap paas.Snapshot) {
	refused := slices.ContainsFunc(snap.Instances, func(i paas.Instance) bool {
		return i.Cause == paas.CauseVaultFailed && !i.Serving()
	})
	if !refused || d.access == nil || snap.App.Deleting {
		return
	}
	if err := d.grant(ctx, snap.App.Ref(), jobsOf(snap), grantAgain); err != nil && ctx.Err() == nil {
		d.log.Warn("vault access not granted", "team", snap.App.Team, "app", snap.App.Name, "err", err)
	}
}

// revoke takes an app that is no more out of Vault: its policy and role, and all versions of its
// configuration. An app that had nothing there goes though Vault is away.
func (d *Deployer) revoke(ctx context.Context, snap paas.Snapshot) error {
	ref := snap.App.Ref()
	had := len(snap.Bindings) > 0
	for _, rel := range snap.Releases {
		had = had || reads(snap, rel)
	}
	if d.configs != nil {
		newest, err := d.configs.Newest(ctx, ref)
		if err != nil && paas.CodeOf(err) != paas.Unavailable {
			return err
		}
		if had = had || newest > 0 || err != nil; newest > 0 || err != nil {
			if err := d.configs.Forget(ctx, ref); err != nil {
				return err
			}
		}
	}
	if d.access == nil {
		return nil
	}
	err := d.access.Revoke(ctx, ref)
	if err != nil && (had || paas.CodeOf(err) != paas.Unavailable) {
		return err
	}
	d.mu.Lock()
	delete(d.grants, ref)
	d.mu.Unlock()
	return nil
}
