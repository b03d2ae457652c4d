package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newUsersCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users",
		Short: "Who can sign in (admins)",
		Long: `A local user has a password here; whoever signs in at an OIDC provider is added at the first sign-in. What a
user may do is said by its membership in teams: see "crumpet members". Passwords are never arguments: they are asked
for, or read from a file or stdin.`,
		Example: `  crumpet users list
  crumpet users create ann --full-name "Ann Example" --email ann@example.com
  crumpet users disable bob`,
	}
	add(cmd, "", newUsersListCmd(s), newUserCreateCmd(s), newUserUpdateCmd(s), newUserDisableCmd(s), newUserEnableCmd(s), newUserUnlockCmd(s), newUserDeleteCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newUsersListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List users and bots, with their teams",
		Long:  `Lists everybody by name: persons with a password, those of OIDC providers, and bots.`,
		Example: `  crumpet users list
  crumpet users list --json | jq -r '.items[] | select(.admin) | .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Users(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			if len(list.Items) == 0 {
				s.say("There is no user. `crumpet users create NAME` makes one.")
				return nil
			}
			var rows [][]string
			for _, u := range list.Items {
				seen := "never"
				if u.SeenAt != nil {
					seen = ago(*u.SeenAt)
				}
				rows = append(rows, []string{u.Name, signInText(u), s.tone(userStatus(u)), rolesText(u.Roles, u.Admin), seen, u.FullName})
			}
			s.table(s.out, []string{"USER", "SIGNS IN BY", "STATUS", "ROLES", "LAST SIGN-IN", "NAME"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func signInText(u wire.User) string {
	switch {
	case u.Kind == paas.Bot:
		return "bot"
	case u.Provider != "":
		return u.Provider
	case u.Password:
		return "password"
	}
	return "nothing yet"
}

func userStatus(u wire.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case u.LockedUntil != nil && time.Now().Before(*u.LockedUntil):
		return "locked"
	}
	return "active"
}

func rolesText(roles map[string]paas.Role, admin bool) string {
	var parts []string
	if admin {
		parts = append(parts, string(paas.Admin))
	}
	for _, team := range slices.Sorted(maps.Keys(roles)) {
		parts = append(parts, team+"="+string(roles[team]))
	}
	return cmp.Or(strings.Join(parts, " "), "-")
}

func newUserCreateCmd(s *session) *cobra.Command {
	var in wire.CreateUser
	var file string
	var asJSON, without bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a local user, with a password",
		Long: `Asks for the password, of at least 12 characters, twice; it is not shown. With --file it is the line that the
file holds, - for stdin. With --no-password nobody can sign in as the user until "crumpet users update NAME
--password" gives it one. The user is in no team: "crumpet members add" makes it a member.`,
		Example: `  crumpet users create ann --full-name "Ann Example"
  pass crumpet/ann | crumpet users create ann --file -
  crumpet users create root --admin`,
		Args: oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			in.Name = args[0]
			if without && file != "" {
				return usagef("--no-password and --file exclude each other")
			}
			if !without {
				plain, err := s.newPassword(in.Name, file)
				if err != nil {
					return err
				}
				in.Password = wire.Password(plain)
			}
			u, err := c.CreateUser(cmd.Context(), in)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(u)
			}
			s.print("User %s is there.", u.Name)
			if !u.Admin {
				s.say("It is in no team yet: `crumpet members add %s --team TEAM --role developer`.", u.Name)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringVar(&in.FullName, "full-name", "", "the name that is shown")
	flags.StringVar(&in.Email, "email", "", "an address of mail")
	flags.BoolVar(&in.Admin, "admin", false, "an admin of the platform: may do everything in every team")
	flags.StringVar(&file, "file", "", "file that holds the password; - for stdin")
	flags.BoolVar(&without, "no-password", false, "give it none yet")
	must(cmd.MarkFlagFilename("file"))
	jsonFlag(cmd, &asJSON)
	return cmd
}

// oneUser refuses a password where a name is to stand alone.
func oneUser(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("there is one argument, the user's name. A password is none: it would stay in your shell's history and be seen in the list of processes. If what you gave is real, consider it seen")
	}
	return cobra.ExactArgs(1)(cmd, args)
}

// newPassword asks for a password twice, or reads it from a file.
func (s *session) newPassword(user, file string) (string, error) {
	plain, err := s.password("file", file, "Password of "+user+", at least 12 characters")
	if err != nil || file != "" {
		return plain, err
	}
	again, err := s.password("file", "", "The same again")
	if err == nil && again != plain {
		err = paas.Errorf(paas.Invalid, "The two passwords differ: nothing was done.")
	}
	return plain, err
}

