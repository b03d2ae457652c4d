package cli

import (
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
)

func newResumeCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "resume [APP] [DEPLOYMENT]",
		Short: "Let a paused deployment go on from where it is",
		Long: `Ends a pause: what is left of the hold of its step is held, then the deployment goes on. (promote ends the
hold as well.) Then waits until the deployment is done, or held again.`,
		Example: `  crumpet resume hello
  crumpet resume hello --detach`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.goOn(cmd.Context(), args, detach, (*client.Client).Resume)
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}
