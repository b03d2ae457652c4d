package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// copySource is a control plane opened to be copied.
type copySource struct {
	source backup.Source
	close  func()
}

func openSource(ctx context.Context, file string) (copySource, error) {
	p, err := openControlPlane(file)
	if err != nil {
		return copySource{}, err
	}
	from, err := p.source(ctx)
	if err != nil {
		return from, err
	}
	from.source.Programs = p.programs()
	from.onClose(p.nomad.Close)
	return from, nil
}

// source opens the store and where its artifacts are.
func (p controlPlane) source(ctx context.Context) (copySource, error) {
	opened, err := store.OpenAsIs(ctx, p.store)
	if err != nil {
		return copySource{}, err
	}
	folder := blob.NewView(p.blobs())
	return copySource{
		close: func() { _ = opened.Close() }, // it was read
		source: backup.Source{
			Store: opened, Database: databaseOf(p.store.URL),
			Artifact: func(ctx context.Context, digest string) (io.ReadCloser, error) {
				if p.data == "" {
					content, _, err := opened.OpenBlob(ctx, digest)
					return content, err
				}
				content, _, err := folder.Open(ctx, digest)
				return content, err
			},
		},
	}, nil
}

func (c *copySource) onClose(do func()) {
	before := c.close
	c.close = func() { before(); do() }
}

// copyTarget is a control plane opened to be replaced.
type copyTarget struct {
	target backup.Target
	close  func()
}

func openTarget(file string, wait time.Duration) (copyTarget, error) {
	p, err := openControlPlane(file)
	if err != nil {
		return copyTarget{}, err
	}
	r := copyTarget{close: p.nomad.Close, target: backup.Target{Store: databaseState{p.store}, Programs: p.targets(wait)}}
	if p.data == "" {
		r.target.Artifact = p.putShared
		return r, nil
	}
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return copyTarget{}, paas.Wrap(paas.Internal, err, "The data folder %s can't be made.", p.data)
	}
	lock, err := server.LockFolder(p.data)
	if err != nil {
		return copyTarget{}, err
	}
	r.close = func() { p.nomad.Close(); _ = lock.Close() } // which frees the folder
	folder, err := blob.Open(p.blobs())
	if err != nil {
		r.close()
		return copyTarget{}, err
	}
	r.target.Artifact = folder.PutAs
	return r, nil
}

