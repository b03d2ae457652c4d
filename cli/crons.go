package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newCronsCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "crons [APP]",
		Short: "Show an app's crons: when they fire next, and how they did last",
		Long: `Shows the crons of the release that serves. A cron belongs to its release: a push changes it once the
new release serves, and a stopped app has none. "crumpet run NAME" runs one now.`,
		Example: `  crumpet crons
  crumpet crons hello --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			list, err := c.Crons(cmd.Context(), app)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showCrons(app, list)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return withApp(s, cmd)
}

func (s *session) showCrons(app string, list wire.Crons) {
	if len(list.Items) == 0 {
		s.print("%s has no cron.", app)
		return
	}
	var rows [][]string
	for _, c := range list.Items {
		next := c.Reason
		if c.NextAt != nil {
			next = fmt.Sprintf("%s (in %s)", c.NextAt.Format(momentLayout), max(0, time.Until(*c.NextAt)).Round(time.Second))
		}
		last, result, reason := "never", "-", ""
		if r := c.Last; r != nil {
			last, result, reason = ago(r.CreatedAt), s.tone(string(r.Status)), r.Reason
		}
		rows = append(rows, []string{c.Name, c.Schedule, c.TimeZone, next, last, result, reason})
	}
	s.table(s.out, []string{"CRON", "SCHEDULE", "ZONE", "NEXT", "LAST", "RESULT", ""}, rows)
}

// taskNames completes what can be run: from the spec in this folder, else from what has run and the
// crons there are.
func (s *session) taskNames(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	var names []string
	if parsed, _, _ := spec.ParseFile(spec.FileName, spec.Options{}); s.app == "" && parsed != nil {
		for _, t := range parsed.Tasks {
			names = append(names, t.Name)
		}
		for _, c := range parsed.Crons {
			names = append(names, c.Name)
		}
		return names
	}
	c, app, err := s.about(nil)
	if err != nil {
		return nil
	}
	runs, err := c.Runs(ctx, app)
	if err != nil {
		return nil
	}
	crons, err := c.Crons(ctx, app)
	if err != nil {
		return nil
	}
	for _, r := range runs.Items {
		names = append(names, r.Task)
	}
	for _, c := range crons.Items {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
