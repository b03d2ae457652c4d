package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newServersCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "List Crumpet's servers, and which of them leads",
		Long: `List the Crumpet servers that share one store. Each of them answers every call; one, the leader, also
makes the cluster what the store says. When it is lost another takes over.`,
		Example: `  crumpet servers
  crumpet servers --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Servers(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showServers(list.Items)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showServers(list []paas.Server) {
	var rows [][]string
	for _, one := range list {
		since := "-"
		if one.LedAt != nil && one.State == paas.ServerLeader {
			since = ago(*one.LedAt)
		}
		rows = append(rows, []string{one.Name, s.tone(one.State), one.Address, since, ago(one.SeenAt), one.Version, one.Store})
	}
	s.table(s.out, []string{"SERVER", "STATE", "ADDRESS", "LEADS SINCE", "SEEN", "VERSION", "STORE"}, rows)
	leads := func(one paas.Server) bool { return one.State == paas.ServerLeader }
	if len(list) > 0 && !slices.ContainsFunc(list, leads) {
		s.say("No server leads now: nothing is deployed or repaired until one does. Check that Consul answers, with `crumpet servers` again in a minute.")
	}
}
