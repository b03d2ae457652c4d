package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newStatusCmd(s *session) *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show an app on one screen: release, deployment, instances, routes, events",
		Long: `Shows how an app is in one word, which release serves and where it came from, the deployment under way
with its step and its share of the requests, every instance, the routes and the last events. Where the app
does not serve as it should, the sentence of "crumpet why" stands on top.

With --watch it is drawn again whenever something happens, until Ctrl-C. Where the output is no terminal,
each state is printed below the one before.

--json prints one object, as the server's API gives it; with --watch one object a line.`,
		Example: `  crumpet status
  crumpet status hello -w
  crumpet status hello --json | jq -r .health`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			if watch {
				return s.watchStatus(cmd.Context(), c, app, asJSON)
			}
			screen, err := readScreen(cmd.Context(), c, app)
			switch {
			case err != nil:
				return err
			case asJSON:
				return s.printJSON(screen.status)
			}
			for _, line := range s.screenLines(screen) {
				s.print("%s", line)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "draw it again whenever something happens")
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

// screen is all that one screen shows of an app.
type screen struct {
	status wire.Status
	why    string       // one sentence; "" while the app serves as it should
	events []paas.Event // the last ones
	until  int64        // the id after which what is new begins
}

// lastEvents is how many a screen shows.
const lastEvents = 5

// readScreen reads what a screen shows. Only the status must be there: a server that can't explain, or
// has no events, shows the rest.
func readScreen(ctx context.Context, c *client.Client, app string) (screen, error) {
	status, err := c.Status(ctx, app)
	if err != nil {
		return screen{}, err
	}
	shown := screen{status: status, why: status.Reason}
	if d := status.Deployment; d != nil && d.Reason != "" && ended(d.Reason) == status.Reason {
		shown.why = "" // the deployment's own line says it
	}
	if troubled(status.Health) {
		if why, err := c.Why(ctx, app); err == nil && why.Summary != "" {
			shown.why = whyText(why)
		}
	}
	if list, until, err := c.History(ctx, client.EventQuery{App: app, Kinds: quietKinds(), Last: lastEvents}); err == nil {
		shown.events, shown.until = list, until
	}
	return shown, ctx.Err()
}

// troubled says that an app does not serve as it should.
func troubled(h paas.AppHealth) bool {
	return h == paas.AppDegraded || h == paas.AppCrashing || h == paas.AppDown
}
