package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/wire"
)

// metricsEvery is how often metrics that are watched are shown: as often as counters are read at most.
const metricsEvery = 2 * time.Second

func newMetricsCmd(s *session) *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "metrics [APP]",
		Short: "Show how many requests an app answers, and how many of them badly",
		Long: `Shows how many requests a second each release of an app answers, the share of them that was answered
with 5xx, and how long one took on average: over the last minute, five minutes and ten minutes.

The numbers are the routers' own, all routers together. A * says that some router could not be read, so
that there may have been more.`,
		Example: `  crumpet metrics hello
  crumpet metrics hello -w      # again and again, until Ctrl-C
  crumpet metrics hello --json | jq '.items[] | .windows[0].error_share'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := s.appName(args)
			if err != nil {
				return err
			}
			return s.metrics(cmd.Context(), app, asJSON, watch)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show them again every 2 s; with --json one document a line")
	return withApp(s, cmd)
}

func (s *session) metrics(ctx context.Context, app string, asJSON, watch bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	for drawn := 0; ; {
		m, err := c.AppMetrics(ctx, app)
		switch {
		case watch && ctx.Err() != nil:
			return nil // Ctrl-C is how watching ends
		case err != nil:
			return err
		case asJSON && watch:
			err = s.printJSONLine(m)
		case asJSON:
			err = s.printJSON(m)
		default:
			if s.live && drawn > 0 {
				fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", drawn) // over the last one
			}
			drawn = s.showMetrics(m)
		}
		if err != nil || !watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// showMetrics prints a table and gives how many lines it has.
func (s *session) showMetrics(m wire.Metrics) (lines int) {
	if len(m.Items) == 0 {
		s.print("%s has no process with a route.", s.bold(m.App))
		return 1
	}
	header := []string{"PROCESS", "RELEASE", "SLOT", "REQ/S 1M", "5M", "10M", "5XX 1M", "5M", "10M", "MEAN 1M"}
	var rows [][]string
	for _, item := range m.Items {
		release := number(item.Release)
		if item.Live {
			release += " live"
		}
		row := []string{item.Process, release, string(item.Slot)}
		for _, w := range item.Windows {
			mark := ""
			if w.Partial {
				mark = "*"
			}
			row = append(row, fmt.Sprintf("%.1f%s", w.PerSecond, mark))
		}
		for _, w := range item.Windows {
			row = append(row, shareText(w))
		}
		rows = append(rows, append(row, meanText(item.Windows[0])))
	}
	var b strings.Builder
	s.table(&b, header, rows)
	fmt.Fprint(s.out, b.String())
	return strings.Count(b.String(), "\n")
}

func shareText(w wire.Window) string {
	if w.Requests == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*w.ErrorShare)
}

func meanText(w wire.Window) string {
	if w.Requests == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", w.MeanMS)
}
