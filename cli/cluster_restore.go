package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/sealed"
	"github.com/crumpet-paas/crumpet/server/store"
)

type restoreFlags struct {
	fleetFlags
	config, journal string
	only            []string
	force           bool
	wait            time.Duration
}

func newClusterRestoreCmd(s *session) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a cluster anew out of a backup",
		Long: `Puts a backup back, in this order: the store, the artifacts, Vault, Consul, Nomad. The backup is read to its end
before anything is changed. Then each part takes the place of what was there: tokens, keys and shares are those of the
cluster that was backed up. Machines that are gone are taken out of Consul and Nomad, and what ran there is placed on
those that are here.

With --file it makes the whole cluster, out of empty machines and an empty database: it takes the sealed state out of
the backup where none is beside cluster.hcl, does the steps of "crumpet cluster up" and puts each part back between
them, before the first app may start. Vault is opened with the shares that are sealed to you; where more are needed it
says so and waits for other keepers, who run "crumpet cluster unseal". A cluster that holds something is refused.
With --only it puts back those parts alone, on a cluster that is there.

Without --file the programs and the store are reached as for "crumpet cluster backup", by --config and the environment:
there the programs must run already, with nothing in them, and Crumpet's servers must not. Vault is waited for until
somebody has unsealed it.

What is done stands in a journal, FILE.restore: the same command again goes on after the last part that was done.`,
		Example: `  crumpet cluster restore monday.age --file cluster.hcl
  crumpet cluster restore monday.age --file cluster.hcl --only vault --force
  crumpet cluster restore monday.age --identity ~/.ssh/id_ed25519 --config /etc/crumpet/server.hcl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.journal == "" {
				f.journal = args[0] + ".restore"
			}
			if f.file != "" {
				return s.rebuild(cmd.Context(), args[0], f)
			}
			return s.clusterRestore(cmd.Context(), args[0], f)
		},
	}
	identityFlag(cmd, &f.identities)
	flags := cmd.Flags()
	flags.StringVar(&f.file, "file", "", "cluster.hcl of the cluster that is made")
	flags.StringVar(&f.state, "state", "", "sealed state (default NAME.cluster.age beside cluster.hcl, else that of the backup)")
	flags.BoolVar(&f.trustNew, "trust-new-hosts", false, "write down the SSH keys of machines that are not known yet")
	flags.StringVar(&f.config, "config", "", "configuration file of the server, HCL")
	flags.StringArrayVar(&f.only, "only", nil, "put back store, artifacts, vault, consul or nomad alone; once for each")
	flags.BoolVar(&f.force, "force", false, "replace also what is not empty")
	flags.DurationVar(&f.wait, "wait", 10*time.Minute, "for Vault to be unsealed")
	flags.StringVar(&f.journal, "journal", "", "file that says what is done (default FILE.restore)")
	exclusive(cmd, "file", "config")
	return cmd
}

func (s *session) clusterRestore(ctx context.Context, path string, f restoreFlags) error {
	with, err := s.backupIdentities(f.identities)
	if err != nil {
		return err
	}
	to, err := openTarget(f.config, f.wait)
	if err != nil {
		return err
	}
	defer to.close()
	began := time.Now()
	restore := s.restoreOf(path, f, with, began)
	restore.Target = to.target
	m, err := restore.Run(ctx)
	if err != nil {
		return err
	}
	s.restored(m, time.Since(began))
	s.print("Next      Start Crumpet's servers, then: crumpet repair")
	return nil
}

// restoreOf is the restore of a file, without a target yet.
func (s *session) restoreOf(path string, f restoreFlags, with sealed.Identities, began time.Time) backup.Restore {
	return backup.Restore{
		Open: func() (io.ReadCloser, error) { return openSealed(path, with) },
		Only: f.only, Force: f.force, Journal: f.journal, Now: time.Now,
		Say: func(kind, format string, args ...any) {
			s.say("%6.1f s  %-9s  "+format, append([]any{time.Since(began).Seconds(), kind}, args...)...)
		},
	}
}

// restored says what is back, and what is not.
func (s *session) restored(m backup.Manifest, took time.Duration) {
	at := m.Store.At.Format(time.RFC3339)
	s.print("Restored in %.1f s: the control plane is as it was at %s, %s ago.", took.Seconds(), at, time.Since(m.Store.At).Round(time.Second))
	s.print("")
	s.print("Back      every change that was acknowledged until then: events to %d, audit to %d.", m.Store.LastEvent, m.Store.LastAudit)
	s.print("Lost      every change that was acknowledged later. New events have numbers above %d, so one below that and", m.Store.LastEvent+store.EventGap)
	s.print("          above %d, in a log or a notification of somebody, tells of a change that is gone.", m.Store.LastEvent)
	if len(m.LeftOut) > 0 {
		s.print("          %s: left out of the backup.", strings.Join(m.LeftOut, ", "))
	}
	if n := m.Store.Rows["volumes"]; n > 0 {
		s.print("          The files of %d volumes, unless their nodes are still there.", n)
	}
	s.print("")
}
