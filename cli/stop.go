package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// lookAgain is how often a state is read that no event tells of.
const lookAgain = 500 * time.Millisecond

func newStopCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "stop [APP]",
		Short: "Stop every instance; the app and its releases stay",
		Example: `  crumpet stop hello
  crumpet start hello`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			if _, err := c.Stop(cmd.Context(), app); err != nil {
				return err
			}
			if detach {
				s.print("%s is stopping.", app)
				return nil
			}
			if err := untilStopped(cmd.Context(), c, app); err != nil {
				return err
			}
			s.print("%s is stopped. Start it again with `crumpet start %s`.", app, app)
			return nil
		},
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

func untilStopped(ctx context.Context, c *client.Client, app string) error {
	return poll(ctx, func() (bool, error) {
		status, err := c.Status(ctx, app)
		return err == nil && status.Status == wire.AppStopped && !anyLeft(status), err
	})
}

func anyLeft(status wire.Status) bool {
	for _, i := range status.Instances {
		if !i.State.Ended() {
			return true
		}
	}
	return false
}

// poll asks until the answer is yes, or an error.
func poll(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
