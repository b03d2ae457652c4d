package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Ledger is what rolling back reads of the releases that were. Code for what is not there: not_found.
type Ledger interface {
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	Endings(ctx context.Context, ref paas.AppRef) ([]paas.Ending, error)
}

// Artifacts says whether the content of an artifact is kept.
type Artifacts interface {
	Has(ctx context.Context, digest string) (bool, error)
}

// Rollback makes a new release with the spec, the artifact and the configuration of an earlier one,
// and a pending deployment of it, unless that is what serves already. Codes: not_found when there is
// no such release, conflict when what it needs is gone, or as for Deploy.
func (d *Deployer) Rollback(ctx context.Context, r paas.RollbackRequest) (paas.DeployResult, error) {
	var result paas.DeployResult
	// The release is read anew for each try: retention, which drops releases, moves the app's version.
	err := d.existing(ctx, r.Ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		request, err := d.restoring(ctx, snap, r)
		if err != nil {
			return paas.Change{}, false, err
		}
		if err := d.unmoved(ctx, snap, request); err != nil {
			return paas.Change{}, false, err
		}
		var change paas.Change
		var ok bool
		result, change, ok, err = d.release(request, snap)
		if err == nil && ok {
			err = d.openVault(ctx, snap, result.Release)
		}
		return change, ok, err
	})
	return result, err
}

// PlanRollback says what Rollback of the same request would do, and writes nothing anywhere.
func (d *Deployer) PlanRollback(ctx context.Context, r paas.RollbackRequest) (paas.Plan, error) {
	snap, err := d.store.Snapshot(ctx, r.Ref)
	if err != nil {
		return paas.Plan{}, err
	}
	request, err := d.restoring(ctx, snap, r)
	if err != nil {
		return paas.Plan{}, err
	}
	return d.Plan(ctx, request)
}

// restoring turns a wish to roll back into one to deploy, held against today's policy and routes.
func (d *Deployer) restoring(ctx context.Context, snap paas.Snapshot, r paas.RollbackRequest) (paas.DeployRequest, error) {
	old, err := d.target(ctx, snap, r)
	if err != nil {
		return paas.DeployRequest{}, err
	}
	if err := d.kept(ctx, old); err != nil {
		return paas.DeployRequest{}, err
	}
	if err := d.readable(ctx, old); err != nil {
		return paas.DeployRequest{}, err
	}
	request, err := d.admit(paas.DeployRequest{
		Team: r.Ref.Team, App: r.Ref.App, Spec: old.Spec, Artifact: old.Artifact, Runtime: old.Runtime, Config: old.Config,
		By: r.By, Sight: r.Sight, Supersede: r.Supersede, Wait: r.Wait, Base: r.Base,
		Commit: old.Commit, Dirty: old.Dirty, Note: r.Note, RollbackTo: old.Number,
	})
	if err != nil {
		return paas.DeployRequest{}, err
	}
	if err := d.admitServices(ctx, r.Ref, request.Spec, r.By); err != nil {
		return paas.DeployRequest{}, err
	}
	return request, d.free(ctx, r.Ref, request.Spec, r.Sight)
}

// target is the release that is to be restored.
func (d *Deployer) target(ctx context.Context, snap paas.Snapshot, r paas.RollbackRequest) (paas.Release, error) {
	if r.To == 0 {
		return d.before(ctx, snap)
	}
	old, err := d.store.Release(ctx, r.Ref, r.To)
	switch {
	case paas.CodeOf(err) != paas.NotFound:
		return old, err
	case r.To > snap.Newest:
		return old, paas.Errorf(paas.NotFound, "App %q has no release %d; its newest is %d. `crumpet releases %s` lists those there are.", r.Ref.App, r.To, snap.Newest, r.Ref.App)
	}
	return old, paas.Errorf(paas.NotFound,
		"Release %d of app %q is not kept any more: the server's retention let it go. `crumpet releases %s` lists those there are.", r.To, r.Ref.App, r.Ref.App)
}

