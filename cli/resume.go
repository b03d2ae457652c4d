package cli

import (
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/wire"
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
			return s.change(cmd.Context(), args[:min(len(args), 1)], detach, "", func(*client.Client, string) (wire.Deployed, error) {
				c, app, id, err := s.deployment(cmd.Context(), args)
				if err != nil {
					return wire.Deployed{}, err
				}
				d, err := c.Resume(cmd.Context(), app, id)
				return wire.Deployed{Deployment: &d}, err
			})
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}