// putShared puts an artifact into the database, by way of a folder that is gone afterwards: the database takes only
// what was verified.
func (p controlPlane) putShared(ctx context.Context, digest string, content io.Reader) (err error) {
	dir, err := os.MkdirTemp("", "crumpet-restore-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	folder, err := blob.Open(dir)
	if err != nil {
		return err
	}
	opened, err := store.OpenAsIs(ctx, p.store)
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // PutAs has committed
	return blob.NewShared(folder, opened).PutAs(ctx, digest, content)
}

type databaseState struct{ cfg store.Config }

func (d databaseState) Holds(ctx context.Context, of paas.Dump) (bool, error) {
	return store.Holds(ctx, d.cfg, of)
}

func (d databaseState) Restore(ctx context.Context, force bool, r io.Reader) error {
	return store.Restore(ctx, d.cfg, force, r)
}

// settleLimit bounds how long a program may take to serve again after its state was replaced.
const settleLimit = 2 * time.Minute

// eventually tries until it is done, or the limit is over; a program that has just got another state elects a leader first.
func eventually(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil || paas.CodeOf(err) == paas.Forbidden {
			return err
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// otherToken explains a refusal after a restore: tokens are those of the backup.
func otherToken(program, variable string, err error) error {
	if paas.CodeOf(err) != paas.Forbidden {
		return err
	}
	return paas.Wrap(paas.Forbidden, err, "%s has the tokens of the backup now. Set %s to a management token of the cluster that was backed up, and run the same command again: it goes on from here.", program, variable)
}

type nomadState struct{ *nomad.Client }

func (n nomadState) About(ctx context.Context) (about backup.About, err error) {
	about.Version, err = n.Ping(ctx)
	return about, err
}

func (n nomadState) RestoreSnapshot(ctx context.Context, _ backup.Part, r io.Reader) error {
	return n.Client.RestoreSnapshot(ctx, r)
}

func (n nomadState) Filled(ctx context.Context) (string, error) {
	ids, err := n.JobIDs(ctx)
	// The platform's own jobs are there as soon as a cluster is up.
	ids = slices.DeleteFunc(ids, func(id string) bool {
		_, name, _ := strings.Cut(id, "/")
		return name == "fabio" || name == "crumpet"
	})
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return fmt.Sprintf("%d jobs, such as %s", len(ids), ids[0]), nil
}

// Mark names the nodes that are there before.
func (n nomadState) Mark(ctx context.Context) ([]string, error) {
	nodes, err := n.NodeIndexes(ctx)
	var ids []string
	for id := range nodes {
		ids = append(ids, id)
	}
	return ids, err
}

// Settle takes away the nodes of the cluster that is gone, which would count as alive for minutes: what ran there is
// placed on those that are here.
func (n nomadState) Settle(ctx context.Context, p backup.Part, mark []string, say func(string, ...any)) error {
	err := eventually(ctx, settleLimit, func(ctx context.Context) error {
		nodes, err := n.NodeIndexes(ctx)
		if err != nil {
			return err
		}
		gone := 0
		for id, index := range nodes {
			if slices.Contains(mark, id) || index > p.Index {
				continue
			}
			if err := n.PurgeNode(ctx, id); err != nil {
				return err
			}
			gone++
		}
		if gone > 0 {
			say("%d nodes of the cluster that is gone were purged", gone)
		}
		return nil
	})
	return otherToken("Nomad", "NOMAD_TOKEN", err)
}

type consulState struct{ *consul.Client }

func (c consulState) About(ctx context.Context) (about backup.About, err error) {
	about.Version, err = c.Version(ctx)
	return about, err
}

func (c consulState) RestoreSnapshot(ctx context.Context, _ backup.Part, r io.Reader) error {
	return c.Client.RestoreSnapshot(ctx, r)
}

func (c consulState) Filled(ctx context.Context) (string, error) {
	has, err := c.HasRules(ctx)
	if err != nil || !has {
		return "", err
	}
	return "rules of apps in its KV", nil
}

func (c consulState) Mark(context.Context) ([]string, error) { return nil, nil }

func (c consulState) Settle(ctx context.Context, _ backup.Part, _ []string, say func(string, ...any)) error {
	err := eventually(ctx, settleLimit, func(ctx context.Context) error {
		gone, err := c.DropStrangers(ctx)
		if len(gone) > 0 {
			say("nodes that are gone were taken out of the catalog: %s", strings.Join(gone, ", "))
		}
		return err
	})
	return otherToken("Consul", "CONSUL_HTTP_TOKEN", err)
}

type vaultState struct{ *vault.Client }

func (v vaultState) About(ctx context.Context) (backup.About, error) {
	state, err := v.State(ctx)
	return backup.About{Version: state.Version, ID: state.Cluster, Shares: state.Shares, Threshold: state.Threshold}, err
}

// within gives a target that waits so long for somebody to unseal it.
func (v vaultState) within(wait time.Duration) backup.ProgramTarget { return vaultTarget{v, wait} }

type vaultTarget struct {
	vaultState
	wait time.Duration
}

func (v vaultTarget) Filled(ctx context.Context) (string, error) {
	state, err := v.State(ctx)
	switch {
	case err != nil:
		return "", err
	case !state.Initialized:
		return "", nil
	case state.Sealed:
		return "", paas.Errorf(paas.Unavailable, "Vault is initialized and sealed. Unseal it with its own shares, or begin with one that is not initialized: stop its servers, empty their data folders, and start them again.")
	}
	has, err := v.HasApps(ctx)
	if err != nil || !has {
		return "", err
	}
	return "configurations of apps", nil
}

func (v vaultTarget) Mark(context.Context) ([]string, error) { return nil, nil }

// RestoreSnapshot initializes a Vault that is new, with a key that nobody keeps: the backup brings its own. That key has
// as many shares as the one of the backup, since Vault goes on to ask for this number until it is started again.
func (v vaultTarget) RestoreSnapshot(ctx context.Context, p backup.Part, r io.Reader) error {
	state, err := v.State(ctx)
	if err != nil {
		return err
	}
	if !state.Initialized {
		if err := v.Begin(ctx, p.Shares, p.Threshold); err != nil {
			return err
		}
	}
	// One that does not lead yet takes the snapshot, seals itself and has dropped it.
	if err := eventually(ctx, settleLimit, v.leads); err != nil {
		return err
	}
	return v.Client.RestoreSnapshot(ctx, r)
}

func (v vaultTarget) leads(ctx context.Context) error {
	state, err := v.State(ctx)
	if err == nil && (state.Sealed || state.Standby) {
		err = paas.Errorf(paas.Unavailable, "Vault does not lead: it is sealed, or VAULT_ADDR names a server that follows. If an interrupted restore has initialized it, its key is lost: stop its servers, empty their data folders, and start them again.")
	}
	return err
}

// Settle waits until Vault is unsealed with the shares that it had when the backup was made, and has the id that it
// had then.
func (v vaultTarget) Settle(ctx context.Context, p backup.Part, _ []string, say func(string, ...any)) error {
	told := false
	sealed := errors.New("sealed")
	err := eventually(ctx, v.wait, func(ctx context.Context) error {
		state, err := v.State(ctx)
		switch {
		case err != nil:
			return err
		case !state.Sealed:
			return hasTaken(state, p)
		}
		if !told {
			say("is sealed: unseal every server of it with shares of the cluster that was backed up, by `vault operator unseal` (waiting %s)", v.wait)
			told = true
		}
		return sealed
	})
	if errors.Is(err, sealed) {
		return paas.Wrap(paas.Unavailable, err, "Vault was not unsealed within %s. Unseal it with shares of the cluster that was backed up, and run the same command again: it goes on from here.", v.wait)
	}
	return err
}

// taken says whether a Vault that is open has the storage of the backup.
func (v vaultTarget) taken(ctx context.Context, p backup.Part) error {
	state, err := v.State(ctx)
	if err != nil {
		return err
	}
	return hasTaken(state, p)
}

func hasTaken(state vault.State, p backup.Part) error {
	if p.ID == "" || state.Cluster == p.ID {
		return nil
	}
	return paas.Errorf(paas.Internal, "Vault has not taken the snapshot: it is cluster %s, and the backup is of %s. Its log says why. Restore it again, with another --journal.", state.Cluster, p.ID)
}
