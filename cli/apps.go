package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newAppsCmd(s *session) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "apps",
		Short: "List apps",
		Example: `  crumpet apps
  crumpet apps --all-teams --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := client.AppsQuery{}
			if all {
				query.Team = "*"
			}
			list, err := s.apps(cmd.Context(), query)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showApps(list.Items, all)
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all-teams", false, "list the apps of every team")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// apps reads every page.
func (s *session) apps(ctx context.Context, query client.AppsQuery) (wire.Apps, error) {
	all := wire.Apps{Items: []wire.App{}}
	c, err := s.client()
	if err != nil {
		return all, err
	}
	for {
		page, err := c.Apps(ctx, query)
		if err != nil {
			return all, err
		}
		all.Items = append(all.Items, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		query.After = page.Next
	}
}

func (s *session) showApps(list []wire.App, teams bool) {
	if len(list) == 0 {
		s.say("There is no app yet. Make one with `crumpet init --template go-web NAME`, then `crumpet push`.")
		return
	}
	header := []string{"APP", "STATUS", "RELEASE", "INSTANCES", "REQ/S", "URL"}
	if teams {
		header = slices.Insert(header, 0, "TEAM")
	}
	var rows [][]string
	for _, app := range list {
		row := []string{app.App, s.tone(string(app.Status)), number(app.Release), fmt.Sprintf("%d/%d", app.Healthy, app.Wanted), rateText(app), strings.Join(app.URLs, " ")}
		if teams {
			row = slices.Insert(row, 0, app.Team)
		}
		rows = append(rows, row)
	}
	s.table(s.out, header, rows)
}

// rateText is how much an app is asked, and how much of that goes wrong.
func rateText(app wire.App) string {
	switch {
	case app.Rate == 0:
		return "-"
	case app.Errors > 0:
		return fmt.Sprintf("%.1f (%.1f%% 5xx)", app.Rate, 100*app.Errors)
	}
	return fmt.Sprintf("%.1f", app.Rate)
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// completeWithin bounds what a shell waits for after a tab.
const completeWithin = 2 * time.Second

// appNames completes names of apps; a server that does not answer completes nothing.
func (s *session) appNames(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	list, err := s.apps(ctx, client.AppsQuery{})
	if err != nil {
		return nil
	}
	var names []string
	for _, app := range list.Items {
		names = append(names, app.App+"\t"+string(app.Status))
	}
	return names
}

// processNames completes names of processes of the app that is meant.
func (s *session) processNames(ctx context.Context, args []string) []string {
	var names []string
	for _, p := range s.statusInTime(ctx, args).Processes {
		names = append(names, p.Name)
	}
	return names
}

// completeInstances completes the flags --process and --instance of a command about an app's instances.
func (s *session) completeInstances(cmd *cobra.Command) {
	must(cmd.RegisterFlagCompletionFunc("process", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.processNames(cmd.Context(), args), cobra.ShellCompDirectiveNoFileComp
	}))
	must(cmd.RegisterFlagCompletionFunc("instance", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, i := range s.statusInTime(cmd.Context(), args).Instances {
			ids = append(ids, fmt.Sprintf("%s\t%s.%d of release %d, %s", short(i.ID), i.Process, i.Index, i.Release, i.State))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}))
}

// statusInTime reads the status of an app for completion: nothing, if that takes long or can't be.
func (s *session) statusInTime(ctx context.Context, args []string) wire.Status {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, app, err := s.about(args)
	if err != nil {
		return wire.Status{}
	}
	status, err := c.Status(ctx, app)
	if err != nil {
		return wire.Status{}
	}
	return status
}