// before is the last release before the one that serves that was healthy and is another. Where a
// rollback serves, before means before what it restored: a second rollback goes further back, not
// forth to what was left for a reason.
func (d *Deployer) before(ctx context.Context, snap paas.Snapshot) (paas.Release, error) {
	ref := snap.App.Ref()
	live, ok := snap.Releases[snap.App.Release]
	if !ok {
		return paas.Release{}, paas.Errorf(paas.Conflict, "App %q has no release that ever served, so there is none to go back to.", ref.App)
	}
	endings, err := d.store.Endings(ctx, ref)
	if err != nil {
		return paas.Release{}, err
	}
	first := live.Number
	for origin := live; origin.RollbackTo > 0; {
		first = origin.RollbackTo
		if origin, err = d.store.Release(ctx, ref, first); paas.CodeOf(err) == paas.NotFound {
			break
		}
		if err != nil {
			return paas.Release{}, err
		}
	}
	var gone error // of the first whose configuration can't be had any more
	for _, number := range Served(endings, first) {
		old, err := d.store.Release(ctx, ref, number)
		if paas.CodeOf(err) == paas.NotFound {
			continue // its deployment is remembered for longer than it is
		}
		if err != nil {
			return old, err
		}
		if old.SameAs(live) {
			continue
		}
		unreadable := d.readable(ctx, old)
		if paas.CodeOf(unreadable) != paas.Conflict { // what else is wrong is said of this release
			return old, nil
		}
		gone = cmp.Or(gone, unreadable)
	}
	if gone != nil {
		return paas.Release{}, gone
	}
	return paas.Release{}, paas.Errorf(paas.Conflict,
		"App %q serves release %d, and no other release before it is kept that was healthy. Name one: `crumpet rollback %s N`; `crumpet releases %s` lists them.",
		ref.App, live.Number, ref.App, ref.App)
}

// Served gives the releases below a number that have been healthy, the last first.
func Served(endings []paas.Ending, below int) []int {
	var list []int
	for _, e := range endings {
		if e.State == paas.DeploymentHealthy && e.Release < below {
			list = append(list, e.Release)
		}
	}
	slices.Sort(list)
	slices.Reverse(list)
	return slices.Compact(list)
}

// kept refuses a release whose bytes are gone.
func (d *Deployer) kept(ctx context.Context, old paas.Release) error {
	gone, err := d.gone(ctx, old.Artifact, old.Runtime)
	if err != nil || gone == "" {
		return err
	}
	return paas.Errorf(paas.Conflict, "The artifact %s of release %d of app %q is gone from the server, so the release can't be restored. Push its source again%s.",
		shortDigest(gone), old.Number, old.App, commitText(old))
}

// readable refuses a release whose version of the configuration is gone from Vault.
func (d *Deployer) readable(ctx context.Context, old paas.Release) error {
	if d.configs == nil || old.Config == 0 {
		return nil
	}
	has, err := d.configs.Has(ctx, old.Ref(), old.Config)
	switch {
	case paas.CodeOf(err) == paas.Unavailable:
		return paas.Wrap(paas.Unavailable, err, "Whether version %d of the configuration of app %q, which release %d had, is still there can't be seen, so nothing was changed: %s", old.Config, old.App, old.Number, paas.MessageOf(err))
	case err != nil || has:
		return err
	}
	return paas.Errorf(paas.Conflict, "Version %d of the configuration of app %q, which release %d had, is gone from Vault, so the release can't be restored. Choose another one: `crumpet releases %s` lists them.",
		old.Config, old.App, old.Number, old.App)
}

// stored refuses a request whose bytes are not on the server: a plan may be older than what it was made
// from is kept.
func (d *Deployer) stored(ctx context.Context, r paas.DeployRequest) error {
	gone, err := d.gone(ctx, r.Artifact, r.Runtime)
	if err != nil || gone == "" {
		return err
	}
	return paas.Errorf(paas.Conflict, "The artifact %s is not on the server: it was never built there, or is kept no longer. Push the source of app %q.", shortDigest(gone), r.App)
}

// gone gives the first of the digests that has no content.
func (d *Deployer) gone(ctx context.Context, digests ...string) (string, error) {
	for _, digest := range digests {
		if digest == "" {
			continue
		}
		if has, err := d.artifacts.Has(ctx, digest); err != nil || !has {
			return digest, err
		}
	}
	return "", nil
}

func commitText(rel paas.Release) string {
	if rel.Commit == "" {
		return ""
	}
	return ": commit " + shortDigest(rel.Commit)
}

// rollback is the cause of a deployment that restores a release.
const rollback = "rollback"

// askedFor is what the user asked for, in one word.
func askedFor(r paas.DeployRequest) string {
	switch {
	case r.RollbackTo > 0:
		return rollback
	case r.Reconfigured:
		return reconfigured
	}
	return "push"
}

func createdText(rel paas.Release) string {
	text := fmt.Sprintf("release %d created by %s", rel.Number, rel.CreatedBy)
	if rel.RollbackTo > 0 {
		text += fmt.Sprintf(", restoring release %d", rel.RollbackTo)
	}
	if rel.Note != "" {
		text += ": " + rel.Note
	}
	return text
}
