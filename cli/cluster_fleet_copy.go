package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

// fleetSource opens a cluster that up has made, to be copied, by what its operator has: cluster.hcl, the sealed state and
// a keeper's key. Whatever can't be asked for is told of before the copy begins.
func (s *session) fleetSource(ctx context.Context, flags fleetFlags, f fleet.Fleet, without []string) (copySource, error) {
	kept, err := s.peek(f, flags)
	if err != nil {
		return copySource{}, err
	}
	if kept.Get(bootstrap.KeptCA) == "" {
		return copySource{}, missingIn(flags.state, "certificate authority")
	}
	m, err := s.reach(f, flags, kept)
	if err != nil {
		return copySource{}, err
	}
	from, err := m.source(ctx, flags.state, without)
	if err != nil {
		m.close()
		return from, err
	}
	from.onClose(m.close)
	return from, nil
}

func (m *machines) source(ctx context.Context, state string, without []string) (copySource, error) {
	programs, err := m.programs(ctx, state, without)
	if err != nil {
		return copySource{}, err
	}
	plane, err := fleetStore(ctx, m.World)
	if err != nil {
		return copySource{}, err
	}
	from, err := plane.source(ctx)
	from.source.Programs = programs
	return from, err
}

// programs are those that are not left out, each found to answer, and to take the token that is kept of it.
func (m *machines) programs(ctx context.Context, state string, without []string) (map[string]backup.Program, error) {
	all := map[string]backup.Program{}
	for kind, open := range map[string]func() (backup.Program, error){
		backup.Vault: func() (backup.Program, error) {
			_, err := m.VaultLogin(ctx)
			return fleetVault{m.World}, err
		},
		backup.Consul: func() (backup.Program, error) {
			if m.Kept.Get(bootstrap.KeptConsulToken) == "" {
				return nil, missingIn(state, "management token of Consul")
			}
			return fleetConsul(ctx, m.World)
		},
		backup.Nomad: func() (backup.Program, error) {
			if m.Kept.Get(bootstrap.KeptNomadToken) == "" {
				return nil, missingIn(state, "management token of Nomad")
			}
			return fleetNomad(ctx, m.World)
		},
	} {
		if slices.Contains(without, kind) {
			continue
		}
		program, err := open()
		if err != nil {
			return nil, err
		}
		all[kind] = program
	}
	return all, nil
}

// fleetVault is the Vault of a fleet, whichever server leads, with a token that is made for each copy: it lives for a
// quarter of an hour only.
type fleetVault struct{ *bootstrap.World }

func (v fleetVault) leader(ctx context.Context, token string) (vaultState, error) {
	machine, err := v.VaultLeading(ctx)
	if err != nil {
		return vaultState{}, err
	}
	return fleetVaultOn(v.World, machine, token)
}

func (v fleetVault) About(ctx context.Context) (backup.About, error) {
	leader, err := v.leader(ctx, "")
	if err != nil {
		return backup.About{}, err
	}
	return leader.About(ctx)
}

func (v fleetVault) Snapshot(ctx context.Context, w io.Writer) error {
	token, err := v.VaultLogin(ctx)
	if err != nil {
		return err
	}
	leader, err := v.leader(ctx, token)
	if err != nil {
		return err
	}
	return leader.Snapshot(ctx, w)
}

// fleetTarget opens what of a fleet is replaced. Programs that are not asked for need not run.
func (m *machines) target(ctx context.Context, kinds []string, with sealed.Identities, wait time.Duration) (backup.Target, error) {
	plane, err := fleetStore(ctx, m.World)
	if err != nil {
		return backup.Target{}, err
	}
	to := backup.Target{Store: databaseState{plane.store}, Artifact: plane.putShared, Programs: map[string]backup.ProgramTarget{}}
	if slices.Contains(kinds, backup.Vault) {
		to.Programs[backup.Vault] = fleetVaultTarget{World: m.World, with: with, wait: wait}
	}
	if slices.Contains(kinds, backup.Consul) {
		if to.Programs[backup.Consul], err = fleetConsul(ctx, m.World); err != nil {
			return to, err
		}
	}
	if slices.Contains(kinds, backup.Nomad) {
		to.Programs[backup.Nomad], err = fleetNomad(ctx, m.World)
	}
	return to, err
}

// fleetVaultTarget is the Vault of a fleet, whose storage is replaced: it holds nothing, or what it holds may be lost.
type fleetVaultTarget struct {
	*bootstrap.World
	with sealed.Identities
	wait time.Duration
}

func (v fleetVaultTarget) first() string { return v.Fleet.Of(fleet.Server)[0].Name }

func (v fleetVaultTarget) About(ctx context.Context) (backup.About, error) {
	if err := v.VaultStarted(ctx); err != nil {
		return backup.About{}, err
	}
	first, err := fleetVaultOn(v.World, v.first(), "")
	if err != nil {
		return backup.About{}, err
	}
	return first.About(ctx)
}

func (v fleetVaultTarget) Filled(ctx context.Context) (string, error) {
	machine, err := v.VaultFilled(ctx)
	if err != nil || machine == "" {
		return "", err
	}
	return "a storage already, on " + machine, nil
}

func (v fleetVaultTarget) Mark(context.Context) ([]string, error) { return nil, nil }

// RestoreSnapshot makes Vault anew first. So a restore that died after it had initialized Vault, with a key that nobody
// has, goes on here as if it had not.
func (v fleetVaultTarget) RestoreSnapshot(ctx context.Context, p backup.Part, r io.Reader) error {
	machine, err := v.VaultAnew(ctx)
	if err != nil {
		return err
	}
	only, err := fleetVaultOn(v.World, machine, "")
	if err != nil {
		return err
	}
	return vaultTarget{only, v.wait}.RestoreSnapshot(ctx, p, r)
}

// Settle has the keepers open every server, this one's at once.
func (v fleetVaultTarget) Settle(ctx context.Context, p backup.Part, _ []string, say func(string, ...any)) error {
	if err := v.VaultReopened(ctx, v.with.OpenBytes, v.wait, say); err != nil {
		return paas.Wrap(paas.CodeOf(err), err, "Vault has the storage of the backup and was not opened with the shares of that time. %s Run the same command again: it goes on from here.", paas.MessageOf(err))
	}
	leader, err := fleetVault{v.World}.leader(ctx, "")
	if err != nil {
		return err
	}
	return vaultTarget{leader, v.wait}.taken(ctx, p)
}
