package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newHostsCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "Host names, and which team has them",
		Long: `The first team to have a route on a host keeps it, even without routes, until it gives it up. *.x.example.com and
x.example.com belong to one team, and a host below another team's wildcard can't be had. A team that shares a
host lets another have routes of its own there, on other paths.`,
		Example: `  crumpet hosts list
  crumpet hosts share shop.example.com --with mail
  crumpet hosts release old.example.com`,
	}
	add(cmd, "", newHostsListCmd(s), newHostShareCmd(s, true), newHostShareCmd(s, false), newHostReleaseCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newHostsListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the team's hosts, and those shared with it",
		Long:  `With --team '*' those of every team that you are in.`,
		Example: `  crumpet hosts list
  crumpet hosts list --team shop --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Hosts(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			if len(list.Items) == 0 {
				s.say("Team %s has no host. A route in crumpet.hcl makes one its own.", c.Team())
				return nil
			}
			var rows [][]string
			for _, h := range list.Items {
				rows = append(rows, []string{h.Host, h.Team, strings.Join(h.Shared, " ")})
			}
			s.table(s.out, []string{"HOST", "TEAM", "SHARED WITH"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newHostShareCmd(s *session, shared bool) *cobra.Command {
	in := wire.ShareHost{Shared: shared}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "share HOST",
		Short: "Let another team have routes on a host",
		Long: `The other team may have routes on the host from its next push on, and on what a wildcard covers, but none that the
team has already. The host stays the team's.`,
		Example: `  crumpet hosts share shop.example.com --with mail
  crumpet hosts share '*.example.com' --with mail --team shop`,
		Args: cobra.ExactArgs(1),
	}
	done := "Host %s is shared with team %s."
	if !shared {
		cmd.Use, cmd.Short = "unshare HOST", "Let another team have routes on a host no longer"
		cmd.Long = `It is refused while the other team has a route there: it takes that away first.`
		cmd.Example = `  crumpet hosts unshare shop.example.com --with mail
  crumpet hosts unshare '*.example.com' --with mail --team shop`
		done = "Host %s is not shared with team %s."
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if in.With == "" {
			return usagef("the other team is not said: give --with TEAM")
		}
		c, err := s.client()
		if err != nil {
			return err
		}
		h, err := c.ShareHost(cmd.Context(), args[0], in)
		if err != nil {
			return err
		}
		if asJSON {
			return s.printJSON(h)
		}
		s.print(done, h.Host, in.With)
		return nil
	}
	cmd.Flags().StringVar(&in.With, "with", "", "the other team")
	completeFlag(cmd, "with", s.teamNames)
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = completing(s.hostNames)
	return cmd
}

func newHostReleaseCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release HOST",
		Short: "Give up a host",
		Long: `The next team to have a route on the host gets it. It is refused while a route stands there, of the team or of
one that the host is shared with.`,
		Example: `  crumpet hosts release old.example.com
  crumpet hosts release '*.old.example.com' --team shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			if _, err := c.ReleaseHost(cmd.Context(), args[0]); err != nil {
				return err
			}
			s.print("Host %s is given up.", args[0])
			return nil
		},
		ValidArgsFunction: completing(s.hostNames),
	}
	return cmd
}

// hostNames completes hosts that are the team's own.
func (s *session) hostNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Hosts(ctx)
		var names []string
		for _, h := range list.Items {
			if h.Team == c.Team() {
				names = append(names, h.Host)
			}
		}
		return names, err
	})
}
