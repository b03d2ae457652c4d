package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/wire"
)

func newDiffCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff [APP] N [M]",
		Short: "Compare two releases of an app",
		Long: `Shows every key of which release N and release M (the one that serves unless said) have different
values: of the spec as it was resolved, of the artifact and of the configuration.

--json prints one object. Its keys: app, from, to, changes (key, old, new; null for one that is not set).

Exit code 0: both would run the same. 1: they differ. 255: they could not be compared.`,
		Example: `  crumpet diff 11
  crumpet diff shop 11
  crumpet diff shop 11 12 --json | jq -r '.changes[].key'`,
		Args: cobra.RangeArgs(1, 3),
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
	cmd.ValidArgsFunction = s.completeReleases(2)
	return withApp(s, cmd)
}

func (s *session) diff(ctx context.Context, args []string) (diff wire.Diff, err error) {
	named, numbers, err := appAndNumbers(args, 2)
	if err != nil {
		return diff, err
	}
	if len(numbers) == 0 {
		return diff, usagef("no release is named: write `crumpet diff [APP] N [M]`; `crumpet releases` lists those there are")
	}
	c, app, err := s.about(named)
	if err != nil {
		return diff, err
	}
	numbers = append(numbers, 0) // the one that serves
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