func newUserUpdateCmd(s *session) *cobra.Command {
	var fullName, email, file string
	var admin, password, asJSON bool
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a user, or give it another password",
		Long: `What no flag says stays. --password asks for another password, and signs the user out everywhere; tokens stay
valid. --admin=false takes the rights of an admin away; nobody can do so to themselves.`,
		Example: `  crumpet users update ann --email ann@example.com
  crumpet users update ann --password
  crumpet users update bob --admin`,
		Args: oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			var in wire.UpdateUser
			changed := cmd.Flags().Changed
			if changed("full-name") {
				in.FullName = &fullName
			}
			if changed("email") {
				in.Email = &email
			}
			if changed("admin") {
				in.Admin = &admin
			}
			if password || file != "" {
				plain, err := s.newPassword(args[0], file)
				if err != nil {
					return err
				}
				in.Password = (*wire.Password)(&plain)
			}
			if in == (wire.UpdateUser{}) {
				return usagef("nothing is said to change: give --full-name, --email, --admin or --password")
			}
			return s.updateUser(cmd.Context(), args[0], in, asJSON, "User %s is changed.")
		},
		ValidArgsFunction: completing(s.userNames),
	}
	flags := cmd.Flags()
	flags.StringVar(&fullName, "full-name", "", "the name that is shown")
	flags.StringVar(&email, "email", "", "an address of mail")
	flags.BoolVar(&admin, "admin", false, "an admin of the platform")
	flags.BoolVar(&password, "password", false, "ask for another password")
	flags.StringVar(&file, "file", "", "file that holds another password; - for stdin")
	must(cmd.MarkFlagFilename("file"))
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) updateUser(ctx context.Context, name string, in wire.UpdateUser, asJSON bool, done string) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	u, err := c.UpdateUser(ctx, name, in)
	if err != nil {
		return s.namedUser(ctx, name, err)
	}
	if asJSON {
		return s.printJSON(u)
	}
	s.print(done, u.Name)
	return nil
}

// namedUser adds to an error about an unknown user the name that was probably meant.
func (s *session) namedUser(ctx context.Context, name string, err error) error {
	if paas.CodeOf(err) != paas.NotFound {
		return err
	}
	return nearest(err, name, s.userNames(ctx))
}

func newUserDisableCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "disable NAME",
		Short: "Keep a user or bot out, until it is enabled",
		Long: `The user is signed out everywhere, at once on every server, and none of its tokens is taken. Its memberships
and tokens stay for the day it is enabled again.`,
		Example: `  crumpet users disable bob`,
		Args:    oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			yes := true
			return s.updateUser(cmd.Context(), args[0], wire.UpdateUser{Disabled: &yes}, asJSON, "User %s is disabled.")
		},
		ValidArgsFunction: completing(s.userNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newUserEnableCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "enable NAME",
		Short:   "Let a disabled user or bot in again",
		Long:    `Its tokens that have not ended are taken again; its sessions in browsers do not come back.`,
		Example: `  crumpet users enable bob`,
		Args:    oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			no := false
			return s.updateUser(cmd.Context(), args[0], wire.UpdateUser{Disabled: &no}, asJSON, "User %s is enabled.")
		},
		ValidArgsFunction: completing(s.userNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newUserUnlockCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "unlock NAME",
		Short: "Look at a user's passwords again, after too many failures",
		Long: `After five wrong passwords in a row none is looked at for a minute, and longer after each further one, up to an
hour. This ends the wait.`,
		Example: `  crumpet users unlock ann`,
		Args:    oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.updateUser(cmd.Context(), args[0], wire.UpdateUser{Unlock: true}, asJSON, "User %s is not locked.")
		},
		ValidArgsFunction: completing(s.userNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newUserDeleteCmd(s *session) *cobra.Command {
	var confirmed string
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user, with its tokens and memberships",
		Long: `Asks for the user's name first; --confirm NAME stands for the answer, and is needed where nobody can be asked.
What the user did stays in the audit. Somebody who comes from an OIDC provider is added anew at the next sign-in:
disable such a user instead.`,
		Example: `  crumpet users delete bob
  crumpet users delete bob --confirm bob`,
		Args: oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			if confirmed == "" {
				s.say("This deletes user %s with its memberships, tokens and sessions. It can't be undone.", args[0])
				s.say("Type the user's name to go on:")
				line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return err
				}
				confirmed = strings.TrimSpace(line)
			}
			if confirmed != args[0] {
				return errors.New("the answer was not the user's name: nothing was deleted")
			}
			u, err := c.DeleteUser(cmd.Context(), args[0])
			if err != nil {
				return s.namedUser(cmd.Context(), args[0], err)
			}
			s.print("User %s is deleted.", u.Name)
			return nil
		},
		ValidArgsFunction: completing(s.userNames),
	}
	cmd.Flags().StringVar(&confirmed, "confirm", "", "the user's name; then it is not asked for")
	completeFlag(cmd, "confirm", s.userNames)
	return cmd
}

// userNames completes names of users.
func (s *session) userNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Users(ctx)
		var names []string
		for _, u := range list.Items {
			names = append(names, u.Name)
		}
		return names, err
	})
}
