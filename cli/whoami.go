package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newWhoamiCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Say who you are to the server, and what you may do",
		Long:  `Shows the user, its role in each team, and what the token in use is narrowed to and when it ends.`,
		Example: `  crumpet whoami
  crumpet whoami --json | jq .roles`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			self, err := c.Whoami(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(self)
			}
			switch {
			case self.Kind == paas.Operator:
				s.print("%s, with a token of the operators', at %s", s.bold(self.User), c.Addr())
			case self.Admin:
				s.print("%s, an admin of the platform, at %s", s.bold(self.User), c.Addr())
			default:
				s.print("%s at %s", s.bold(self.User), c.Addr())
			}
			for _, team := range slices.Sorted(maps.Keys(self.Roles)) {
				s.print("%s in team %s", self.Roles[team], team)
			}
			if len(self.Roles) == 0 && !self.Admin {
				s.print("In no team. Have a maintainer of one add you: `crumpet members add %s --team TEAM`.", self.User)
			}
			if t := self.Token; t != nil && t.ID != "" {
				s.print("Token %s (%s), only for: %s, ends: %s", t.ID, t.Name, scopeText(*t), endText(*t))
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
