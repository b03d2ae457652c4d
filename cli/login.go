package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/paas"
)

type loginFlags struct {
	token, noBrowser bool
}

func newLoginCmd(s *session) *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login [ADDR]",
		Short: "Sign in to a server",
		Long: `On a terminal, opens the server's page in your browser, where you sign in and are asked whether the CLI
of this machine may act as you. What it gets is a token of your own, of 90 days; crumpet tokens list shows it,
and crumpet logout ends it.

Over SSH, or where there is no browser, the page's address is printed instead: open it anywhere, and paste the
code that it shows. --no-browser asks for that.

With --token, or when something is piped in, a token is read from the terminal (it is not shown) or from the
pipe: that is for CI, and for a server's first token. There is no flag that takes the token itself: arguments
can be read by every user of a machine.

In each case the token is stored for the server's address, readable by you only.`,
		Example: `  crumpet login https://crumpet.example.com
  crumpet login https://crumpet.example.com --no-browser
  pass crumpet/token | crumpet login https://crumpet.example.com`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && s.addr != "" && args[0] != s.addr {
				return usagef("the argument and --addr name two servers: leave one out")
			}
			if f.token && f.noBrowser {
				return usagef("--token needs no browser: leave --no-browser out")
			}
			if len(args) > 0 {
				s.addr = args[0]
			}
			return s.login(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVar(&f.token, "token", false, "read a token from the terminal or from stdin")
	cmd.Flags().BoolVar(&f.noBrowser, "no-browser", false, "print the address of the page, and read the code that it shows")
	return cmd
}

func (s *session) login(ctx context.Context, f loginFlags) error {
	to, err := s.target()
	if err != nil {
		return err
	}
	if f.token || (!s.prompts() && !f.noBrowser) {
		to.token, err = s.readToken(to.addr)
	} else {
		to.token, err = s.tokenByBrowser(ctx, to.addr, f.noBrowser)
	}
	if err != nil {
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
	line, err := s.readLine()
	if err == nil && line == "" {
		return "", paas.Errorf(paas.Invalid, "There is no token on stdin. Write it there, or run `crumpet login` in a terminal.")
	}
	return line, err
}

// readLine reads the first line of what is piped in.
func (s *session) readLine() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(s.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

func newLogoutCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "logout [ADDR]",
		Short: "End the login of a server",
		Long: `Ends the token that crumpet login has got for you, on every server at once, and forgets it here. A token
that is not a person's own, such as the server's first one, is only forgotten: others may use it.`,
		Example: `  crumpet logout
  crumpet logout https://crumpet.example.com`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				s.addr = args[0]
			}
			return s.logout(cmd.Context())
		},
	}
}

func (s *session) logout(ctx context.Context) error {
	to, err := s.target()
	if err != nil {
		return err
	}
	stored, err := loadCredentials()
	if err != nil {
		return err
	}
	login, ok := stored.Servers[to.addr]
	if !ok {
		s.print("There is no login for %s.", to.addr)
		return nil
	}
	ended, problem := s.endToken(ctx, target{addr: to.addr, token: login.Token})
	delete(stored.Servers, to.addr)
	if stored.Current == to.addr {
		stored.Current = ""
	}
	if err := stored.save(); err != nil {
		return err
	}
	switch {
	case problem != nil && paas.CodeOf(problem) != paas.Unauthorized: // else it has ended before
		s.say("The token could not be ended on the server, and stays valid: %s", sentenceOf(problem))
		s.print("Logged out of %s on this machine.", to.addr)
	case ended == "nothing":
		s.print("Logged out of %s. The token itself stays valid.", to.addr)
	default:
		s.print("Logged out of %s. Its token is no longer valid.", to.addr)
	}
	return nil
}

func (s *session) endToken(ctx context.Context, to target) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := s.clientOf(to)
	if err != nil {
		return "", err
	}
	out, err := c.Logout(ctx)
	return out.Ended, err
}
