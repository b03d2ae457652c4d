package logs

import (
	"context"
	"time"
)

// StampOf is how a line's own time is read.
func StampOf(line string, now time.Time) (time.Time, bool) { return stampOf(line, now) }

// RoundTrip reads a token and writes it again.
func RoundTrip(text string) (string, error) {
	t, err := parseToken(text)
	return t.String(), err
}

// KeepEnded and Forget are one round each of what Run does.
func (l *Logs) KeepEnded(ctx context.Context) (bool, error) { return l.keepEnded(ctx) }
func (l *Logs) Forget(ctx context.Context) error            { return l.forget(ctx) }
