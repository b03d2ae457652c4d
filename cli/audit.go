package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func newAuditCmd(s *session) *cobra.Command {
	var query client.AuditQuery
	var since, until string
	var follow, asJSON, asCSV, all bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Tell who did, or tried to do, what to which thing from where",
		Long: `Prints who called what of the API, oldest first: everything that changes something, shows a secret or
runs a command, every sign-in, and every call that was denied. Where it says something, it has what was
before and after; never a secret. Lines are added, never changed and never deleted. Maintainers see the
audit of their teams, admins of the platform all of it, with --all-teams what is of no team as well.

Calls of one caller that are turned down in the same way within a minute are told of in two lines: the
first, and how many there were more.

With --follow it goes on; after a lost connection it resumes where it was, with no gap and no repeat.`,
		Example: `  crumpet audit --since 1h
  crumpet audit --denied --all-teams -f
  crumpet audit --app shop --by ada --action scale
  crumpet audit --since 30d --all-teams --csv > audit.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if query.Last < 0 || query.Last > maxEvents {
				return usagef("--lines takes a number from 0 to %d, not %d", maxEvents, query.Last)
			}
			if asJSON && asCSV {
				return usagef("choose one of --json and --csv")
			}
			if follow && (until != "" || asCSV) {
				return usagef("--follow has no end: leave out --until and --csv")
			}
			now := time.Now()
			for _, bound := range []struct {
				text string
				at   *time.Time
			}{{since, &query.Since}, {until, &query.Until}} {
				if bound.text == "" {
					continue
				}
				at, err := parseMoment(bound.text, now)
				if err != nil {
					return err
				}
				*bound.at = at
				if !cmd.Flags().Changed("lines") {
					query.Last = 0
				}
			}
			if all {
				query.Team = "*"
			}
			return s.audit(cmd.Context(), query, follow, s.auditPrinter(asJSON, asCSV, all))
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&follow, "follow", "f", false, "go on with what is done from now on")
	flags.IntVarP(&query.Last, "lines", "n", 50, "the last so many lines; with --since or --until all, unless said")
	flags.StringVar(&since, "since", "", "only what was done within this time, such as 10m or 7d, or from this moment on")
	flags.StringVar(&until, "until", "", "only what was done longer ago than this, or before this moment")
	flags.StringVar(&query.App, "app", "", "one app only")
	flags.StringVar(&query.By, "by", "", "one user only, or one operator's token by its name")
	flags.StringVar(&query.Action, "action", "", "one operation of the API only, such as createRelease")
	flags.BoolVar(&query.Denied, "denied", false, "only what was denied: for want of credentials or rights, or as over a limit")
	flags.BoolVar(&all, "all-teams", false, "of every team that you may see")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	flags.BoolVar(&asCSV, "csv", false, "print comma-separated values with a header")

	return cmd
}

// parseMoment reads a length of time before now, or a moment in RFC 3339.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return parseAgo(text, now)
}

// auditPrinter prints lines; end is called after the last.
type auditPrinter struct {
	line func(paas.Audited) error
	end  func() error
}

// audit prints what was done and, if asked, what is done.
func (s *session) audit(ctx context.Context, query client.AuditQuery, follow bool, to auditPrinter) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	if query.App != "" {
		if problem := paas.CheckName("app", query.App, paas.MaxApp); problem != "" {
			return usagef("%s", problem)
		}
	}
	if query.Last == 0 && query.Since.IsZero() && query.Until.IsZero() { // -n 0: only what is done from now on
		query.After = -1
	} else if err := s.printAudit(c.Audit(ctx, query), to, &query.After); err != nil {
		return err
	}
	if !follow {
		return to.end()
	}
	if query.After == 0 { // there was none: all there will be
		query.After = -1
	}
	err = s.printAudit(c.FollowAudit(ctx, query), to, &query.After)
	if errors.Is(err, context.Canceled) {
		return nil // Ctrl-C is how following ends
	}
	return err
}

func (s *session) printAudit(lines iter.Seq2[paas.Audited, error], to auditPrinter, last *int64) error {
	for line, err := range lines {
		if err != nil {
			return err
		}
		if err := to.line(line); err != nil {
			return err
		}
		*last = line.ID
	}
	return nil
}

func (s *session) auditPrinter(asJSON, asCSV, teams bool) auditPrinter {
	nothing := func() error { return nil }
	switch {
	case asJSON:
		return auditPrinter{func(l paas.Audited) error { return s.printJSONLine(l) }, nothing}
	case asCSV:
		w, headed := csv.NewWriter(s.out), false
		head := func() error {
			if headed {
				return nil
			}
			headed = true
			return w.Write([]string{"id", "time", "by", "kind", "via", "from", "verb", "action", "team", "app", "target", "outcome", "status", "detail", "before", "after", "request_id", "times"})
		}
		return auditPrinter{
			func(l paas.Audited) error {
				if err := head(); err != nil {
					return err
				}
				return w.Write(auditCells(l))
			},
			func() error {
				if err := head(); err != nil {
					return err
				}
				w.Flush()
				return w.Error()
			},
		}
	}
	return auditPrinter{func(l paas.Audited) error {
		_, err := fmt.Fprintln(s.out, s.auditLine(l, teams))
		return err
	}, nothing}
}

// auditLine is one line for people: when, how it ended, who from where, what, to what, and what of it is worth saying.
func (s *session) auditLine(l paas.Audited, teams bool) string {
	what, thing := []string{l.Action}, l.App
	if teams && l.Team != "" {
		thing = strings.TrimSuffix(l.Team+"/"+l.App, "/")
	}
	for _, word := range []string{thing, l.Target} {
		if word != "" {
			what = append(what, word)
		}
	}
	by := l.By
	if by == "" {
		by = "nobody known"
	}
	text := fmt.Sprintf("%s  %-7s  %s", s.faint(moment(l.Time)), s.tone(string(l.Outcome)), onScreen(fmt.Sprintf("%s from %s: %s", by, l.From, strings.Join(what, " "))))
	switch {
	case len(l.Before) > 0 && len(l.After) > 0:
		text += onScreen(fmt.Sprintf(", %s -> %s", l.Before, l.After))
	case len(l.After) > 0:
		text += onScreen(fmt.Sprintf(", %s", l.After))
	case len(l.Before) > 0:
		text += onScreen(fmt.Sprintf(", was %s", l.Before))
	}
	if l.Detail != "" {
		text += onScreen(fmt.Sprintf(" (%d: %s)", l.Status, l.Detail))
	}
	if l.Times > 1 {
		text += fmt.Sprintf(", %d times", l.Times)
	}
	return text
}

// onScreen replaces what a terminal would act on. The server has done so already; whoever looks at an audit
// need not trust that.
func onScreen(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// auditCells are the cells of one row. A cell that a spreadsheet would take for a formula begins with a quote.
func auditCells(l paas.Audited) []string {
	cells := []string{
		strconv.FormatInt(l.ID, 10), l.Time.UTC().Format(time.RFC3339Nano), l.By, string(l.Kind), l.Via, l.From, string(l.Verb), l.Action, l.Team, l.App, l.Target,
		string(l.Outcome), strconv.Itoa(l.Status), l.Detail, string(l.Before), string(l.After), l.Request, strconv.Itoa(max(l.Times, 1)),
	}
	for i, cell := range cells {
		if cell = onScreen(cell); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			cell = "'" + cell
		}
		cells[i] = cell
	}
	return cells
}
