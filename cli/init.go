package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/templates"
)

func newInitCmd(s *session) *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Make a new app from a template",
		Long: `Makes the folder ./NAME with an app called NAME, ready to be pushed. It fails if the folder exists.

Templates: ` + strings.Join(templates.Names(), ", ") + `.`,
		Example: `  crumpet init --template go-web hello
  cd hello && crumpet push`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if problem := paas.CheckName("app", name, paas.MaxApp); problem != "" {
				return &usageError{paas.Errorf(paas.Invalid, "%s", problem)}
			}
			files, err := templates.Write(template, name, name)
			if err != nil {
				return err
			}
			s.print("Made ./%s with %s: %s.", name, count(len(files), "file"), strings.Join(files, ", "))
			s.print("Next: cd %s && crumpet push", name)
			return nil
		},
	}
	cmd.Flags().StringVar(&template, "template", templates.GoWeb, "template to begin with: "+strings.Join(templates.Names(), " or "))
	must(cmd.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return templates.Names(), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}
