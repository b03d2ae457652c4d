package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

// rebuild makes a cluster anew out of a backup: the steps of up, and between them what they can't make.
//
//	reach ... vault            up          agents, tokens and certificates as they were: they are in the sealed state
//	store artifacts vault      restore     Vault is opened by the shares of the state
//	consul
//	nomad nomad-acl identity   up          Nomad has no client yet, so nothing starts
//	nomad                      restore     all jobs, Crumpet's and Fabio's too
//	clients jobs               up          clients join, and get what ran
//
// Each run goes through all of it: up changes nothing that is so, and a journal says which parts are back.
type rebuild struct {
	s       *session
	world   *machines
	with    sealed.Identities
	flags   restoreFlags
	restore backup.Restore
	of      backup.Manifest
}

// servesWithin is how long Crumpet may take to serve on a cluster whose steps are all done.
const servesWithin = 5 * time.Minute

func (s *session) rebuild(ctx context.Context, path string, f restoreFlags) error {
	began := time.Now()
	with, err := s.backupIdentities(f.identities)
	if err != nil {
		return err
	}
	wished, err := f.read(s)
	if err != nil {
		return err
	}
	b := rebuild{s: s, with: with, flags: f, restore: s.restoreOf(path, f, with, began)}
	if b.of, err = b.restore.Verify(); err != nil {
		return err
	}
	if len(f.only) == 0 && len(b.of.Of(backup.Vault)) == 0 {
		return paas.Errorf(paas.Invalid, "The backup has no Vault in it, and without its secrets no app can start. Put the other parts back with --only, onto a cluster that `crumpet cluster up` has made.")
	}
	if err := b.bringState(path, wished); err != nil {
		return err
	}
	state, err := s.hold(wished, f.fleetFlags)
	if err != nil {
		return err
	}
	defer func() { _ = state.file.Close() }() // what was saved lies on the disk already
	if b.world, err = s.reach(wished, f.fleetFlags, state.kept); err != nil {
		return err
	}
	defer b.world.close()
	if len(f.only) > 0 {
		err = b.put(ctx, f.only...)
	} else {
		err = b.whole(ctx)
	}
	if err != nil {
		s.fail(err)
		s.say("Run the same command again: it goes on from here.")
		return &saidError{err}
	}
	s.restored(b.of, time.Since(began))
	if slices.Contains(f.only, backup.Vault) {
		s.print("Next      Have Nomad start Crumpet's servers again, and then the apps: Vault does not know the tokens that it gave since the backup.")
		return nil
	}
	s.print("Next      `crumpet cluster token | crumpet login %s`, then: crumpet repair", front(wished))
	return nil
}

// whole makes all of it.
func (b *rebuild) whole(ctx context.Context) error {
	if err := b.unused(ctx); err != nil {
		return err
	}
	if err := b.sameDatabase(ctx); err != nil {
		return err
	}
	if err := b.up(ctx, "reach", "programs", "authority", "consul", "consul-acl", "vault"); err != nil {
		return err
	}
	if err := b.put(ctx, b.has(backup.Store, backup.Artifacts, backup.Vault, backup.Consul)...); err != nil {
		return err
	}
	if err := b.up(ctx, "consul-acl", "vault", "unseal", "nomad", "nomad-acl", "identity"); err != nil {
		return err
	}
	if err := b.put(ctx, b.has(backup.Nomad)...); err != nil {
		return err
	}
	if err := b.up(ctx, bootstrap.Names(bootstrap.Steps())...); err != nil {
		return err
	}
	b.s.say("Waiting for Crumpet to serve.")
	return bootstrap.Until(ctx, servesWithin, b.world.PlatformServes)
}

// has gives those of some kinds that the backup has.
func (b *rebuild) has(kinds ...string) []string {
	return slices.DeleteFunc(kinds, func(kind string) bool { return len(b.of.Of(kind)) == 0 })
}

