package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newScaleCmd(s *session) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "scale [APP] PROCESS=COUNT...",
		Short: "Change how many instances are wanted",
		Long: `Sets how many instances of each named process are wanted; the others keep their number. It holds
until the next change: a push keeps it unless the spec's own number changed.`,
		Example: `  crumpet scale web=3
  crumpet scale hello web=3 worker=2`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			app, counts, err := parseCounts(args)
			if err != nil {
				return err
			}
			if len(counts) == 0 {
				return usagef("no PROCESS=COUNT is given, such as web=3")
			}
			return s.change(cmd.Context(), app, detach, "%s has as many instances as that already.", func(c *client.Client, app string) (wire.Deployed, error) {
				return c.Scale(cmd.Context(), app, counts)
			})
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		app, _, err := parseCounts(args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var list []string
		for _, name := range s.processNames(cmd.Context(), app) {
			list = append(list, name+"=")
		}
		if len(args) == 0 {
			list = append(list, s.appNames(cmd.Context())...)
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

// parseCounts splits the arguments into the app, where one is named, and the counts.
func parseCounts(args []string) (app []string, counts map[string]int, err error) {
	counts = map[string]int{}
	for i, arg := range args {
		process, text, found := strings.Cut(arg, "=")
		if !found && i == 0 {
			app = args[:1]
			continue
		}
		n, err := strconv.Atoi(text)
		switch {
		case !found || process == "" || err != nil:
			return nil, nil, usagef("%q is not PROCESS=COUNT, such as web=3", arg)
		case n < 0 || n > paas.MaxInstances:
			return nil, nil, usagef("the count of %q is not from 0 to %d", arg, paas.MaxInstances)
		}
		if _, twice := counts[process]; twice {
			return nil, nil, usagef("process %q is named twice", process)
		}
		counts[process] = n
	}
	return app, counts, nil
}
