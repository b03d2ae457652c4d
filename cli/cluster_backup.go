package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

type backupFlags struct {
	fleetFlags
	to, config, cluster string
	keepers, without    []string
	json                bool
}

func newClusterBackupCmd(s *session) *cobra.Command {
	var f backupFlags
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy the whole control plane into one sealed file",
		Long: `Copies Crumpet's store, the artifacts that its releases name, and the states of Vault, Consul and Nomad
into one file, sealed to the public keys of its keepers (age1..., ssh-ed25519 or ssh-rsa). Servers go on
writing meanwhile: the backup is of the moment at which the store was copied, which comes first.

With --file it copies a cluster that "crumpet cluster up" has made, from where that is run: the keepers are those of
cluster.hcl, the tokens come from the sealed state (and from Vault, for the holder of its authority), connections begin
on the machines, and the state comes along. It takes a keeper's key, and checks with it what was written.

Without, it runs where the store and its artifacts are: on the machine of the server, or for a PostgreSQL wherever that
can be reached. --config is the server's own configuration file; NOMAD_ADDR, NOMAD_TOKEN, CONSUL_HTTP_ADDR,
CONSUL_HTTP_TOKEN, VAULT_ADDR, VAULT_TOKEN and their kin for TLS stand above it: copies need management tokens, the
server's own are not enough. With both, --file says the keepers and which state comes along.

The file appears once it is complete and was read back. With --identity it is opened as well, and every digest in it
checked. What lies on the nodes is not in it: neither volumes nor databases of services.`,
		Example: `  crumpet cluster backup --file cluster.hcl --to monday.age
  crumpet cluster backup --to /backups/monday.age --keeper "$(cat ann.pub)" --keeper age1...
  crumpet cluster backup --config /etc/crumpet/server.hcl --keeper "$(cat ann.pub)" --to monday.age --without artifacts
  crumpet cluster backup verify monday.age --identity ~/.ssh/id_ed25519
  crumpet cluster backup list monday.age --identity ~/.ssh/id_ed25519`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s", "backup "+args[0], suggest(cmd, args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return s.clusterBackup(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "file to make; required")
	flags.StringArrayVar(&f.keepers, "keeper", nil, "public key of somebody who may open it; once for each")
	flags.StringVar(&f.file, "file", "", "cluster.hcl of the cluster that is copied: its keepers may open the backup")
	flags.StringVar(&f.config, "config", "", "configuration file of the server, HCL")
	flags.StringVar(&f.state, "state", "", "sealed state file of `cluster up`, to be kept in the backup as it is")
	flags.BoolVar(&f.trustNew, "trust-new-hosts", false, "write down the SSH keys of machines that are not known yet")
	flags.StringVar(&f.cluster, "name", "", "name of the cluster, for whoever reads the list")
	flags.StringArrayVar(&f.without, "without", nil, "leave out artifacts, vault, consul or nomad; once for each")
	flags.StringArrayVar(&f.identities, "identity", nil, "key file of a keeper: open the backup and check it")
	jsonFlag(cmd, &f.json)
	add(cmd, "", newBackupListCmd(s), newBackupVerifyCmd(s), newBackupStateCmd(s))
	return cmd
}

