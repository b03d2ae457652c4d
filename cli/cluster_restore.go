package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/store"
)

type restoreFlags struct {
	config, journal  string
	identities, only []string
	force            bool
	wait             time.Duration
}

func newClusterRestoreCmd(s *session) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup back, onto a new cluster",
		Long: `Puts a backup back, onto a cluster that has the same programs, or newer ones, and nothing on it: the store, the
artifacts, Vault, Consul, Nomad, in that order. Crumpet's servers must not run meanwhile.

The backup is read to its end and every target looked at before anything is changed. Then each part takes the place
of what was there: tokens, keys and shares are those of the cluster that was backed up. Vault is sealed with its old
shares then, and is waited for. Machines that are gone are taken out of Consul and Nomad, and what ran there is placed
on those that are here.

What is done stands in a journal, FILE.restore: the same command again goes on after the last part that was done.
--config and the environment are as for "crumpet cluster backup".`,
		Example: `  crumpet cluster restore monday.age --identity ~/.ssh/id_ed25519 --config /etc/crumpet/server.hcl
  crumpet cluster restore monday.age --only store --only artifacts`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.clusterRestore(cmd.Context(), args[0], f) },
	}
	identityFlag(cmd, &f.identities)
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file of the server, HCL")
	flags.StringArrayVar(&f.only, "only", nil, "put back store, artifacts, vault, consul or nomad alone; once for each")
	flags.BoolVar(&f.force, "force", false, "replace also what is not empty")
	flags.DurationVar(&f.wait, "wait", 10*time.Minute, "for Vault to be unsealed")
	flags.StringVar(&f.journal, "journal", "", "file that says what is done (default FILE.restore)")
	return cmd
}

func (s *session) clusterRestore(ctx context.Context, path string, f restoreFlags) error {
	with, err := s.backupIdentities(f.identities)
	if err != nil {
		return err
	}
	if f.journal == "" {
		f.journal = path + ".restore"
	}
	to, err := openTarget(f.config, f.wait)
	if err != nil {
		return err
	}
	defer to.close()
	began := time.Now()
	m, err := backup.Restore{
		Open:   func() (io.ReadCloser, error) { return openSealed(path, with) },
		Target: to.target, Only: f.only, Force: f.force, Journal: f.journal, Now: time.Now,
		Say: func(kind, format string, args ...any) {
			s.say("%6.1f s  %-9s  "+format, append([]any{time.Since(began).Seconds(), kind}, args...)...)
		},
	}.Run(ctx)
	if err != nil {
		return err
	}
	s.restored(m, time.Since(began))
	return nil
}

// restored says what is back, what is not, and what comes next.
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
	s.print("Next      Start Crumpet's servers, then: crumpet repair")
}
