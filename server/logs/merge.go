package logs

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	partBytes = 64 << 10               // of text, after which a part is handed on
	mostRoom  = 8192                   // lines or records: what has room for more is not used again
	mostKept  = 16 << 20               // bytes of text of the last lines to begin with
	window    = 300 * time.Millisecond // how long a line waits for earlier ones of other streams; Nomad gathers for 200 ms
	talking   = 2 * time.Second        // how long a stream that wrote something is waited for in that way
	slice     = 50 * time.Millisecond  // how long one turn may take
	stall     = 3 * time.Second        // how long a stream that is behind may keep the others waiting
)

// merger puts the lines of many tails into one order: of all lines that come next in their streams, the
// earliest first. It never takes lines of one stream out of their order.
//
// It keeps at most two batches of each tail, so that a slow reader slows the tails down.
type merger struct {
	emit  func(paas.LogPart) error
	in    chan batch
	lanes []*lane
	of    map[*tail]*lane
	story *story // of events; may be nil
	match *regexp.Regexp
	since time.Time
	until time.Time // zero for no end
	token token

	follow bool

	history  bool   // lines are held back until the last of them are known
	most     int    // how many of those are wanted
	kept     []held // the last of them, in order
	keptText int    // bytes

	part  paas.LogPart // its lines are used again once emit has returned
	bytes int
	moved bool      // the token stands for more than the last part did
	told  time.Time // when the last part was
	fault error     // of the first stream that could not be read
	spoke bool      // some stream could
}

// lane is what the merger knows of one tail.
type lane struct {
	tail    *tail
	source  source
	line    paas.LogLine  // as all of it begin
	place   paas.LogPlace // after the last line that was handed on
	placed  bool          // place is known
	queue   [][]record
	next    int // in queue[0]
	came    time.Time
	caught  bool // what was there in the beginning has come
	left    int  // batches of that in the queue
	done    bool
	since   time.Time // the state of its instance is what it is
	stirred time.Time // when it last gave anything
}

type held struct {
	lane *lane
	line paas.LogLine
}

// take puts what a tail sent where it belongs.
func (m *merger) take(b batch) {
	l := m.of[b.tail]
	l.stirred = time.Now()
	if b.begun {
		l.place, l.placed = b.place, true
		m.spoke = true
	}
	if (b.caught || b.done) && !l.caught {
		l.caught, l.left = true, len(l.queue)
	}
	if b.err != nil && m.fault == nil && paas.CodeOf(b.err) != paas.NotFound {
		m.fault = b.err
	}
	l.done = l.done || b.done
	if len(b.records) == 0 {
		b.tail.credit <- nil
		return
	}
	l.queue = append(l.queue, b.records)
	l.came = l.stirred
}

func (l *lane) head() *record {
	if len(l.queue) == 0 {
		return nil
	}
	return &l.queue[0][l.next]
}

// pop lets go of the head.
func (l *lane) pop() {
	if l.next++; l.next == len(l.queue[0]) {
		done := l.queue[0]
		clear(done) // lets go of the texts
		if cap(done) > mostRoom {
			done = nil
		}
		l.queue, l.next, l.left = slices.Delete(l.queue, 0, 1), 0, max(0, l.left-1)
		l.tail.credit <- done[:0]
	}
}

// pick chooses the lane whose head is next, and until which time its lines may go on; or it says how
// long to wait for others.
func (m *merger) pick(now time.Time) (best *lane, until time.Time, wait time.Duration) {
	wait = time.Minute
	full, blocked, rivals := false, false, 0
	for _, l := range m.lanes {
		head := l.head()
		if head == nil {
			if !l.caught {
				if left := stall - now.Sub(l.stirred); left > 0 {
					blocked, wait = true, min(wait, left)
				}
			}
			if !l.done && now.Sub(l.came) < talking {
				rivals++
			}
			continue
		}
		full = full || len(l.queue) >= credits
		switch {
		case best == nil || head.at.Before(best.head().at):
			if best != nil && (until.IsZero() || best.head().at.Before(until)) {
				until = best.head().at
			}
			best = l
		case until.IsZero() || head.at.Before(until):
			until = head.at
		}
		rivals++
	}
	if best == nil || blocked && !full {
		return nil, until, wait
	}
	if !m.history && !full && rivals > 1 {
		if left := window - now.Sub(best.came); left > 0 && m.follow {
			return nil, until, min(wait, left)
		}
	}
	return best, until, 0
}