func (s *session) clusterBackup(ctx context.Context, f backupFlags) error {
	if f.to == "" {
		return usagef("--to FILE says where the backup is to be")
	}
	of, err := f.ofCluster(s)
	if err != nil {
		return err
	}
	if len(f.keepers) == 0 {
		return usagef("--keeper KEY says who may open the backup: a public key, such as one of ~/.ssh/*.pub; --file takes those of cluster.hcl")
	}
	to, err := sealed.NewRecipients(f.keepers...)
	if err != nil {
		return err
	}
	from, err := s.openBackupSource(ctx, f, of)
	if err != nil {
		return err
	}
	defer from.close()
	from.source.State = f.state
	began := time.Now()
	m, err := backup.Create(ctx, f.to, backup.Config{
		Source: from.source, Without: f.without, Seal: to.Seal, Crumpet: version, Cluster: f.cluster, Now: time.Now,
		Say: func(kind string, parts int, size int64, detail string) {
			s.say("%6.1f s  %-9s  %9s  %s", time.Since(began).Seconds(), kind, bytesText(size), detail)
		},
	})
	if err != nil {
		return err
	}
	if len(f.identities) > 0 || f.fromFleet() {
		if _, err := s.verifyBackup(f.to, f.identities); err != nil {
			return err
		}
	}
	if f.json {
		return s.printJSON(m)
	}
	s.print("Backup %s of %s is in %s, sealed to %d keepers.", m.ID, m.Store.At.Format(time.RFC3339), f.to, len(f.keepers))
	if n := m.Store.Rows["volumes"]; n > 0 {
		s.print("Not in it: %d volumes, whose files lie on nodes only. `crumpet volumes` lists them.", n)
	}
	if n := m.Store.Rows["service_instances"]; n > 0 {
		s.print("Not in it: what %d service instances hold. Back up their database servers by their own means.", n)
	}
	return nil
}

// fromFleet says that the machines of cluster.hcl are what is copied.
func (f *backupFlags) fromFleet() bool { return f.file != "" && f.config == "" }

func (s *session) openBackupSource(ctx context.Context, f backupFlags, of fleet.Fleet) (copySource, error) {
	if f.fromFleet() {
		return s.fleetSource(ctx, f.fleetFlags, of, f.without)
	}
	return openSource(ctx, f.config)
}

// ofCluster adds what cluster.hcl says, where it is given: its name, its keepers, and the state that lies beside it.
func (f *backupFlags) ofCluster(s *session) (fleet.Fleet, error) {
	if f.file == "" {
		return fleet.Fleet{}, nil
	}
	asked := f.state
	of, err := f.read(s)
	if err != nil {
		return of, err
	}
	for _, k := range of.Keepers {
		f.keepers = append(f.keepers, k.PublicKey)
	}
	f.cluster = cmp.Or(f.cluster, of.Name)
	if _, err := os.Stat(f.state); err != nil && asked == "" && !f.fromFleet() {
		f.state = "" // there is none to be kept
	}
	return of, nil
}

