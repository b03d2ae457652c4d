package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxEvents is the server's limit for the last events.
const maxEvents = 1000

func newEventsCmd(s *session) *cobra.Command {
	query := client.EventQuery{Platform: true}
	var since string
	var asJSON, follow, all bool
	cmd := &cobra.Command{
		Use:   "events [APP]",
		Short: "Tell the story of an app: who did what, and what came of it",
		Long: `Prints what happened to an app, oldest first: what people asked for and who they were, what Nomad
did, what Crumpet did. Without APP it is the story of all apps of the team. Events are kept for 30
days. Lines of builds are left out unless --kind names them.

With --follow it goes on; after a lost connection it resumes where it was, with no gap and no repeat.`,
		Example: `  crumpet events hello
  crumpet events hello -f
  crumpet events --since 1h --kind deployment,instance.crash
  crumpet events hello -n 500 --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if query.Last < 0 || query.Last > maxEvents {
				return usagef("--lines takes a number from 0 to %d, not %d", maxEvents, query.Last)
			}
			if since != "" {
				from, err := parseAgo(since, time.Now())
				if err != nil {
					return err
				}
				query.Since = from
				if !cmd.Flags().Changed("lines") {
					query.Last = 0
				}
			}
			if query.App = s.app; len(args) > 0 {
				app, err := s.appName(args)
				if err != nil {
					return err
				}
				query.App = app
			}
			if all {
				query.Team = "*"
			}
			if len(query.Kinds) == 0 {
				query.Kinds = quietKinds()
				if query.App != "" { // an admin is shown what is of no app as well: there who is in which team is no news
					query.Kinds = slices.DeleteFunc(query.Kinds, func(kind string) bool {
						return kind == string(paas.EventTeamChanged) || kind == string(paas.EventUserChanged)
					})
				}
			}
			none := query.Last == 0 && query.Since.IsZero() // -n 0: only what happens from now on
			return s.events(cmd.Context(), query, none, follow, eventPrinter(s, asJSON, query.App == "", all))
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&follow, "follow", "f", false, "go on with what happens from now on")
	flags.IntVarP(&query.Last, "lines", "n", 50, "the last so many events; with --since all, unless said")
	flags.StringVar(&since, "since", "", "only what happened within this time, such as 90s, 10m, 1h or 7d")
	flags.StringSliceVar(&query.Kinds, "kind", nil, "only these kinds of event, such as deployment or instance.crash")
	flags.BoolVar(&all, "all-teams", false, "the story of every team")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	must(cmd.RegisterFlagCompletionFunc("kind", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return kindWords(), cobra.ShellCompDirectiveNoFileComp
	}))
	withApp(s, cmd)
	flags.Lookup("app").Usage = "the app; else all of the team"
	return cmd
}

// events prints what happened and, if asked, what happens.
func (s *session) events(ctx context.Context, query client.EventQuery, none, follow bool, show func(paas.Event) error) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	if query.App != "" {
		if problem := paas.CheckName("app", query.App, paas.MaxApp); problem != "" {
			return usagef("%s", problem)
		}
	}
	list, until, err := c.History(ctx, limited(query, none))
	if err != nil {
		return err
	}
	if none {
		list = nil
	}
	for _, e := range list {
		if err := show(e); err != nil {
			return err
		}
	}
	if !follow {
		return nil
	}
	query.After = until
	for e, err := range c.Events(ctx, query) {
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C is how following ends
		}
		if err != nil {
			return err
		}
		if err := show(e); err != nil {
			return err
		}
	}
	return nil
}

// limited asks for little where nothing is wanted but the place to go on from.
func limited(query client.EventQuery, none bool) client.EventQuery {
	if none {
		query.Last = 1
	}
	return query
}

// quietKinds are those that tell the story: not the lines that builders print.
func quietKinds() []string {
	var kinds []string
	for _, kind := range paas.EventKinds() {
		if kind != paas.EventBuildLog {
			kinds = append(kinds, string(kind))
		}
	}
	return kinds
}

// kindWords are the words that --kind takes: the nouns, then the kinds.
func kindWords() []string {
	var nouns, kinds []string
	for _, kind := range paas.EventKinds() {
		noun, _, _ := strings.Cut(string(kind), ".")
		if !slices.Contains(nouns, noun) {
			nouns = append(nouns, noun)
		}
		kinds = append(kinds, string(kind))
	}
	return append(nouns, kinds...)
}

// eventPrinter prints an event on a line: when, of which app where there are several, what kind, what.
func eventPrinter(s *session, asJSON, apps, teams bool) func(paas.Event) error {
	return func(e paas.Event) error {
		if asJSON {
			return s.printJSONLine(e)
		}
		return printEvent(s.out, s, e, apps, teams)
	}
}

func printEvent(w io.Writer, s *session, e paas.Event, apps, teams bool) error {
	line := s.faint(moment(e.Time))
	if apps {
		name := e.App
		if teams && e.Team != "" {
			name = e.Team + "/" + e.App
		}
		if name == "" {
			name = "-"
		}
		line += fmt.Sprintf("  %-16s", name)
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", line, s.faint(fmt.Sprintf("%-19s", e.Kind)), e.Message)
	return err
}

// parseAgo reads a length of time before now; beside what Go writes, days.
func parseAgo(text string, now time.Time) (time.Time, error) {
	d, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return time.Time{}, usagef("%q is not a length of time such as 90s, 10m, 1h or 7d", text)
	}
	return now.Add(-d), nil
}
