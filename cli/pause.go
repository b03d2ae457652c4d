package cli

import "github.com/spf13/cobra"

func newPauseCmd(s *session) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "pause [APP] [DEPLOYMENT]",
		Short: "Have the deployment under way stay where it is",
		Long: `Stops the deployment under way exactly where it is: no step is taken, nothing turns it back, and its deadline
does not run. Its instances are kept up, and can still be scaled. End the pause with resume, promote or abort.`,
		Example: `  crumpet pause hello --reason "looking at the slow checkout"
  crumpet resume hello`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, id, err := s.deployment(cmd.Context(), args)
			if err != nil {
				return err
			}
			d, err := c.Pause(cmd.Context(), app, id, reason)
			if err != nil {
				return err
			}
			s.print("%s", s.heldText(d))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for status and events")
	return withApp(s, cmd)
}
