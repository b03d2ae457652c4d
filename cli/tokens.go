package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newTokensCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Tokens that programs, such as CI, act with",
		Long: `A token acts for you, or for a bot of your team, and never may more than that one may. It can be narrowed to
teams, apps and verbs, and it ends by itself. The server keeps a hash of it only: the token itself is shown once,
when it is made. A token that is revoked is refused from that moment on, by every server.`,
		Example: `  crumpet tokens create ci --app default/shop --verb deploy --verb read --expires 30d
  crumpet tokens list
  crumpet tokens revoke abc123def456`,
	}
	add(cmd, "", newTokensListCmd(s), newTokenCreateCmd(s), newTokenRevokeCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newTokensListCmd(s *session) *cobra.Command {
	var asJSON, all, ended bool
	var owner string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List your tokens, and when each was last used",
		Long: `Lists your own tokens, or with --bot those of a bot of a team that you maintain. Admins can list those of
anybody, and with --all every token there is. Tokens that expired or were revoked are left out, unless --ended asks
for them; they are forgotten 30 days after their end.`,
		Example: `  crumpet tokens list
  crumpet tokens list --bot ci
  crumpet tokens list --all --json | jq -r '.items[] | select(.last_used_at == null) | .id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && owner != "" {
				return usagef("--all lists every token: leave --bot out")
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			if all {
				owner = "*"
			}
			list, err := c.Tokens(cmd.Context(), owner)
			if err != nil {
				return err
			}
			kept := []wire.Token{}
			for _, t := range list.Items {
				if ended || t.Status == wire.TokenActive {
					kept = append(kept, t)
				}
			}
			list.Items = kept
			if asJSON {
				return s.printJSON(list)
			}
			s.showTokens(list.Items)
			return nil
		},
	}
	cmd.Flags().StringVar(&owner, "bot", "", "a bot, or for admins anybody, whose tokens are listed")
	cmd.Flags().BoolVar(&all, "all", false, "list every token (admins)")
	cmd.Flags().BoolVar(&ended, "ended", false, "also those that expired or were revoked")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showTokens(list []wire.Token) {
	if len(list) == 0 {
		s.say("There is no token. `crumpet tokens create NAME` makes one.")
		return
	}
	var rows [][]string
	for _, t := range list {
		name := t.Name
		if t.Current {
			name += " (this one)"
		}
		used := "never"
		if t.LastUsedAt != nil {
			used = strings.TrimSpace(ago(*t.LastUsedAt) + " " + t.LastUsedBy)
		}
		rows = append(rows, []string{t.ID, name, cmp.Or(t.Owner, "operators"), scopeText(t), endText(t), used})
	}
	s.table(s.out, []string{"ID", "NAME", "ACTS FOR", "ONLY FOR", "ENDS", "LAST USED"}, rows)
}

// scopeText is what a token is narrowed to, in one line.
func scopeText(t wire.Token) string {
	var parts []string
	if len(t.Teams) > 0 {
		parts = append(parts, "team "+strings.Join(t.Teams, ", "))
	}
	if len(t.Apps) > 0 {
		parts = append(parts, strings.Join(t.Apps, ", "))
	}
	if len(t.Verbs) > 0 {
		verbs := make([]string, len(t.Verbs))
		for i, v := range t.Verbs {
			verbs[i] = string(v)
		}
		parts = append(parts, "to "+strings.Join(verbs, ", "))
	}
	return cmp.Or(strings.Join(parts, "; "), "-")
}

func endText(t wire.Token) string {
	switch {
	case t.Status == wire.TokenRevoked:
		return t.Status
	case t.ExpiresAt == nil:
		return "never"
	case t.Status == wire.TokenExpired:
		return t.Status
	}
	if time.Until(*t.ExpiresAt) < 48*time.Hour {
		return moment(*t.ExpiresAt)
	}
	return t.ExpiresAt.Local().Format(time.DateOnly)
}

func newTokenCreateCmd(s *session) *cobra.Command {
	var in wire.CreateToken
	var verbs []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token; it is shown this once",
		Long: `Prints the token on stdout, and nothing else; what there is to say of it goes to stderr. It can't be shown
again: put it where it is needed at once.

Without --team, --app and --verb it may all that you may. Each of them narrows it, and can be given several times:
--app default/shop --verb deploy makes a token that can release that app, and nothing else. It ends after 90 days
unless --expires says otherwise; 365 days is the longest. A token that is narrowed can't make one that is less so,
and none makes one that ends later than itself.

With --bot it acts for a bot of a team that you maintain, and goes on when you leave. --operator makes a token
that belongs to nobody and may do everything (admins).`,
		Example: `  crumpet tokens create ci --app default/shop --verb deploy --verb read --expires 30d
  crumpet tokens create nightly --bot ci | vault kv put secret/ci token=-
  crumpet tokens create status --team shop --verb read --json | jq -r .secret`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			in.Name = args[0]
			for _, v := range verbs {
				in.Verbs = append(in.Verbs, paas.Verb(v))
			}
			made, err := c.CreateToken(cmd.Context(), in)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(made)
			}
			until := "until it is revoked"
			if made.Token.ExpiresAt != nil {
				until = "until " + moment(*made.Token.ExpiresAt)
			}
			s.say("Token %q has the id %s and is valid %s. It is shown this once:", made.Token.Name, made.Token.ID, until)
			s.print("%s", string(made.Secret))
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&in.Teams, "team", nil, "a team it is for")
	flags.StringSliceVar(&in.Apps, "app", nil, "an app it is for, as TEAM/APP")
	flags.StringSliceVar(&verbs, "verb", nil, "what it may do: "+strings.Join(verbNames(), ", "))
	flags.StringVar(&in.ExpiresIn, "expires", "", "how long it lasts, such as 30d or 12h (default 90d)")
	flags.StringVar(&in.Owner, "bot", "", "a bot that it acts for")
	flags.BoolVar(&in.Operator, "operator", false, "belong to nobody, and do everything (admins)")
	completeFlag(cmd, "team", s.teamNames)
	completeFlag(cmd, "app", s.fullAppNames)
	completeFlag(cmd, "verb", func(context.Context) []string { return verbNames() })
	jsonFlag(cmd, &asJSON)
	return cmd
}

func verbNames() []string {
	var names []string
	for _, v := range paas.Verbs() {
		names = append(names, string(v))
	}
	return names
}

// fullAppNames completes apps as TEAM/APP.
func (s *session) fullAppNames(ctx context.Context) []string {
	c, err := s.client()
	if err != nil {
		return nil
	}
	var names []string
	for _, app := range s.appNames(ctx) {
		names = append(names, c.Team()+"/"+app)
	}
	return names
}

func newTokenRevokeCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token, at once on every server",
		Long: `Whoever has the token is refused from now on, and what it had open, such as a log that was followed, ends. You
can revoke your own tokens and those of bots of teams that you maintain; admins can revoke any.`,
		Example: `  crumpet tokens revoke abc123def456
  crumpet tokens list --json | jq -r '.items[] | select(.name == "ci") | .id' | xargs -n 1 crumpet tokens revoke`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			t, err := c.RevokeToken(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			s.print("Token %s (%s) is revoked.", t.ID, t.Name)
			return nil
		},
		ValidArgsFunction: completing(s.tokenIDs),
	}
	return cmd
}

// tokenIDs completes the caller's tokens, each with its name.
func (s *session) tokenIDs(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := c.Tokens(ctx, "")
		var ids []string
		for _, t := range list.Items {
			if t.Status == wire.TokenActive {
				ids = append(ids, fmt.Sprintf("%s\t%s", t.ID, t.Name))
			}
		}
		return ids, err
	})
}
