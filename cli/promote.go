package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newPromoteCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "promote [APP] [DEPLOYMENT]",
		Short: "Let a deployment that is held go on",
		Long: `Ends what the deployment under way waits for: the hold of a canary's step or of the old instances that are
kept warm, also of one that was paused; room for new instances, by letting old ones go first; or, where the
spec says revert = false, somebody to look at a failure, by trying again. Then waits until the deployment is
done, or held again.`,
		Example: `  crumpet promote hello
  crumpet promote --detach`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.goOn(cmd.Context(), args, detach, (*client.Client).Promote)
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

// goOn has the deployment that is meant go on, and follows it.
func (s *session) goOn(ctx context.Context, args []string, detach bool, call func(c *client.Client, ctx context.Context, app, id string) (paas.Deployment, error)) error {
	return s.change(ctx, args[:min(len(args), 1)], detach, "", func(*client.Client, string) (wire.Deployed, error) {
		c, app, id, err := s.deployment(ctx, args)
		if err != nil {
			return wire.Deployed{}, err
		}
		d, err := call(c, ctx, app, id)
		return wire.Deployed{Deployment: &d}, err
	})
}
