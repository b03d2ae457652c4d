package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newBotsCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bots",
		Short: "Members of a team that are programs, such as CI",
		Long: `A bot is a member of exactly one team. It has no password and can't sign in: it acts by tokens that maintainers
make for it, which can be narrowed to apps and verbs and end by themselves.`,
		Example: `  crumpet bots create ci --role developer --team shop
  crumpet bots list --team shop`,
	}
	add(cmd, "", newBotsListCmd(s), newBotCreateCmd(s), newBotDeleteCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newBotsListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the bots of the team",
		Long:  `Lists each bot with its role.`,
		Example: `  crumpet bots list
  crumpet bots list --team shop --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Bots(cmd.Context(), c.Team())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showMembers(list.Items, "Team "+c.Team()+" has no bot. `crumpet bots create NAME` makes one.")
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newBotCreateCmd(s *session) *cobra.Command {
	var in wire.CreateBot
	var role string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a bot in the team",
		Long: `Makes a bot with a role in the team, not above your own. Its name is unique among all users. It can do nothing
before it has a token: crumpet tokens create NAME --bot BOT.`,
		Example: `  crumpet bots create ci
  crumpet bots create reporter --role viewer --description "Weekly report" --team shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			in.Name, in.Role = args[0], paas.Role(role)
			m, err := c.CreateBot(cmd.Context(), c.Team(), in)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(m)
			}
			s.print("Bot %s is %s in team %s. It has no token yet: `crumpet tokens create NAME --bot %s` makes one.", m.User, m.Role, m.Team, m.User)
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	roleFlag(cmd, &role, string(paas.Developer))
	cmd.Flags().StringVar(&in.Description, "description", "", "what the bot is for")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newBotDeleteCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a bot of the team, with its tokens",
		Long:  `The bot's tokens end at once, on every server. What it deployed stays.`,
		Example: `  crumpet bots delete ci
  crumpet bots delete ci --team shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			if _, err := c.DeleteBot(cmd.Context(), c.Team(), args[0]); err != nil {
				return err
			}
			s.print("Bot %s is deleted, with its tokens.", args[0])
			return nil
		},
		ValidArgsFunction: completing(s.botNames),
	}
	return cmd
}

// botNames completes names of bots of the team.
func (s *session) botNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Bots(ctx, c.Team())
		var names []string
		for _, m := range list.Items {
			names = append(names, m.User+"\t"+string(m.Role))
		}
		return names, err
	})
}
