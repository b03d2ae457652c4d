package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func newAbortCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "abort [APP] [DEPLOYMENT]",
		Short: "Turn the deployment under way back; the release before it serves",
		Long: `Walks the deployment under way back from where it is: the old instances that are missing come first, then all
requests go back to them, then the new ones go. No request is lost. It ends as canceled.`,
		Example: `  crumpet abort hello
  crumpet abort hello 3f2a9c01`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, id, err := s.deployment(cmd.Context(), args)
			if err != nil {
				return err
			}
			if _, err := c.Abort(cmd.Context(), app, id); err != nil {
				return err
			}
			s.print("Deployment %s is walking back. Watch it with `crumpet status %s`.", id, app)
			return nil
		},
	}
	return withApp(s, cmd)
}

// newCancelCmd is abort under the name it had.
func newCancelCmd(s *session) *cobra.Command {
	cmd := newAbortCmd(s)
	cmd.Use, cmd.Hidden = "cancel [APP] [DEPLOYMENT]", true
	return cmd
}

// deployment gives the deployment that is meant: the one named after the app, else the one under way.
func (s *session) deployment(ctx context.Context, args []string) (c *client.Client, app, id string, err error) {
	if c, app, err = s.about(args); err != nil {
		return nil, "", "", err
	}
	if len(args) > 1 {
		return c, app, args[1], nil
	}
	status, err := c.Status(ctx, app)
	if err != nil {
		return nil, "", "", err
	}
	if status.Deployment == nil {
		return nil, "", "", paas.Errorf(paas.Conflict, "No deployment of app %q is under way. `crumpet status %s` shows how it is.", app, app)
	}
	return c, app, status.Deployment.ID, nil
}
