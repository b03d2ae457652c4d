package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	credits    = 2 // batches of one tail that wait to be merged
	passes     = 3 // of reading files, until a stream is followed however fast it grows
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
)

// What an instance wrote last may be in Nomad's hands for a moment after its end.
const (
	settle  = 10 * time.Second
	drained = time.Second
)

// record is one line on its way to the merger.
type record struct {
	at    time.Time
	from  paas.LogTime
	text  string
	after paas.LogPlace
	lost  int64
}

// batch is what a tail hands on at once.
type batch struct {
	tail    *tail
	records []record
	place   paas.LogPlace // of a tail whose begin was found
	begun   bool          // place says where it begins
	caught  bool          // what was there when it began has been handed on
	done    bool          // there is no more
	err     error         // with done: why the stream can't be read; otherwise why it is waited for
}

// tail reads one stream of one task from a place on, and keeps reading it.
type tail struct {
	logs     *Logs
	instance paas.Instance
	task     string // as Nomad names it
	stream   string
	follow   bool
	begin    begin
	ended    atomic.Bool // the instance has; set by the reader of instances
	to       chan<- batch
	credit   chan []record // for each batch that may be sent one, with room for the next

	at     paas.LogPlace // next byte to be read
	known  bool          // at is
	sizes  map[int]int64 // of files, as listed last
	first  int           // the lowest file listed last
	from   time.Time     // when what is being read can have been written at the earliest
	upto   time.Time     // and at the latest; zero for now
	stamp  time.Time     // of the last line that had one
	led    bool          // that has been told of the lines before the first such
	live   bool
	kept   bool // the files are those that we keep
	waits  []record
	looked time.Time // when files were last listed
	heard  time.Time // when bytes last came
}

// begin says where to begin a stream.
type begin struct {
	place *paas.LogPlace // there
	lines int            // else this many lines before the present end; all that is there if negative
	fresh bool           // else with the very first byte: what is missing is lost
	since time.Time      // files last changed before it are left out
}

var (
	errBehind  = errors.New("the stream is not where it was thought to be")
	errDrained = errors.New("the instance has ended")
)

// run reads until there is no more, or ctx ends.
func (t *tail) run(ctx context.Context) {
	t.sizes, t.from = map[int]int64{}, t.instance.CreatedAt
	if t.instance.StartedAt != nil && t.instance.Restarts == 0 {
		t.from = *t.instance.StartedAt
	}
	if time.Since(t.instance.Since) < settle { // Nomad may still be writing its last lines
		t.heard = time.Now()
	}
	cut := &splitter{put: t.put}
	pause := retryFirst
	for ctx.Err() == nil {
		ended := t.ended.Load() // before the read: what comes after is not missed
		err := t.once(ctx, cut, ended)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errBehind), errors.Is(err, errDrained):
			pause = retryFirst
			continue
		case paas.CodeOf(err) == paas.NotFound && (ended || !t.follow):
			t.vanished(cut)
			t.hand(ctx)
			t.send(ctx, batch{done: true, err: err})
			return
		case err == nil:
			cut.flush()
			t.hand(ctx)
			t.send(ctx, batch{done: true})
			return
		case !t.follow:
			t.send(ctx, batch{done: true, err: err})
			return
		}
		waits := batch{caught: true} // nobody waits for it
		if paas.CodeOf(err) == paas.NotFound {
			if !t.known && t.begin.place == nil { // it has not started: all of it will be new
				t.begin = begin{fresh: true}
			}
		} else {
			waits.err = err
			t.logs.log.DebugContext(ctx, "log stream broke off", "alloc", t.instance.ID, "err", err)
		}
		if time.Since(t.heard) < retryMost {
			pause = retryFirst
		}
		t.send(ctx, waits)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, max(retryMost, t.logs.cfg.Reread))
	}
}

