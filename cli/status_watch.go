package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/client"
)

const (
	redrawAtMost  = 150 * time.Millisecond // between two drawings, however much happens
	redrawAtLeast = 2 * time.Second        // without an event: ages grow, and events may be lost
)

// The terminal's own words: another screen, so that what stood there comes back; no cursor meanwhile.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	cursorHome  = "\x1b[H"
	eraseLine   = "\x1b[K"
	eraseBelow  = "\x1b[J"
)

// watchStatus draws the screen of an app again whenever something happens, until ctx ends.
func (s *session) watchStatus(ctx context.Context, c *client.Client, app string, asJSON bool) error {
	shown, err := readScreen(ctx, c, app)
	if err != nil {
		return err
	}
	draw := s.appended(asJSON)
	if s.live && !asJSON {
		fmt.Fprint(s.out, enterScreen)
		draw = s.redrawn
		defer func() { // the last state stays to be read
			fmt.Fprint(s.out, leaveScreen)
			for _, line := range s.screenLines(shown) {
				s.print("%s", line)
			}
		}()
	}
	ctx, cancel := context.WithCancel(ctx)
	changed := make(chan struct{}, 1)
	listening := make(chan struct{})
	go func() { // ends with ctx, which ends with this function; waited for below
		defer close(listening)
		listen(ctx, c, app, shown.until, changed)
	}()
	defer func() { cancel(); <-listening }()
	for {
		if err := draw(shown); err != nil {
			return err
		}
		if !patient(ctx, changed) {
			return nil // Ctrl-C is how watching ends
		}
		next, err := readScreen(ctx, c, app)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		shown = next
	}
}

// listen says that something has happened to the app. An error ends it: then the screen is drawn by the
// clock alone.
func listen(ctx context.Context, c *client.Client, app string, after int64, changed chan<- struct{}) {
	for _, err := range c.Events(ctx, client.EventQuery{App: app, After: after}) {
		if err != nil {
			return
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// patient waits until there is something to draw; false when ctx has ended.
func patient(ctx context.Context, changed <-chan struct{}) bool {
	for _, wait := range []struct {
		time time.Duration
		on   <-chan struct{}
	}{{redrawAtMost, nil}, {redrawAtLeast, changed}} {
		timer := time.NewTimer(wait.time)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-wait.on:
		case <-timer.C:
		}
		timer.Stop()
	}
	return true
}

// redrawn draws over what stands in the terminal, in one write, so that nothing flickers. What has no
// room is cut.
func (s *session) redrawn(shown screen) error {
	height := 0
	if f, ok := s.out.(*os.File); ok {
		if width, high, err := term.GetSize(int(f.Fd())); err == nil {
			s.width, height = width, high
		}
	}
	lines := s.screenLines(shown)
	if height > 1 && len(lines) > height-1 {
		more := len(lines) - (height - 2)
		lines = append(lines[:height-2:height-2], s.faint(fmt.Sprintf("... and %s", count(more, "more line"))))
	}
	var frame bytes.Buffer
	frame.WriteString(cursorHome)
	for i, line := range lines {
		if i > 0 {
			frame.WriteString("\r\n")
		}
		if s.width > 0 && lipgloss.Width(line) > s.width {
			line = lipgloss.NewStyle().MaxWidth(s.width).Render(line)
		}
		frame.WriteString(line + eraseLine)
	}
	frame.WriteString(eraseBelow)
	_, err := s.out.Write(frame.Bytes())
	return err
}

// appended prints each state that is another than the one before, where nothing can be drawn over.
func (s *session) appended(asJSON bool) func(screen) error {
	before := ""
	return func(shown screen) error {
		state := stateText(shown)
		if state == before {
			return nil
		}
		first := before == ""
		before = state
		if asJSON {
			return s.printJSONLine(shown.status)
		}
		if !first {
			s.print("")
		}
		s.print("%s", s.faint(moment(time.Now())))
		for _, line := range s.screenLines(shown) {
			s.print("%s", line)
		}
		return nil
	}
}

// stateText is all of a screen that is not merely older than before.
func stateText(shown screen) string {
	var b strings.Builder
	status := shown.status
	fmt.Fprint(&b, status.Health, status.Status, status.Release, shown.why, shown.until, status.Processes, status.Routes)
	for _, i := range status.Instances {
		fmt.Fprint(&b, i.ID, i.State, i.Health, i.Reason, i.Restarts)
	}
	if d := status.Deployment; d != nil {
		fmt.Fprint(&b, d.ID, d.State, d.Step, d.Waits, d.Reason)
	}
	return b.String()
}
