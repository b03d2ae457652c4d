package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newTeamsCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "teams",
		Short: "Who shares the cluster: teams with their quotas",
		Long: `A team owns apps, services, volumes and hosts, and has a namespace of its own in Nomad. It is made by an admin
before anything is made in it. --team, or CRUMPET_TEAM, says which team every other command is about.`,
		Example: `  crumpet teams list
  crumpet teams create shop --description "The web shop" --memory 4096 --instances 20
  crumpet teams show shop`,
	}
	add(cmd, "", newTeamsListCmd(s), newTeamShowCmd(s), newTeamCreateCmd(s), newTeamUpdateCmd(s), newTeamDeleteCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newTeamsListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the teams that you are in",
		Long:  `An admin of the platform sees every team.`,
		Example: `  crumpet teams list
  crumpet teams list --json | jq -r '.items[].name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Teams(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			if len(list.Items) == 0 {
				s.say("You are in no team. Have a maintainer of one add you: `crumpet members add USER --team TEAM`.")
				return nil
			}
			var rows [][]string
			for _, t := range list.Items {
				rows = append(rows, []string{t.Name, string(t.Role), quotaText(t.Quota), t.Description})
			}
			s.table(s.out, []string{"TEAM", "YOUR ROLE", "QUOTA", "DESCRIPTION"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// quotaText is a quota in one line.
func quotaText(q paas.TeamQuota) string {
	var parts []string
	for _, l := range q.Bounded(paas.Demand{}, paas.Demand{}) {
		parts = append(parts, l.What+" "+limitText(l))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func limitText(l paas.QuotaLine) string {
	return strings.TrimSpace(strconv.Itoa(l.Limit) + " " + l.Unit)
}

func newTeamShowCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [TEAM]",
		Short: "Show a team, with what it wants of its quota",
		Long:  `Shows the team that --team says where none is named.`,
		Example: `  crumpet teams show
  crumpet teams show shop --json | jq .use`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			t, err := c.ShowTeam(cmd.Context(), cmp.Or(strings.Join(args, ""), c.Team()))
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(t)
			}
			s.print("%s  %s", s.bold(t.Name), t.Description)
			if t.Role != "" {
				s.print("You are %s in it.", t.Role)
			}
			s.print("")
			s.showQuota(t)
			return nil
		},
		ValidArgsFunction: completing(s.teamNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newTeamCreateCmd(s *session) *cobra.Command {
	var in wire.CreateTeam
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create TEAM",
		Short: "Make a team (admins)",
		Long: `Makes a team with a namespace in Nomad. What is left out of its quota has no bound. Then somebody is made
its maintainer: crumpet members add USER --role maintainer --team TEAM.`,
		Example: `  crumpet teams create shop
  crumpet teams create shop --description "The web shop" --memory 4096 --apps 10`,
		Args: cobra.ExactArgs(1),
	}
	quota := quotaFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		in.Name, in.Quota = args[0], quota()
		t, err := c.CreateTeam(cmd.Context(), in)
		if err != nil {
			return err
		}
		if asJSON {
			return s.printJSON(t)
		}
		s.print("Team %s is there. Quota: %s.", t.Name, quotaText(t.Quota))
		return nil
	}
	cmd.Flags().StringVar(&in.Description, "description", "", "what the team is, for people")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newTeamUpdateCmd(s *session) *cobra.Command {
	var description string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "update TEAM",
		Short: "Change what a team is described as (admins)",
		Long:  `The quota is changed with "crumpet quota set". A team's name stays what it is: names of jobs hold it.`,
		Example: `  crumpet teams update shop --description "The web shop, and its mail"
  crumpet teams update shop --description ""`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("description") {
				return usagef("nothing is said to change: give --description")
			}
			return s.updateTeam(cmd.Context(), args[0], wire.UpdateTeam{Description: &description}, asJSON)
		},
		ValidArgsFunction: completing(s.teamNames),
	}
	cmd.Flags().StringVar(&description, "description", "", "what the team is, for people")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) updateTeam(ctx context.Context, name string, in wire.UpdateTeam, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	t, err := c.UpdateTeam(ctx, name, in)
	if err != nil {
		return err
	}
	if asJSON {
		return s.printJSON(t)
	}
	s.print("Team %s is changed. Quota: %s.", t.Name, quotaText(t.Quota))
	return nil
}

func newTeamDeleteCmd(s *session) *cobra.Command {
	var confirmed string
	cmd := &cobra.Command{
		Use:   "delete TEAM",
		Short: "Delete a team that owns nothing any more (admins)",
		Long: `Takes a team away with its memberships and its bots. It is refused while the team has an app, a service
instance, a volume or a host; each is named. Asks for the team's name first; --confirm TEAM stands for the answer.`,
		Example: `  crumpet teams delete shop
  crumpet teams delete shop --confirm shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			if confirmed == "" {
				s.say("This deletes team %s with its members and bots. Type the team's name to go on:", args[0])
				line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return err
				}
				confirmed = strings.TrimSpace(line)
			}
			if confirmed != args[0] {
				return paas.Errorf(paas.Invalid, "The team is %q, and the answer was %q: nothing was deleted.", args[0], confirmed)
			}
			if _, err := c.DeleteTeam(cmd.Context(), args[0]); err != nil {
				return err
			}
			s.print("Team %s is deleted.", args[0])
			return nil
		},
		ValidArgsFunction: completing(s.teamNames),
	}
	cmd.Flags().StringVar(&confirmed, "confirm", "", "the team's name; then it is not asked for")
	completeFlag(cmd, "confirm", s.teamNames)
	return cmd
}

// teamNames completes names of teams.
func (s *session) teamNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Teams(ctx)
		var names []string
		for _, t := range list.Items {
			names = append(names, t.Name+"\t"+cmp.Or(t.Description, string(t.Role)))
		}
		return names, err
	})
}
