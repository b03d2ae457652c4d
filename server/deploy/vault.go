package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Configs knows the versions of apps' config and secrets, not what is in them.
type Configs interface {
	// Newest is the newest version that Vault has, 0 for none. It asks Vault only where that is not
	// settled.
	Newest(ctx context.Context, ref paas.AppRef) (version int, err error)
	// Has says whether a version can still be read. Code: unavailable.
	Has(ctx context.Context, ref paas.AppRef, version int) (bool, error)
	// Keys names what a version holds. Code: not_found.
	Keys(ctx context.Context, ref paas.AppRef, version int) ([]paas.ConfigKey, error)
	// Forget deletes all versions of an app that is no more; none is as well. Code: unavailable.
	Forget(ctx context.Context, ref paas.AppRef) error
}

// Access is what the jobs of apps may read in Vault. Codes: unavailable, forbidden.
type Access interface {
	// Ready says why Vault can't serve us now, and changes nothing.
	Ready(ctx context.Context) error
	// Grant lets exactly these jobs of an app, and no others, read what is the app's.
	Grant(ctx context.Context, ref paas.AppRef, jobs []string) error
	// Revoke takes all of that back; none is as well.
	Revoke(ctx context.Context, ref paas.AppRef) error
}

// Variables keeps Nomad variables, which jobs of a team can read. They hold no secrets. Codes: conflict for
// a stale index, unavailable.
type Variables interface {
	// Variable gives nil, 0 for one that is not there.
	Variable(ctx context.Context, team, path string) (items map[string]string, index uint64, err error)
	PutVariable(ctx context.Context, team, path string, items map[string]string, index uint64) error
	DeleteVariable(ctx context.Context, team, path string, index uint64) error
}

// Services holds what a spec asks of services against what there is.
type Services interface {
	// Admit gives what is wrong with the service blocks of a spec: none where all can be had.
	Admit(ctx context.Context, ref paas.AppRef, spec paas.Spec, by string) ([]paas.Fault, error)
}

// usesVault says that a task of the job logs in to Vault as the app before it starts. What a fragment asks
// for another role is its writer's affair.
func usesVault(ref paas.AppRef, job *nomadapi.Job) bool {
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			if t.Vault != nil && t.Vault.Role == paas.VaultRole(ref) {
				return true
			}
		}
	}
	return false
}

// reads says that the programs of a release read something in Vault, or will once its services are bound.
func reads(snap paas.Snapshot, rel paas.Release) bool {
	return len(rel.Spec.Services) > 0 || jobspec.UsesVault(rel, snap.Bindings)
}

// opened makes Vault and Nomad ready for a job that is about to be registered. held says that the walk has
// to wait for Vault, without which none of its new instances would start.
func (d *Deployer) opened(ctx context.Context, snap paas.Snapshot, row paas.Slotted, job *nomadapi.Job, counts map[string]int, out *outcome) (held bool, err error) {
	_, walking := Active(snap)
	err = d.permit(ctx, snap, job)
	if err == nil && walking && d.access != nil && usesVault(snap.App.Ref(), job) && grows(row, counts) {
		err = d.access.Ready(ctx)
	}
	if code := paas.CodeOf(err); walking && (code == paas.Unavailable || code == paas.Forbidden) {
		out.held = strings.TrimRight(paas.MessageOf(err), ".")
		out.cause = vaultCause(out.held)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, d.tell(ctx, snap)
}

// openVault refuses a release that needs Vault while Vault can't serve, before anything of it is written.
func (d *Deployer) openVault(ctx context.Context, snap paas.Snapshot, rel paas.Release) error {
	if d.access == nil || !reads(snap, rel) {
		return nil
	}
	err := d.access.Ready(ctx)
	if err == nil {
		return nil
	}
	code := paas.CodeOf(err)
	if errors.Is(err, context.Canceled) || code != paas.Unavailable && code != paas.Forbidden {
		return err
	}
	return paas.Wrap(code, err, "App %q reads its %s in Vault when it starts, so nothing was changed: %s", rel.App, needs(rel), paas.MessageOf(err))
}

// needs says what a release has in Vault.
func needs(rel paas.Release) string {
	var parts []string
	if rel.Config > 0 {
		parts = append(parts, "configuration")
	}
	if len(rel.Spec.Services) > 0 || len(parts) == 0 {
		parts = append(parts, "services' credentials")
	}
	return strings.Join(parts, " and ")
}

// vaultCause is the row of the table of causes for a Vault that can't serve.
func vaultCause(reason string) paas.Cause {
	if strings.Contains(reason, "sealed") { // the only word it has for that
		return paas.CauseVaultSealed
	}
	return paas.CauseVaultDown
}

// admitServices holds the service blocks of a spec against what there is. Code: invalid, with every fault.
func (d *Deployer) admitServices(ctx context.Context, ref paas.AppRef, spec paas.Spec, by string) error {
	if d.services == nil || len(spec.Services) == 0 {
		return nil
	}
	faults, err := d.services.Admit(ctx, ref, spec, by)
	if err != nil || len(faults) == 0 {
		return err
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}

// pinned gives the newest version of the app's configuration, for a release that is pushed.
func (d *Deployer) pinned(ctx context.Context, ref paas.AppRef, otherwise int) (int, error) {
	if d.configs == nil {
		return otherwise, nil
	}
	version, err := d.configs.Newest(ctx, ref)
	if err != nil {
		return 0, fmt.Errorf("find newest configuration: %w", err)
	}
	return version, nil
}

// unset refuses a spec that wants a key of the configuration as a file which the version lacks: the file
// would be empty. Code: invalid, with every fault.
func (d *Deployer) unset(ctx context.Context, ref paas.AppRef, spec paas.Spec, version int) error {
	if d.configs == nil || len(spec.Secrets) == 0 {
		return nil
	}
	var keys []paas.ConfigKey
	if version > 0 {
		var err error
		if keys, err = d.configs.Keys(ctx, ref, version); err != nil {
			return err
		}
	}
	var faults []paas.Fault
	for _, file := range spec.Secrets {
		if !slices.ContainsFunc(keys, func(k paas.ConfigKey) bool { return k.Name == file.Name }) {
			faults = append(faults, paas.Fault{Location: "secret." + file.Name, Message: fmt.Sprintf(
				"The spec has a secret block for %s, and that key is not set. Set it first: `crumpet secret set %s --stage --app %s`.", file.Name, file.Name, ref.App)})
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}
