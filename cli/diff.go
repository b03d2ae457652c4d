package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/wire"
)

func newDiffCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff APP N [M]",
		Short: "Compare two releases of an app",
		Long: `Shows every key of which release N and release M (the one that serves unless said) have different
values: of the spec as it was resolved, of the artifact and of the configuration.

--json prints one object. Its keys: app, from, to, changes (key, old, new; null for one that is not set).

Exit code 0: both would run the same. 1: they differ. 255: they could not be compared.`,
		Example: `  crumpet diff shop 11
  crumpet diff shop 11 12 --json | jq -r '.changes[].key'`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			diff, err := s.diff(cmd.Context(), args)
			if err == nil && asJSON {
				err = s.printJSON(diff)
			}
			if err == nil && !asJSON {
				s.showDiff(diff)
			}
			return s.compared(len(diff.Changes) > 0, err)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return s.appNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		case 1, 2:
			return s.releaseNumbers(cmd.Context(), args[:1]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withApp(s, cmd)
}

func (s *session) diff(ctx context.Context, args []string) (diff wire.Diff, err error) {
	app, err := s.appName(args[:1])
	if err != nil {
		return diff, err
	}
	numbers := []int{0, 0}
	for i, text := range args[1:] {
		if numbers[i], err = strconv.Atoi(text); err != nil || numbers[i] < 1 {
			return diff, usagef("%q is not the number of a release", text)
		}
	}
	c, err := s.client()
	if err != nil {
		return diff, err
	}
	return c.Diff(ctx, app, numbers[0], numbers[1])
}

func (s *session) showDiff(diff wire.Diff) {
	if len(diff.Changes) == 0 {
		s.print("Releases %d and %d of %s would run the same.", diff.From, diff.To, diff.App)
		return
	}
	s.print("%s: from release %d to release %d", s.bold(diff.App), diff.From, diff.To)
	s.showChanges(diff.Changes)
}
