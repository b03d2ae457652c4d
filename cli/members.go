package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newMembersCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "members",
		Short: "Who is in a team, as what",
		Long: `A viewer reads status, logs and plans; a developer deploys, scales, sets configuration and makes services; a
maintainer also destroys, and manages members, bots and hosts. Nobody gives a role above their own. Who is a
member by a group of an OIDC provider is so until the group says otherwise.`,
		Example: `  crumpet members list --team shop
  crumpet members add ann --role developer --team shop
  crumpet members set ann --role maintainer --team shop`,
	}
	add(cmd, "", newMembersListCmd(s), newMemberAddCmd(s), newMemberSetCmd(s), newMemberRemoveCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newMembersListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who is in the team, bots as well",
		Long:  `Lists each member with the role and where it comes from: given by somebody, or a group of a provider.`,
		Example: `  crumpet members list
  crumpet members list --team shop --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Members(cmd.Context(), c.Team())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showMembers(list.Items, "Team "+c.Team()+" has no members; admins may do everything in it.")
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showMembers(list []wire.Member, none string) {
	if len(list) == 0 {
		s.say("%s", none)
		return
	}
	var rows [][]string
	for _, m := range list {
		state := ""
		switch {
		case m.Disabled:
			state = "disabled"
		case m.Admin:
			state = "admin of the platform"
		}
		rows = append(rows, []string{m.User, string(m.Kind), string(m.Role), m.Source, m.FullName, state})
	}
	s.table(s.out, []string{"USER", "KIND", "ROLE", "SOURCE", "NAME", "STATE"}, rows)
}

func newMemberAddCmd(s *session) *cobra.Command {
	return newMemberPutCmd(s, "add", "Make somebody a member of the team", `Makes a user a member. The user must be there: an admin adds one with "crumpet users create", and who
signs in through a provider is there from then on.`, `  crumpet members add ann
  crumpet members add ann --role maintainer --team shop`, string(paas.Developer))
}

func newMemberSetCmd(s *session) *cobra.Command {
	return newMemberPutCmd(s, "set", "Give a member another role", `Gives a member of the team another role, from the next call on.`,
		`  crumpet members set ann --role viewer
  crumpet members set ann --role maintainer --team shop`, "")
}

func newMemberPutCmd(s *session, use, short, long, example, usual string) *cobra.Command {
	var role string
	var asJSON bool
	cmd := &cobra.Command{
		Use: use + " USER", Short: short, Long: long, Example: example,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if role == "" {
				return usagef("the role is not said: give --role viewer, developer or maintainer")
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			m, err := c.SetMember(cmd.Context(), c.Team(), args[0], wire.SetMember{Role: paas.Role(role)})
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(m)
			}
			s.print("%s is %s in team %s.", m.User, m.Role, m.Team)
			return nil
		},
	}
	roleFlag(cmd, &role, usual)
	jsonFlag(cmd, &asJSON)
	if use == "set" {
		cmd.ValidArgsFunction = completing(s.memberNames)
	} else {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	return cmd
}

func roleFlag(cmd *cobra.Command, role *string, usual string) {
	cmd.Flags().StringVar(role, "role", usual, "viewer, developer or maintainer")
	completeFlag(cmd, "role", words("viewer", "developer", "maintainer"))
}

func newMemberRemoveCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove USER",
		Short: "Take somebody out of the team",
		Long: `Ends a membership from the next call on, and streams that are open at once. The last maintainer may go:
admins stay. What the user made stays as well.`,
		Example: `  crumpet members remove ann
  crumpet members remove ann --team shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			m, err := c.RemoveMember(cmd.Context(), c.Team(), args[0])
			if err != nil {
				return err
			}
			s.print("%s, who was %s, is in team %s no more.", m.User, m.Role, m.Team)
			return nil
		},
		ValidArgsFunction: completing(s.memberNames),
	}
	return cmd
}

// memberNames completes names of members of the team.
func (s *session) memberNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Members(ctx, c.Team())
		var names []string
		for _, m := range list.Items {
			names = append(names, m.User+"\t"+string(m.Role))
		}
		return names, err
	})
}
