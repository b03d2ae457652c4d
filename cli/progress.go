package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
)

// progress shows how far a command has come: one line for each step, with its time. In a terminal
// the line of the current step is drawn again as it goes; in a pipe a line is printed once it is
// known. A quiet one shows nothing.
type progress struct {
	s     *session
	quiet bool

	mu    sync.Mutex // guards all below, and the terminal
	step  string     // the one under way, "" for none
	note  string     // what happens in it
	began time.Time
	drawn bool // the cursor stands behind a live line

	stop   chan struct{}
	closed sync.Once
	drawer sync.WaitGroup
}

const (
	redraw    = 100 * time.Millisecond
	stepWidth = 12
)

// newProgress begins one; whoever does calls close.
func newProgress(s *session, quiet bool) *progress {
	p := &progress{s: s, quiet: quiet, stop: make(chan struct{})}
	if s.live && !quiet {
		p.drawer.Go(p.draw)
	}
	return p
}

func (p *progress) draw() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.drawLine()
			p.mu.Unlock()
		}
	}
}

// close ends the live line. It may be called twice.
func (p *progress) close() {
	p.closed.Do(func() { close(p.stop) })
	p.drawer.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.step = ""
}

// begin starts a step.
func (p *progress) begin(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.note, p.began = step, "", time.Now()
	p.drawLine()
}

// say changes what is said of the step under way, in a terminal only.
func (p *progress) say(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = note
	p.drawLine()
}

// end finishes a step under its name, with the time it took.
func (p *progress) end(step, note string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.step = ""
	p.print("%s %-35s %s", p.s.bold(pad(step)), note, p.s.faint(seconds(took)))
}

// line prints a line that stays, above the live one.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.print(format, args...)
	p.drawLine()
}

// done prints the last line.
func (p *progress) done(format string, args ...any) {
	p.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(format, args...)
}

func (p *progress) print(format string, args ...any) {
	if !p.quiet {
		p.s.print(format, args...)
	}
}

func (p *progress) drawLine() {
	if p.quiet || !p.s.live || p.step == "" {
		return
	}
	p.wipe()
	took := seconds(time.Since(p.began))
	text := fmt.Sprintf("%s %s", pad(p.step), p.note)
	if room := p.s.width - len(took) - 2; p.s.width > 0 && lipgloss.Width(text) > room {
		text = string([]rune(text)[:max(0, min(room, len([]rune(text))))])
	}
	fmt.Fprintf(p.s.out, "%s %s", text, p.s.faint(took))
	p.drawn = true
}

// wipe takes the live line away.
func (p *progress) wipe() {
	if p.drawn {
		fmt.Fprint(p.s.out, "\r\x1b[K")
		p.drawn = false
	}
}

func pad(step string) string { return step + strings.Repeat(" ", max(0, stepWidth-len(step))) }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
