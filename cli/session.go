package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/client"
)

// session is one run of the program: its streams, and the flags that all commands have.
type session struct {
	in          io.Reader
	out, errOut io.Writer
	live        bool // out is a terminal: a line may be drawn again
	color       bool // and shows colours
	width       int  // of the terminal, 0 if there is none

	addr, team, app string // flags

	mu      sync.Mutex // guards retried
	retried time.Time  // when the server was last not reached
}

func newSession(in io.Reader, out, errOut io.Writer) *session {
	s := &session{in: in, out: out, errOut: errOut}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.live = os.Getenv("TERM") != "dumb"
		s.color = s.live && os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.width = width
		}
	}
	return s
}

// say prints a message for the user, on stderr.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.errOut, format+"\n", args...) }

// print prints a line of what was asked for, on stdout.
func (s *session) print(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// printJSON prints one JSON document, indented.
func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// prompts says whether a question can be asked.
func (s *session) prompts() bool {
	f, ok := s.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// client makes the client of the server that flags, environment and login name.
func (s *session) client() (*client.Client, error) {
	target, err := s.target()
	if err != nil {
		return nil, err
	}
	return s.clientOf(target)
}

func (s *session) clientOf(target target) (*client.Client, error) {
	return client.New(client.Config{Addr: target.addr, Token: target.token, Team: s.teamName(), OnRetry: s.onRetry})
}

// onRetry tells once of each time that the server is lost.
func (s *session) onRetry(err error) {
	s.mu.Lock()
	again := time.Since(s.retried) < 5*time.Second
	s.retried = time.Now()
	s.mu.Unlock()
	if !again {
		s.say("%s Trying again ...", sentenceOf(err))
	}
}

// printJSONLine prints one JSON document on a line of its own.
func (s *session) printJSONLine(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