// once reads what is there, and with follow what comes, until the connection breaks. It returns nil when
// there is no more.
func (t *tail) once(ctx context.Context, cut *splitter, ended bool) error {
	t.live = false
	files, kept, err := t.list(ctx)
	if err != nil {
		return err
	}
	if !t.known {
		if err := t.findBegin(ctx, files); err != nil {
			return err
		}
	}
	for range passes { // what came meanwhile is read in the same way: it costs Nomad least
		if err := t.catchUp(ctx, cut, files); err != nil {
			return err
		}
		if !t.follow || kept {
			return nil
		}
		t.send(ctx, batch{caught: true})
		if files, kept, err = t.list(ctx); err != nil {
			return err
		}
		if !t.at.Before(endOf(files)) {
			break
		}
	}
	if ended && !t.at.Before(endOf(files)) && time.Since(t.heard) > drained {
		return nil
	}
	t.live = true
	return t.followOn(ctx, cut)
}

// vanished marks that Nomad forgot an instance before all of it was read.
func (t *tail) vanished(cut *splitter) {
	cut.flush()
	if !t.known || t.at == (paas.LogPlace{}) {
		return
	}
	end := t.at
	for n, size := range t.sizes {
		if last := (paas.LogPlace{File: n, Offset: size}); end.Before(last) {
			end = last
		}
	}
	lost, _ := t.missing(end)
	t.waits = append(t.waits, record{
		at: t.guess(), from: paas.TimeFile, after: end, lost: max(lost, 1),
		text: fmt.Sprintf("--- what %s wrote last is lost, %s or more: Nomad had collected it ---", nameOf(t.instance), bytesText(lost)),
	})
}

// list looks which files there are of this stream: at Nomad, or where we keep them for it.
func (t *tail) list(ctx context.Context) (files []paas.LogFile, kept bool, err error) {
	i := t.instance
	if t.ended.Load() && !i.State.Ended() {
		i.State = paas.InstanceComplete // as far as it matters for where its files are
	}
	files, kept, err = t.logs.files(ctx, i, t.task, t.stream)
	if err != nil {
		return nil, false, err
	}
	t.kept = kept
	t.note(files)
	return files, kept, nil
}

func (t *tail) note(files []paas.LogFile) {
	t.looked = time.Now()
	for i, f := range files {
		t.sizes[f.Number] = f.Size
		if i == 0 {
			t.first = f.Number
		}
	}
	for n := range t.sizes {
		if t.known && n < t.at.File {
			delete(t.sizes, n)
		}
	}
}

// findBegin finds where to begin.
func (t *tail) findBegin(ctx context.Context, files []paas.LogFile) error {
	switch {
	case t.begin.place != nil:
		t.at = *t.begin.place
	case t.begin.fresh, len(files) == 0:
		t.at = paas.LogPlace{}
	case t.begin.lines >= 0:
		at, err := t.logs.back(ctx, t.instance, t.kept, files, t.begin.lines)
		if err != nil {
			return err
		}
		t.at = at
	default:
		t.at = paas.LogPlace{File: files[0].Number, Offset: files[0].From}
		for _, f := range files {
			if f.Modified.Before(t.begin.since) && f.Number >= t.at.File {
				t.at = paas.LogPlace{File: f.Number, Offset: f.Size}
			}
		}
	}
	t.known = true
	t.send(ctx, batch{begun: true, place: t.at})
	return nil
}

// catchUp reads the files to their end, and marks what is missing of them.
func (t *tail) catchUp(ctx context.Context, cut *splitter, files []paas.LogFile) error {
	for _, f := range files {
		begins := paas.LogPlace{File: f.Number, Offset: f.From}
		switch {
		case f.Number < t.at.File:
			t.from = f.Modified
			continue
		case t.at.Before(begins):
			t.gap(ctx, cut, begins)
		}
		t.upto = f.Modified
		if t.at.Offset < f.Size {
			err := t.logs.read(ctx, t.instance, t.kept, f, t.at.Offset, f.Size-t.at.Offset, func(data []byte) error {
				t.take(ctx, cut, data)
				return ctx.Err()
			})
			if paas.CodeOf(err) == paas.NotFound {
				return errBehind // it was rotated away while we read: the next list says what is left
			}
			if err != nil {
				return err
			}
		}
		t.from, t.upto = f.Modified, time.Time{}
	}
	return nil
}

