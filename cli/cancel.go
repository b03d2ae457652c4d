package cli

import (
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newCancelCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cancel [APP]",
		Short:   "End the deployment under way; the release before it serves",
		Example: `  crumpet cancel hello`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := s.appName(args)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			status, err := c.Status(cmd.Context(), app)
			if err != nil {
				return err
			}
			if status.Deployment == nil {
				return paas.Errorf(paas.Conflict, "No deployment of app %q is under way.", app)
			}
			if _, err := c.Cancel(cmd.Context(), app, status.Deployment.ID); err != nil {
				return err
			}
			s.print("Deployment %s is being canceled. Watch it with `crumpet status %s`.", status.Deployment.ID, app)
			return nil
		},
	}
	return withApp(s, cmd)
}
