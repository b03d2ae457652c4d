package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newReleasesCmd(s *session) *cobra.Command {
	var asJSON bool
	var n int
	cmd := &cobra.Command{
		Use:   "releases [APP]",
		Short: "List the releases of an app, newest first",
		Long: `Shows who made each release, when, and from which commit, and what became of it: live (it serves),
deploying, healthy (it served once), reverted (it was walked back), failed or canceled. A commit with
a + was not all of the source: files had changed since.

The server keeps releases for as long as its retention says, and always those that serve or that can be
rolled back to.`,
		Example: `  crumpet releases
  crumpet releases shop -n 5
  crumpet releases shop --json | jq -r '.items[] | select(.outcome == "healthy") | .release'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 {
				return usagef("-n takes a number from 1 on, not %d", n)
			}
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			list, err := lastReleases(cmd.Context(), c, app, n)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showReleases(list.Items)
			return nil
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 20, "how many at most")
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

// pageSize is how many releases are asked for at once: each carries its spec.
const pageSize = 100

// lastReleases reads the newest n releases, page by page.
func lastReleases(ctx context.Context, c *client.Client, app string, n int) (wire.Releases, error) {
	all := wire.Releases{Items: []wire.KeptRelease{}}
	for {
		page, err := c.Releases(ctx, app, client.ReleasesQuery{Limit: min(pageSize, n-len(all.Items)), Before: all.Next})
		if err != nil {
			return all, err
		}
		all.Items, all.Next = append(all.Items, page.Items...), page.Next
		if all.Next == "" || len(all.Items) >= n {
			return all, nil
		}
	}
}

func (s *session) showReleases(list []wire.KeptRelease) {
	var rows [][]string
	for _, r := range list {
		rows = append(rows, []string{
			strconv.Itoa(r.Number), s.outcome(r), ago(r.CreatedAt), r.CreatedBy, shortCommit(r.Release), firstLine(r.Note),
		})
	}
	s.table(s.out, []string{"RELEASE", "BECAME", "MADE", "BY", "COMMIT", "NOTE"}, rows)
}

// outcome is what became of a release, and what it was made of if not of a push.
func (s *session) outcome(r wire.KeptRelease) string {
	text := s.tone(string(r.Outcome))
	if r.RollbackTo > 0 {
		text += ", rollback to " + strconv.Itoa(r.RollbackTo)
	}
	if r.ConfigGone {
		text += ", configuration gone"
	}
	return text
}

// shortCommit names a release's commit as git does; a + says that the source had more than it.
func shortCommit(r paas.Release) string {
	switch {
	case r.Commit == "":
		return "-"
	case r.Dirty:
		return r.Commit[:min(9, len(r.Commit))] + "+"
	}
	return r.Commit[:min(9, len(r.Commit))]
}

// noteWidth keeps a table of releases readable beside long notes.
const noteWidth = 50

func firstLine(text string) string {
	line, _, more := strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(line); len(runes) > noteWidth {
		line, more = string(runes[:noteWidth]), true
	}
	if more {
		line = strings.TrimSpace(line) + " ..."
	}
	return line
}

// releaseNumbers completes the releases of an app that are wanted.
func (s *session) releaseNumbers(ctx context.Context, args []string, wanted func(wire.KeptRelease) bool) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, app, err := s.about(args)
	if err != nil {
		return nil
	}
	list, err := lastReleases(ctx, c, app, pageSize)
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range list.Items {
		if !wanted(r) {
			continue
		}
		about := string(r.Outcome) + ", " + ago(r.CreatedAt)
		if r.Note != "" {
			about += ": " + firstLine(r.Note)
		}
		names = append(names, strconv.Itoa(r.Number)+"\t"+about)
	}
	return names
}

// appAndNumbers reads the arguments [APP] [N]..., with at most so many numbers. An app's name begins with
// a letter, so the first argument alone says which of the two it is.
func appAndNumbers(args []string, most int) (app []string, numbers []int, err error) {
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		switch {
		case err != nil && i == 0:
			app = args[:1]
		case err != nil || n < 1:
			return nil, nil, usagef("%q is not the number of a release; `crumpet releases` lists those there are", arg)
		case len(numbers) == most:
			return nil, nil, usagef("%q is too much: there is room for %s", arg, count(most, "release"))
		default:
			numbers = append(numbers, n)
		}
	}
	return app, numbers, nil
}

// completeReleases completes [APP] [N]..., with at most so many numbers.
func (s *session) completeReleases(most int) cobra.CompletionFunc {
	return s.completeSome(most, everyRelease)
}

func everyRelease(wire.KeptRelease) bool { return true }

// completeRestorable completes [APP] [N] with the releases that a rollback can restore.
func (s *session) completeRestorable() cobra.CompletionFunc {
	return s.completeSome(1, func(r wire.KeptRelease) bool { return !r.ConfigGone })
}

func (s *session) completeSome(most int, wanted func(wire.KeptRelease) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		named, numbers, err := appAndNumbers(args, most)
		if err != nil || len(numbers) == most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var list []string
		if _, err := s.appName(named); err == nil {
			list = s.releaseNumbers(cmd.Context(), named, wanted)
		}
		if len(args) == 0 {
			list = append(list, s.appNames(cmd.Context())...)
		}
		return list, directive
	}
}
