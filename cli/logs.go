package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// maxLines is the server's limit.
const maxLines = 10_000

// onlyApp asks for nothing but what an app's own programs write.
var onlyApp = []paas.LogSource{paas.LogApp}

func newLogsCmd(s *session) *cobra.Command {
	var query client.LogQuery
	var asJSON bool
	var since, until string
	var sources []string
	cmd := &cobra.Command{
		Use:   "logs [APP]",
		Short: "Read what an app's instances write",
		Long: `Prints the last lines of an app in the order of their times: what its instances write, also those that
have ended, what its builds said, and what the platform did. Each line shows its time, who wrote it,
and the release.

Nomad's files keep no times. A line that begins with its own time has that one; any other has the
time it arrived at, or, marked with ~, a guess from its place in its file.

With -f it goes on, and comes back by itself after a lost connection, without a gap or a repeat. What
can't be read any more is marked with its size.`,
		Example: `  crumpet logs hello
  crumpet logs -f --process web
  crumpet logs --instance 2 --release 12 -n 1000
  crumpet logs --since 10m --grep 'error|panic'
  crumpet logs --until 2026-11-23T10:00:00Z -n 50
  crumpet logs --source build,platform`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if since != "" && !cmd.Flags().Changed("lines") {
				query.Lines = maxLines
			}
			asked, err := logQuery(query, since, until, sources)
			if err != nil {
				return err
			}
			app, err := s.appName(args)
			if err != nil {
				return err
			}
			return s.logs(cmd.Context(), app, asked, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&query.Follow, "follow", "f", false, "go on with what is written from now on")
	flags.StringVar(&query.Process, "process", "", "one process only, with its sidecars; or one task or cron")
	flags.StringVar(&query.Instance, "instance", "", "one instance only: its number, its id, or the beginning of that")
	flags.IntVar(&query.Release, "release", 0, "one release only")
	flags.StringSliceVar(&sources, "source", nil, "some sources only: app, build, platform")
	flags.StringVar(&since, "since", "", "only lines from then on: how long ago, as 10m or 7d, or a time, as 2006-01-02T15:04:05Z")
	flags.StringVar(&until, "until", "", "only lines until then, as --since has it; the last so many before it")
	flags.StringVar(&query.Match, "grep", "", "only lines that this regular expression matches")
	flags.IntVarP(&query.Lines, "lines", "n", 100, "how many of the last lines to begin with, all together")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	s.completeInstances(cmd)
	must(cmd.RegisterFlagCompletionFunc("release", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.releaseNumbers(cmd.Context(), args, everyRelease), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}))
	must(cmd.RegisterFlagCompletionFunc("source", cobra.FixedCompletions([]string{"app", "build", "platform"}, cobra.ShellCompDirectiveNoFileComp)))
	for _, name := range []string{"since", "until", "grep", "lines"} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
	return withApp(s, cmd)
}

// logQuery completes a query by the flags that are texts, and refuses what can't be meant.
func logQuery(query client.LogQuery, since, until string, sources []string) (client.LogQuery, error) {
	if query.Lines < 0 || query.Lines > maxLines {
		return query, usagef("--lines takes a number from 0 to %d, not %d", maxLines, query.Lines)
	}
	if query.Release < 0 {
		return query, usagef("--release takes the number of a release, not %d", query.Release)
	}
	var err error
	if query.Since, err = logMoment("since", since); err != nil {
		return query, err
	}
	if query.Until, err = logMoment("until", until); err != nil {
		return query, err
	}
	if query.Follow && until != "" {
		return query, usagef("--follow goes on with what is written from now on, and --until ends before: leave one out")
	}
	query.Sources, err = parseSources(sources)
	return query, err
}

// logMoment reads the flags --since and --until of logs: how long ago, as events has it too, or a time.
func logMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := parseAgo(text, time.Now()); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--%s takes how long ago, as 10m or 7d, or a time, as 2006-01-02T15:04:05Z, not %q", flag, text)
	}
	return at, nil
}

func parseSources(names []string) ([]paas.LogSource, error) {
	var sources []paas.LogSource
	for _, name := range names {
		switch source := paas.LogSource(name); source {
		case paas.LogApp, paas.LogBuild, paas.LogPlatform:
			sources = append(sources, source)
		default:
			return nil, usagef("--source takes app, build and platform, not %q", name)
		}
	}
	return sources, nil
}

// logs prints lines as they come, each part with one write.
func (s *session) logs(ctx context.Context, app string, query client.LogQuery, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	shape := lineShape{s: s, name: 8, release: 3}
	var b []byte
	for part, err := range c.LogParts(ctx, app, query) {
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C is how following ends
		}
		if err != nil {
			return err
		}
		b = b[:0]
		for i := range part.Lines {
			if asJSON {
				b = append(wire.AppendLogLine(b, &part.Lines[i]), '\n')
			} else {
				b = shape.append(b, &part.Lines[i])
			}
		}
		if _, err := s.out.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// lineShape lays lines out in columns, which grow as they must.
type lineShape struct {
	s             *session
	name, release int // widths

	last  paas.LogLine // whose columns begin holds
	begin string
	at    time.Time // which clock holds, with its mark
	mark  byte
	clock string
}

// sourceColors gives each source its colour. Its name is always printed besides.
var sourceColors = map[paas.LogSource]string{paas.LogApp: "6", paas.LogBuild: "3", paas.LogPlatform: "5"}

func (l *lineShape) append(b []byte, line *paas.LogLine) []byte {
	if line.Name != l.last.Name || line.Release != l.last.Release || l.begin == "" {
		l.last, l.begin = *line, l.columns(line)
	}
	mark := byte(' ')
	if line.TimeFrom == paas.TimeFile {
		mark = '~'
	}
	if !line.Time.Equal(l.at) || mark != l.mark || l.clock == "" {
		l.at, l.mark, l.clock = line.Time, mark, l.s.faint(line.Time.Local().Format("2006-01-02 15:04:05.000 MST")+string(mark))
	}
	b = append(append(b, l.clock...), ' ')
	b = append(b, l.begin...)
	switch {
	case l.s.color && line.Lost > 0:
		b = append(b, lipgloss.NewStyle().Foreground(lipgloss.Color("1")).Render(line.Text)...)
	default:
		b = append(b, line.Text...)
	}
	return append(b, '\n')
}

func (l *lineShape) columns(line *paas.LogLine) string {
	release := "-"
	if line.Release > 0 {
		release = "r" + number(line.Release)
	}
	l.name, l.release = max(l.name, len(line.Name)), max(l.release, len(release))
	name := line.Name
	if l.s.color {
		name = lipgloss.NewStyle().Foreground(lipgloss.Color(sourceColors[line.Source])).Render(name)
	}
	return name + strings.Repeat(" ", l.name-len(line.Name)+1) + l.s.faint(release) + strings.Repeat(" ", l.release-len(release)+1)
}
