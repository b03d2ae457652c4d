package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxLines is the server's limit for each instance.
const maxLines = 10_000

func newLogsCmd(s *session) *cobra.Command {
	var query client.LogQuery
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "logs [APP]",
		Short: "Read what an app's instances write",
		Long:  `Prints the last lines of every instance, each behind its process and instance.`,
		Example: `  crumpet logs hello
  crumpet logs -f --process web
  crumpet logs --instance 5f3a91c2 -n 1000`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if query.Lines < 0 || query.Lines > maxLines {
				return usagef("--lines takes a number from 0 to %d, not %d", maxLines, query.Lines)
			}
			app, err := s.appName(args)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			for line, err := range c.Logs(cmd.Context(), app, query) {
				if errors.Is(err, context.Canceled) {
					return nil // Ctrl-C is how following ends
				}
				if err != nil {
					return err
				}
				if err := s.showLine(line, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&query.Follow, "follow", "f", false, "go on with what is written from now on")
	flags.StringVar(&query.Process, "process", "", "one process only")
	flags.StringVar(&query.Instance, "instance", "", "one instance only: its id, or the beginning of it")
	flags.IntVarP(&query.Lines, "lines", "n", 100, "lines of each instance to begin with")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	must(cmd.RegisterFlagCompletionFunc("process", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.processNames(cmd.Context(), args), cobra.ShellCompDirectiveNoFileComp
	}))
	return withApp(s, cmd)
}

func (s *session) showLine(line paas.LogLine, asJSON bool) error {
	if asJSON {
		return s.printJSONLine(line)
	}
	_, err := fmt.Fprintf(s.out, "%s %s\n", s.faint(fmt.Sprintf("%s[%s]", line.Process, short(line.Instance))), line.Text)
	return err
}
