package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newLoginCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "login [ADDR]",
		Short: "Store a token for a server",
		Long: `Reads a token from the terminal (it is not shown) or from a pipe, asks the server whose it is, and
stores it for that server's address, readable by you only. There is no flag for the token: arguments
can be read by every user of a machine.`,
		Example: `  crumpet login https://crumpet.example.com
  pass crumpet/token | crumpet login https://crumpet.example.com`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && s.addr != "" && args[0] != s.addr {
				return usagef("the argument and --addr name two servers: leave one out")
			}
			if len(args) > 0 {
				s.addr = args[0]
			}
			return s.login(cmd.Context())
		},
	}
}

func (s *session) login(ctx context.Context) error {
	to, err := s.target()
	if err != nil {
		return err
	}
	if to.token, err = s.readToken(to.addr); err != nil {
		return err
	}
	c, err := s.clientOf(to)
	if err != nil {
		return err
	}
	self, err := c.Whoami(ctx)
	if err != nil {
		return err
	}
	if err := storeToken(to.addr, to.token); err != nil {
		return err
	}
	s.print("Logged in to %s as %s.", to.addr, self.User)
	return nil
}

// storeToken keeps a token for an address, and makes that server the one that commands talk to.
func storeToken(addr, token string) error {
	stored, err := loadCredentials()
	if err != nil {
		return err
	}
	addr = normalAddr(addr)
	stored.Servers[addr] = credential{Token: token}
	stored.Current = addr
	return stored.save()
}

func (s *session) readToken(addr string) (string, error) {
	if s.prompts() {
		s.say("Token for %s (it is not shown):", addr)
		text, err := term.ReadPassword(int(s.in.(*os.File).Fd())) //nolint:forcetypeassert // prompts has looked
		return strings.TrimSpace(string(text)), err
	}
	line, err := bufio.NewReader(io.LimitReader(s.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", paas.Errorf(paas.Invalid, "There is no token on stdin. Write it there, or run `crumpet login` in a terminal.")
	}
	return line, nil
}

func newLogoutCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "logout [ADDR]",
		Short: "Forget the token of a server",
		Example: `  crumpet logout
  crumpet logout https://crumpet.example.com`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				s.addr = args[0]
			}
			to, err := s.target()
			if err != nil {
				return err
			}
			stored, err := loadCredentials()
			if err != nil {
				return err
			}
			if _, ok := stored.Servers[to.addr]; !ok {
				s.print("There is no login for %s.", to.addr)
				return nil
			}
			delete(stored.Servers, to.addr)
			if stored.Current == to.addr {
				stored.Current = ""
			}
			if err := stored.save(); err != nil {
				return err
			}
			s.print("Logged out of %s. The token itself stays valid.", to.addr)
			return nil
		},
	}
}
