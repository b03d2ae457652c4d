package deploy

import (
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// reconfigured is the cause of a deployment for another version of the app's configuration.
const reconfigured = "config"

// Reconfigure makes a release of what the app is on its way to, or serves, with another version of its
// configuration, and a pending deployment of it. Codes: not_found for an app without a release, conflict
// for one that is stopped, and as for Deploy.
func (d *Deployer) Reconfigure(ctx context.Context, r paas.Reconfigure) (paas.DeployResult, error) {
	var result paas.DeployResult
	err := d.existing(ctx, r.Ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		head, err := reconfigurable(snap, r)
		if err != nil {
			return paas.Change{}, false, err
		}
		var change paas.Change
		var ok bool
		result, change, ok, err = d.release(reconfigure(head, r), snap)
		if err == nil && ok {
			err = d.openVault(ctx, snap, result.Release)
		}
		return change, ok, err
	})
	return result, err
}

// Reconfigurable says whether Reconfigure of the same request would be refused, and changes nothing. The
// version need not exist yet. Codes as Reconfigure's.
func (d *Deployer) Reconfigurable(ctx context.Context, r paas.Reconfigure) error {
	snap, err := d.store.Snapshot(ctx, r.Ref)
	if err != nil {
		return err
	}
	if snap.App.Deleting {
		return paas.Errorf(paas.Conflict, "App %q is being destroyed.", r.Ref.App)
	}
	_, err = reconfigurable(snap, r)
	return err
}

// reconfigurable gives the release whose spec and artifact the new one takes over.
func reconfigurable(snap paas.Snapshot, r paas.Reconfigure) (paas.Release, error) {
	head, _, ok := heading(snap)
	switch {
	case !ok:
		return head, paas.Errorf(paas.NotFound, "App %q has no release yet: its configuration takes effect with its first push.", r.Ref.App)
	case snap.App.Stopped:
		return head, paas.Errorf(paas.Conflict, "App %q is stopped, and to deploy would start it. Start it with `crumpet start %s`, or leave the change to the next push with --stage.", r.Ref.App, r.Ref.App)
	case r.Supersede || r.Wait:
		return head, nil
	}
	return head, busy(snap, "Wait for it with --wait, turn it back with --supersede, or leave the change to the next push with --stage.")
}

func reconfigure(head paas.Release, r paas.Reconfigure) paas.DeployRequest {
	return paas.DeployRequest{
		Team: r.Ref.Team, App: r.Ref.App, Spec: head.Spec, Artifact: head.Artifact, Runtime: head.Runtime, Config: r.Config, Reconfigured: true,
		By: r.By, Supersede: r.Supersede, Wait: r.Wait, Commit: head.Commit, Dirty: head.Dirty, Note: r.Note,
	}
}

// Rebind walks the serving release to itself where that gives its programs other credentials than they
// have: as variables, credentials reach a program only when it starts. Nothing is done for an app that
// does not run, or whose next deployment has not begun: both take the credentials of then. Codes:
// not_found, conflict while a deployment is under way.
func (d *Deployer) Rebind(ctx context.Context, ref paas.AppRef, cause, by string) (paas.DeployResult, error) {
	var result paas.DeployResult
	err := d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		rel, ok := snap.Releases[snap.App.Release]
		result = paas.DeployResult{Release: rel}
		if _, walking := Active(snap); walking {
			return paas.Change{}, false, busy(snap, unbusy(ref))
		}
		if !ok || snap.App.Stopped || len(snap.Deployments) > 0 {
			return paas.Change{}, false, nil
		}
		key, forced, err := forces(snap, snap.Slots[snap.App.Live], rel, d.render)
		if err != nil || !forced {
			return paas.Change{}, false, err
		}
		now := d.now()
		next := d.deployment(snap, rel.Number, cause, now, func(n *paas.Deployment) { n.Walk, n.Why = true, key })
		change := changeOf(snap)
		change.Deployments = []paas.Deployment{next}
		change.Events = []paas.Event{event(next, now, paas.EventAppChanged, fmt.Sprintf("other credentials (%s), asked for by %s", cause, by))}
		result = paas.DeployResult{Release: rel, Deployment: &next, Changed: true}
		return signed(change, by), true, nil
	})
	return result, err
}
