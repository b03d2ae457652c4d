package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/wire"
	"github.com/crumpet-paas/crumpet/templates"
)

func newTemplatesCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "List the apps to begin with",
		Long:  `Lists the templates that crumpet init makes an app of, with the services that each makes an instance of.`,
		Example: `  crumpet templates
  crumpet init --template guestbook book && cd book && crumpet push`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			list := templates.All()
			if asJSON {
				return s.printJSON(wire.Templates{Items: list})
			}
			var rows [][]string
			for _, t := range list {
				needs := strings.Join(t.Needs, " ")
				if needs == "" {
					needs = "-"
				}
				rows = append(rows, []string{t.Name, t.Title, needs})
			}
			s.table(s.out, []string{"TEMPLATE", "WHAT IT IS", "NEEDS"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