// unused refuses a cluster that lives, before its steps are done.
func (b *rebuild) unused(ctx context.Context) error {
	ours, err := b.restore.Began(b.of, backup.Vault)
	if err != nil || ours || b.flags.force {
		return err
	}
	machine, err := b.world.VaultFilled(ctx)
	if err != nil || machine == "" { // nothing answers yet on new machines; what lives is looked at again before it is replaced
		return nil
	}
	return paas.Errorf(paas.Conflict, "The cluster %s is in use: Vault on %s has a storage. Restore onto new machines; put single parts back with --only and --force; or use --force to lose all that it holds.", b.world.Fleet.Name, machine)
}

// sameDatabase warns of a database at another place: the servers read its URL from Vault, which comes out of the backup.
func (b *rebuild) sameDatabase(ctx context.Context) error {
	address, err := b.world.Database(ctx)
	if err != nil {
		return err
	}
	if is := databaseOf(address); b.of.Database != "" && is != b.of.Database {
		b.s.say("Warning: the database is %s now, and Crumpet's servers will look for it at %s, as Vault has it from the backup. "+
			"Give the new one that address; or, when this ends at step jobs, have keepers make a root token (vault operator generate-root) and run `crumpet cluster up --vault-token FILE`.", is, b.of.Database)
	}
	return nil
}

// up does some steps.
func (b *rebuild) up(ctx context.Context, names ...string) error {
	steps := slices.DeleteFunc(bootstrap.Steps(), func(s bootstrap.Step) bool { return !slices.Contains(names, s.Name()) })
	show := b.s.followSteps(b.world.World, false)
	defer show.close()
	return bootstrap.Up(ctx, b.world.World, steps, bootstrap.Options{Holder: holder(), Tell: show.tell})
}

// put puts some kinds back.
func (b *rebuild) put(ctx context.Context, kinds ...string) (err error) {
	if len(kinds) == 0 {
		return nil
	}
	restore := b.restore
	restore.Only = kinds
	if restore.Target, err = b.world.target(ctx, kinds, b.with, b.flags.wait); err != nil {
		return err
	}
	return restore.Put(ctx, b.of)
}

// bringState takes the sealed state out of the backup where there is none here. One that is here must be of the same
// cluster: its tokens, certificates and shares are what the restored programs know.
func (b *rebuild) bringState(path string, wished fleet.Fleet) error {
	saved, err := b.savedState(path)
	if err != nil {
		return err
	}
	at := b.flags.state
	has, err := os.ReadFile(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return paas.Wrap(paas.Invalid, err, "The state %s can't be read.", at)
	}
	switch {
	case len(has) == 0 && len(saved) == 0:
		return paas.Errorf(paas.NotFound, "The backup %s has no sealed state in it, and there is no %s: without its tokens and shares nothing opens what the backup holds. Bring the state of that cluster.", path, at)
	case len(saved) == 0:
		return nil
	case len(has) == 0:
		if _, err := sealed.OpenState(path, wished.Name, bytes.NewReader(saved), b.with); err != nil {
			return err
		}
		if err := os.WriteFile(at, saved, 0o600); err != nil {
			return paas.Wrap(paas.Invalid, err, "The state %s can't be written.", at)
		}
		b.s.say("The sealed state was taken out of the backup: %s", at)
		return nil
	}
	return b.sameState(path, wished, saved, has)
}

func (b *rebuild) savedState(path string) ([]byte, error) {
	in, err := openSealed(path, b.with)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // it was read
	var saved bytes.Buffer
	_, err = backup.CopyPart(in, backup.State, &saved)
	return saved.Bytes(), err
}

func (b *rebuild) sameState(path string, wished fleet.Fleet, saved, has []byte) error {
	was, err := sealed.OpenState(path, wished.Name, bytes.NewReader(saved), b.with)
	if err != nil {
		return err
	}
	is, err := sealed.OpenState(b.flags.state, wished.Name, bytes.NewReader(has), b.with)
	if err != nil {
		return err
	}
	if is[bootstrap.KeptCA] != was[bootstrap.KeptCA] {
		return paas.Errorf(paas.Conflict, "The state %s is of another cluster than the backup: it has another authority, and so other tokens and shares. End what was made with it (crumpet cluster destroy) or move it aside: the backup has the right one.", b.flags.state)
	}
	return nil
}
