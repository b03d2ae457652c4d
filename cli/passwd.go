package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newPasswdCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "passwd",
		Short: "Change your password",
		Long: `Asks for your password and, twice, for a new one of at least 12 characters; nothing is shown. From a pipe two
lines are read: the old one and the new one. Your sessions in browsers end, tokens stay valid.

Who signs in at an OIDC provider changes the password there.`,
		Example: `  crumpet passwd
  pass show crumpet | crumpet passwd   # two lines: old, new`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.passwd(cmd.Context()) },
	}
}

func (s *session) passwd(ctx context.Context) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	before, after, err := s.twoPasswords()
	if err != nil {
		return err
	}
	out, err := c.ChangePassword(ctx, wire.ChangePassword{Old: wire.Password(before), New: wire.Password(after)})
	if err != nil {
		return err
	}
	s.print("The password of %s is changed, and the sessions in browsers have ended.", out.User)
	return nil
}

func (s *session) twoPasswords() (before, after string, err error) {
	if !s.prompts() {
		text, err := io.ReadAll(io.LimitReader(bufio.NewReader(s.in), 4096))
		if err != nil {
			return "", "", err
		}
		lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
		if len(lines) != 2 {
			return "", "", usagef("stdin must have two lines: the old password, and the new one")
		}
		return lines[0], lines[1], nil
	}
	var again string
	for _, q := range []struct {
		question string
		to       *string
	}{{"Old password", &before}, {"New password, at least 12 characters", &after}, {"New password again", &again}} {
		s.say("%s (it is not shown):", q.question)
		text, err := term.ReadPassword(int(s.in.(*os.File).Fd())) //nolint:forcetypeassert // prompts has looked
		if err != nil {
			return "", "", err
		}
		*q.to = string(text)
	}
	if after != again {
		return "", "", paas.Errorf(paas.Invalid, "The two new passwords differ. Run `crumpet passwd` again.")
	}
	return before, after, nil
}
