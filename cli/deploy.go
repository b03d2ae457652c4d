package cli

import (
	"github.com/spf13/cobra"
)

func newDeployCmd(s *session) *cobra.Command {
	deploy := &push{candidate: candidate{s: s}}
	cmd := &cobra.Command{
		Use:   "deploy [DIR] --from APP[@N]",
		Short: "Release the spec with an artifact that was built before",
		Long: `Releases the app spec in DIR (the current folder unless said) with the very artifact of another
release, so that what was tried in one environment is what runs in the next: nothing is packed,
sent or built. APP alone means the release that serves.`,
		Example: `  crumpet push --env staging
  crumpet deploy --env production --from shop-staging
  crumpet deploy --from shop@12`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if deploy.from == "" {
				return usagef("deploy wants --from APP[@N], the release whose artifact to run. To build the source, use `crumpet push`")
			}
			return deploy.runE(cmd, args)
		},
	}
	deploy.flagsOn(cmd)
	cmd.Flags().StringVar(&deploy.from, "from", "", "release whose artifact to carry over, APP or APP@N")
	must(cmd.RegisterFlagCompletionFunc("from", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.appNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}))
	return withApp(s, cmd)
}
