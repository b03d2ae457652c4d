package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
)

func newClusterUnsealCmd(s *session) *cobra.Command {
	var f fleetFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "unseal",
		Short: "Bring your shares of Vault's key to the servers that are sealed",
		Long: `Opens the shares of Vault's key that are sealed to you, and brings them to every server whose Vault is sealed:
after a restart, a power cut, or a new machine. When one keeper's shares are not enough, each runs it in turn, in any
order: Vault remembers what it was given until it restarts. Shares are on their way inside SSH and TLS only.

--json prints one object. Its keys: shares (how many were yours), machines (each with open, opened, or what is missing).`,
		Example: `  crumpet cluster unseal
  crumpet cluster unseal --identity ~/.ssh/id_ed25519`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.unsealCluster(cmd.Context(), f, asJSON) },
	}
	f.add(cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// unsealed is the JSON of unseal.
type unsealed struct {
	Shares   int               `json:"shares"`
	Machines map[string]string `json:"machines"`
}

func (s *session) unsealCluster(ctx context.Context, flags fleetFlags, asJSON bool) error {
	f, err := flags.read(s)
	if err != nil {
		return err
	}
	kept, err := s.peek(f, flags)
	if err != nil {
		return err
	}
	with, err := s.backupIdentities(flags.identities)
	if err != nil {
		return err
	}
	m, err := s.reach(f, flags, kept)
	if err != nil {
		return err
	}
	defer m.close()
	done, failed := bootstrap.Unseal(ctx, m.World, with.OpenBytes)
	switch {
	case done.Machines == nil:
	case asJSON:
		if err := s.printJSON(unsealed{done.Mine, done.Machines}); err != nil {
			return err
		}
	default:
		var rows [][]string
		for _, name := range slices.Sorted(maps.Keys(done.Machines)) {
			rows = append(rows, []string{name, done.Machines[name]})
		}
		s.table(s.out, []string{"MACHINE", "VAULT"}, rows)
	}
	return failed
}
