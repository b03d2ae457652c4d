package cli

import (
	"context"
	"fmt"

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
	c, app, err := s.about(args)
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
	case answer.Deployment == nil && answer.Changed:
		s.print("%s is stopped: this holds from when it is started, with `crumpet start %s`.", app, app)
		return nil
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
		p.done("%s", s.heldText(d))
	default:
		p.close()
		return f.explain(ctx)
	}
	return nil
}

// heldText says that a deployment stands still on purpose, and what ends that.
func (s *session) heldText(d paas.Deployment) string {
	verb := "promote"
	if d.Waits == paas.WaitPause {
		verb = "resume"
	}
	return fmt.Sprintf("%s `crumpet %s %s` lets it go on, `crumpet abort %s` turns it back.", s.deploymentText(d), verb, d.App, d.App)
}

func newRestartCmd(s *session) *cobra.Command {
	var detach, force bool
	var instance, process string
	cmd := &cobra.Command{
		Use:   "restart [APP]",
		Short: "Replace every instance, or one, without a gap",
		Long: `Walks the app from its release to the same release in the other slot: new instances serve before old ones go.

With --instance only that one is replaced: it leaves the routers, has its shutdown_delay to finish what it was
asked, and stops, while another one starts in its place. Until that serves there is one less. The only one of
a process that serves is not restarted so without --force: requests would fail until its successor serves.`,
		Example: `  crumpet restart hello
  crumpet restart --detach
  crumpet restart hello --instance 2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if instance != "" {
				return s.restartInstance(cmd.Context(), args, instance, process, force, detach)
			}
			if force || process != "" {
				return usagef("--force and --process are for --instance")
			}
			return s.change(cmd.Context(), args, detach, "Nothing of %s runs, so nothing was restarted.", func(c *client.Client, app string) (wire.Deployed, error) {
				return c.Restart(cmd.Context(), app)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&instance, "instance", "", "only this instance: its number, as web.2 if of another process, or the beginning of its id")
	flags.StringVar(&process, "process", "", "process of the instance, where a number is of several")
	flags.BoolVar(&force, "force", false, "also the only instance that serves")
	s.completeInstances(cmd)
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

// restartInstance has one instance replaced, and waits until as many serve as are wanted.
func (s *session) restartInstance(ctx context.Context, args []string, instance, process string, force, detach bool) error {
	c, app, err := s.about(args)
	if err != nil {
		return err
	}
	old, err := c.RestartInstance(ctx, app, instance, process, force)
	if err != nil {
		return err
	}
	if detach {
		s.print("Instance %s of %s is being replaced. Watch it with `crumpet status %s`.", short(old.ID), app, app)
		return nil
	}
	err = poll(ctx, func() (bool, error) {
		status, err := c.Status(ctx, app)
		return err == nil && replaced(status, old), err
	})
	if err != nil {
		return err
	}
	s.print("Instance %s of %s was replaced.", short(old.ID), app)
	return nil
}

// replaced says that an instance runs no more, and that all that are wanted of its process serve.
func replaced(status wire.Status, old wire.Instance) bool {
	for _, i := range status.Instances {
		if i.ID == old.ID && !i.State.Ended() {
			return false
		}
	}
	for _, p := range status.Processes {
		if p.Name == old.Process && p.Healthy < p.Wanted {
			return false
		}
	}
	return true
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