func newBackupListCmd(s *session) *cobra.Command {
	var identities []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list FILE",
		Short: "Show what a backup holds",
		Long: `Opens a backup and shows its manifest: what it is of, when each part was copied, versions and indexes. The
manifest stands at the end, so the whole file is read.`,
		Example: `  crumpet cluster backup list monday.age --identity ~/.ssh/id_ed25519
  crumpet cluster backup list monday.age --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := s.verifyBackup(args[0], identities)
			switch {
			case err != nil:
				return err
			case asJSON:
				return s.printJSON(m)
			}
			s.showManifest(m)
			return nil
		},
	}
	identityFlag(cmd, &identities)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newBackupVerifyCmd(s *session) *cobra.Command {
	var identities []string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a backup to its end and check every digest in it",
		Long: `Opens a backup, reads it to its end and checks the digest of every part, and those inside the states of Vault,
Consul and Nomad. Whether they can be restored, only a restore shows: docs/backup.md has the drill.`,
		Example: `  crumpet cluster backup verify monday.age --identity ~/.ssh/id_ed25519`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := s.verifyBackup(args[0], identities)
			if err == nil {
				s.print("Backup %s is whole: %d parts, store of %s.", m.ID, len(m.Parts), m.Store.At.Format(time.RFC3339))
			}
			return err
		},
	}
	identityFlag(cmd, &identities)
	return cmd
}

func newBackupStateCmd(s *session) *cobra.Command {
	var identities []string
	var to string
	cmd := &cobra.Command{
		Use:   "state FILE",
		Short: "Take the state file of `cluster up` out of a backup",
		Long: `Takes the state file of "cluster up" out of a backup, sealed as it was. A new cluster that is made with it has the
same authority and tokens as the one that was backed up, which is what a restore wants.`,
		Example: `  crumpet cluster backup state monday.age --identity ~/.ssh/id_ed25519 --to north.cluster.age`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if to == "" {
				return usagef("--to FILE says where the state is to be")
			}
			return s.backupState(args[0], identities, to)
		},
	}
	identityFlag(cmd, &identities)
	cmd.Flags().StringVar(&to, "to", "", "file to make; required")
	return cmd
}

func (s *session) backupState(path string, identities []string, to string) error {
	in, err := s.openBackup(path, identities)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return paas.Wrap(paas.Conflict, err, "The file %s can't be made.", to)
	}
	found, err := backup.CopyPart(in, backup.State, out)
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err == nil && !found {
		err = paas.Errorf(paas.NotFound, "The backup %s has no state file in it: it was made without --state.", path)
	}
	if err != nil {
		_ = os.Remove(to) // the first error is the one to report
	}
	return err
}

func identityFlag(cmd *cobra.Command, identities *[]string) {
	cmd.Flags().StringArrayVar(identities, "identity", nil, "key file of a keeper (CRUMPET_IDENTITY, else ~/.ssh/id_ed25519)")
}

// backupIdentities reads the key files that open a backup.
func (s *session) backupIdentities(paths []string) (sealed.Identities, error) {
	if len(paths) == 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return sealed.Identities{}, err
		}
		paths = []string{cmp.Or(os.Getenv("CRUMPET_IDENTITY"), filepath.Join(home, ".ssh", "id_ed25519"))}
	}
	var ask sealed.Ask
	if s.prompts() {
		ask = func(prompt string) ([]byte, error) {
			text, err := s.password("identity", "", prompt)
			return []byte(text), err
		}
	}
	return sealed.ReadIdentities(ask, paths...)
}

// openBackup opens a backup in clear.
func (s *session) openBackup(path string, identities []string) (io.ReadCloser, error) {
	with, err := s.backupIdentities(identities)
	if err != nil {
		return nil, err
	}
	return openSealed(path, with)
}

func openSealed(path string, with sealed.Identities) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, paas.Wrap(paas.NotFound, err, "The backup %s can't be read.", path)
	}
	plain, err := with.Open(f)
	if err != nil {
		_ = f.Close() // the first error is the one to report
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, f}, nil
}

func (s *session) verifyBackup(path string, identities []string) (backup.Manifest, error) {
	in, err := s.openBackup(path, identities)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer in.Close() //nolint:errcheck // it was read
	return backup.Verify(in)
}

func (s *session) showManifest(m backup.Manifest) {
	s.print("Backup   %s%s", m.ID, prefixed(" of cluster ", m.Cluster))
	s.print("Of       %s", m.Store.At.Format(time.RFC3339))
	s.print("Made by  crumpet %s in %.1f s", m.Crumpet, m.Ended.Sub(m.Began).Seconds())
	s.print("Store    %s, version %d: %d apps, %d releases, %d teams, %d users, events to %d, audit to %d",
		m.Store.Engine, m.Store.Version, m.Store.Rows["apps"], m.Store.Rows["releases"], m.Store.Rows["teams"], m.Store.Rows["users"], m.Store.LastEvent, m.Store.LastAudit)
	s.print("")
	var rows [][]string
	for _, kind := range backup.Kinds {
		parts := m.Of(kind)
		switch {
		case slices.Contains(m.LeftOut, kind):
			rows = append(rows, []string{kind, "left out", "", "", ""})
		case len(parts) > 0:
			index := ""
			if parts[0].Index > 0 {
				index = fmt.Sprint(parts[0].Index)
			}
			rows = append(rows, []string{kind, parts[0].Taken.Format("15:04:05.000"), fmt.Sprint(len(parts)), bytesText(m.Size(kind)), prefixed("version ", parts[0].Version) + prefixed(", index ", index)})
		}
	}
	s.table(s.out, []string{"PART", "COPIED", "FILES", "SIZE", "STATE"}, rows)
	for _, digest := range m.Lost {
		s.print("Lost before the backup: artifact %s, which releases name.", digest)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