// take hands on bytes that begin at t.at.
func (t *tail) take(ctx context.Context, cut *splitter, data []byte) {
	t.heard = time.Now()
	cut.write(t.at, data)
	t.at.Offset += int64(len(data))
	t.hand(ctx)
}

// gap marks what is missing between t.at and a place, and goes there.
func (t *tail) gap(ctx context.Context, cut *splitter, to paas.LogPlace) {
	lost, sure := t.missing(to)
	t.at = to
	if lost > 0 {
		cut.flush()
		t.waits = append(t.waits, record{at: t.guess(), from: paas.TimeFile, text: lostText(lost, sure, t.kept, nameOf(t.instance)), after: to, lost: lost})
		t.hand(ctx)
	}
}

// missing counts the bytes from t.at to a place. sure says that the sizes of all files between were seen
// while they were there; one that was not seen counts as much as the oldest that was.
func (t *tail) missing(to paas.LogPlace) (lost int64, sure bool) {
	sure = true
	for n := t.at.File; n <= to.File; n++ {
		begin, end := int64(0), to.Offset
		if n == t.at.File {
			begin = t.at.Offset
		}
		if n < to.File {
			size, seen := t.sizes[n]
			if end = size; !seen {
				end, sure = t.sizes[t.first], false
			}
		}
		lost += max(0, end-begin)
	}
	return lost, sure
}

// put takes a line of the splitter.
func (t *tail) put(text string, after paas.LogPlace) {
	r := record{text: text, after: after}
	now := t.heard // all lines of a chunk have come at once
	if at, ok := stampOf(text, now); ok && at.After(t.instance.CreatedAt.Add(-time.Minute)) && at.Before(now.Add(time.Minute)) {
		r.at, r.from, t.stamp = at, paas.TimeLine, at
	} else if t.live {
		r.at, r.from = now, paas.TimeArrival
	} else {
		r.at, r.from = t.between(after), paas.TimeFile
	}
	t.waits = append(t.waits, r)
}

// between guesses when a line without a time was written: with the line before it that has one, else
// as far between the bounds of its file as its place is in the file.
func (t *tail) between(after paas.LogPlace) time.Time {
	if !t.stamp.IsZero() {
		return t.stamp
	}
	size := t.sizes[after.File]
	span := t.upto.Sub(t.from)
	if span <= 0 || size <= 0 {
		return t.guess()
	}
	at := t.from.Add(time.Duration(float64(span) * float64(min(after.Offset, size)) / float64(size)))
	return at.Truncate(time.Millisecond) // no guess is better than that
}

func (t *tail) guess() time.Time {
	switch {
	case t.live:
		return time.Now()
	case !t.stamp.IsZero():
		return t.stamp
	}
	return t.from
}

// hand gives the lines that wait to the merger.
func (t *tail) hand(ctx context.Context) {
	if len(t.waits) > 0 {
		t.lead()
		t.waits = t.send(ctx, batch{records: t.waits})
	}
}

// lead takes back guesses at the beginning of a stream that the first time in it shows to be too late.
func (t *tail) lead() {
	if t.led || t.stamp.IsZero() {
		return
	}
	t.led = true
	first := slices.IndexFunc(t.waits, func(r record) bool { return r.from == paas.TimeLine })
	for i := range max(first, 0) {
		if r := &t.waits[i]; r.from == paas.TimeFile && r.at.After(t.waits[first].at) {
			r.at = t.waits[first].at
		}
	}
}

// send waits until the merger has room, and gives back a slice that it has done with. What Nomad rotates
// away meanwhile is noted, so that its size can be told.
func (t *tail) send(ctx context.Context, b batch) (free []record) {
	b.tail = t
	look := time.NewTicker(t.logs.cfg.Reread)
	defer look.Stop()
	for {
		select {
		case free = <-t.credit:
			select {
			case t.to <- b:
			case <-ctx.Done():
			}
			return free
		case <-look.C:
			if t.known && time.Since(t.looked) >= t.logs.cfg.Reread {
				_, _, _ = t.list(ctx) // only to know sizes: whoever reads on says what is wrong
			}
		case <-ctx.Done():
			return nil
		}
	}
}