// turn hands on what may go now, and says how long to wait for more.
func (m *merger) turn(now time.Time) (wait time.Duration, err error) {
	for began := now; now.Sub(began) < slice; now = time.Now() {
		if m.history && m.caughtUp(now) {
			break
		}
		best, until, wait := m.pick(now)
		if best == nil {
			return wait, nil
		}
		for head := best.head(); head != nil && (until.IsZero() || !head.at.After(until)); head = best.head() {
			if err := m.line(best, head); err != nil {
				return 0, err
			}
			best.pop()
			if best.next == 0 { // the next batch has come at another time
				break
			}
		}
		select { // batches that came meanwhile may come first
		case b := <-m.in:
			m.take(b)
		default:
		}
	}
	return 0, nil
}

// line adds one line.
func (m *merger) line(l *lane, r *record) error {
	if m.story != nil {
		if err := m.tell(r.at); err != nil {
			return err
		}
	}
	l.place, l.placed = r.after, true
	m.moved = true
	if r.lost == 0 && (m.match != nil && !m.match.MatchString(r.text) || m.outside(r.at)) {
		return nil
	}
	line := l.line
	line.Time, line.TimeFrom, line.Text, line.Lost = r.at, r.from, r.text, r.lost
	return m.add(l, line)
}

// outside says that a line of that time is not asked for.
func (m *merger) outside(at time.Time) bool {
	return at.Before(m.since) || !m.until.IsZero() && at.After(m.until)
}

// tell adds the events that come before a time.
func (m *merger) tell(before time.Time) error {
	for {
		line, ok := m.story.next(before)
		if !ok {
			return nil
		}
		m.token.event, m.moved = m.story.told, true
		if m.match != nil && !m.match.MatchString(line.Text) || m.outside(line.Time) {
			continue
		}
		if err := m.add(nil, line); err != nil {
			return err
		}
	}
}

func (m *merger) add(l *lane, line paas.LogLine) error {
	if m.history {
		m.kept = append(m.kept, held{l, line})
		m.keptText += len(line.Text)
		for len(m.kept) > m.most || m.keptText > mostKept {
			m.keptText -= len(m.kept[0].line.Text)
			m.kept[0] = held{} // lets go of its text
			m.kept = m.kept[1:]
		}
		return nil
	}
	m.part.Lines = append(m.part.Lines, line)
	if m.bytes += len(line.Text); m.bytes >= partBytes {
		return m.flush()
	}
	return nil
}

// flush hands on the lines that were gathered.
func (m *merger) flush() error {
	if !m.moved && len(m.part.Lines) == 0 || m.history {
		return nil
	}
	for _, l := range m.lanes {
		if l.placed {
			m.token.places[l.source] = l.place
		}
	}
	m.part.After = m.token.String()
	err := m.emit(m.part)
	clear(m.part.Lines) // lets go of the texts
	if m.part.Lines = m.part.Lines[:0]; cap(m.part.Lines) > mostRoom {
		m.part.Lines = nil
	}
	m.bytes, m.moved, m.told = 0, false, time.Now()
	return err
}

// caughtUp says that all that was there in the beginning has been read, or can't be in time.
func (m *merger) caughtUp(now time.Time) bool {
	for _, l := range m.lanes {
		if l.left > 0 || !l.caught && (l.head() != nil || now.Sub(l.stirred) < stall) {
			return false
		}
	}
	return true
}

// endHistory hands on the last lines of what was there.
func (m *merger) endHistory() error {
	if m.story != nil {
		if err := m.tell(time.Time{}); err != nil {
			return err
		}
	}
	m.history, m.moved = false, true
	for _, h := range m.kept {
		m.part.Lines = append(m.part.Lines, h.line)
	}
	m.kept = nil
	return m.flush()
}

// tidy drops the lanes that are done, and remembers the instances that were read to their end.
func (m *merger) tidy() {
	open := map[string]bool{}
	for _, l := range m.lanes {
		open[l.tail.instance.ID] = open[l.tail.instance.ID] || !l.done || l.head() != nil
	}
	var over []paas.Instance
	m.lanes = slices.DeleteFunc(m.lanes, func(l *lane) bool {
		i := l.tail.instance
		if open[i.ID] {
			return false
		}
		delete(m.of, l.tail)
		if l.tail.ended.Load() && !slices.ContainsFunc(over, func(o paas.Instance) bool { return o.ID == i.ID }) {
			i.Since = l.since
			over = append(over, i)
		}
		return true
	})
	slices.SortFunc(over, func(a, b paas.Instance) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	for _, i := range over {
		m.token.finish(key(i.ID), i.Since)
		m.moved = true
	}
}

// wait waits for a batch, for a while.
func (m *merger) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case b := <-m.in:
		m.take(b)
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
