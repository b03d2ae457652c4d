package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// A change is a wish that a deployment carries out: scale, restart, start. Each waits for its
// deployment unless told not to.

func detachFlag(cmd *cobra.Command, detach *bool) {
	cmd.Flags().BoolVar(detach, "detach", false, "don't wait until it is done")
}

// change makes a wish, and follows its deployment to the end.
func (s *session) change(ctx context.Context, args []string, detach bool, unchanged string, wish func(c *client.Client, app string) (wire.Deployed, error)) error {
	app, err := s.appName(args)
	if err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	after, err := c.LastEvent(ctx)
	if err != nil {
		return err
	}
	answer, err := wish(c, app)
	switch {
	case err != nil:
		return err
	case answer.Deployment == nil:
		s.print(unchanged, app)
		return nil
	case detach:
		s.print("Deployment %s is under way. Watch it with `crumpet status %s`.", answer.Deployment.ID, app)
		return nil
	}
	p := newProgress(s, false)
	defer p.close()
	f := &follower{s: s, c: c, p: p, deployment: *answer.Deployment}
	if err := f.run(ctx, after); err != nil {
		p.close()
		return s.left(ctx, err, f.deployment)
	}
	d := f.deployment
	switch {
	case d.State == paas.DeploymentHealthy:
		p.done("%s is done: release %d serves.", upperFirst(d.Cause), d.Release)
	case serves(d):
		p.done("%s", warmText(d))
	case waitsOnPurpose(d):
		p.done("%s.", upperFirst(d.Reason))
	default:
		p.close()
		return f.explain(ctx)
	}
	return nil
}

func newRestartCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "restart [APP]",
		Short: "Replace every instance, without a gap",
		Long:  `Walks the app from its release to the same release in the other slot: new instances serve before old ones go.`,
		Example: `  crumpet restart hello
  crumpet restart --detach`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.change(cmd.Context(), args, detach, "Nothing of %s runs, so nothing was restarted.", func(c *client.Client, app string) (wire.Deployed, error) {
				return c.Restart(cmd.Context(), app)
			})
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

func newStartCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:     "start [APP]",
		Short:   "Start a stopped app",
		Example: `  crumpet start hello`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.change(cmd.Context(), args, detach, "%s is started already.", func(c *client.Client, app string) (wire.Deployed, error) {
				return c.Start(cmd.Context(), app)
			})
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}
