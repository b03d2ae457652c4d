package build

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	maxLine  = 2000 // bytes of a line that are kept
	tailKept = 20   // last lines, kept past MaxLines
)

// journal is what a builder writes, as events of kind build.log: bounded, and free of secrets.
type journal struct {
	event func(message string) paas.Event
	max   int               // lines
	clean *strings.Replacer // takes out secrets and folders of the server

	more chan struct{} // has room for one: "there are events to write, or it is closed"

	mu      sync.Mutex // guards what follows
	waiting []paas.Event
	partial []byte // of a line that has not ended
	lines   int
	tail    []string // the last lines, told or not
	closed  bool
}

// newJournal makes a journal in which the folder src, where the source lies, reads as ".".
func newJournal(limit int, src string, secrets []string, event func(string) paas.Event) *journal {
	pairs := []string{src, "."}
	for _, s := range secrets {
		pairs = append(pairs, s, "[redacted]")
	}
	return &journal{event: event, max: limit, clean: strings.NewReplacer(pairs...), more: make(chan struct{}, 1)}
}

// Write takes the output of a program.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range p {
		switch {
		case c == '\n':
			j.line()
		case len(j.partial) <= 4*maxLine: // what is beyond would be cut anyway
			j.partial = append(j.partial, c)
		}
	}
	j.signal()
	return len(p), nil
}

// note adds a line of our own.
func (j *journal) note(format string, args ...any) {
	_, _ = fmt.Fprintf(j, format+"\n", args...) // Write never fails
}

// line ends a line. mu is held.
func (j *journal) line() {
	text := j.clean.Replace(strings.TrimRight(strings.ToValidUTF8(string(j.partial), "\uFFFD"), "\r"))
	j.partial = j.partial[:0]
	if len(text) > maxLine {
		end := maxLine
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + " ... (cut)"
	}
	j.lines++
	j.tail = append(j.tail, text)
	if len(j.tail) > tailKept {
		j.tail = j.tail[1:]
	}
	switch {
	case j.lines <= j.max:
		j.waiting = append(j.waiting, j.event(text))
	case j.lines == j.max+1:
		j.waiting = append(j.waiting, j.event(fmt.Sprintf("... more than %d lines: the rest is left out, except for the last %d", j.max, tailKept)))
	}
}

// close ends the journal: pump returns once everything is written.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.partial) > 0 {
		j.line()
	}
	if hidden := j.lines - j.max; hidden > 0 {
		for _, text := range j.tail[max(0, len(j.tail)-hidden):] {
			j.waiting = append(j.waiting, j.event(text))
		}
	}
	j.closed = true
	j.signal()
}

func (j *journal) signal() {
	select {
	case j.more <- struct{}{}:
	default: // pump will look anyway
	}
}

func (j *journal) take() (events []paas.Event, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	events, j.waiting = j.waiting, nil
	return events, j.closed
}

// last gives the last lines, of a program that has ended.
func (j *journal) last() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.partial) > 0 {
		j.line()
	}
	return append([]string(nil), j.tail...)
}

// pump writes events until the journal is closed. While one write is on its way the next lines gather,
// so a chatty builder costs few writes.
func (j *journal) pump(ctx context.Context, emit func(context.Context, ...paas.Event) error, log *slog.Logger) {
	for range j.more {
		events, closed := j.take()
		if len(events) > 0 {
			writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			if err := emit(writing, events...); err != nil { // the build matters more than its lines
				log.WarnContext(ctx, "build log not written", "lines", len(events), "err", err)
			}
			cancel()
		}
		if closed {
			return
		}
	}
}
