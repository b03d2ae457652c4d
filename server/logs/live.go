package logs

import (
	"context"
	"errors"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// followOn follows a stream from t.at on. Nomad is told how many bytes to leave out, counted over all
// files there are when it begins: so the first chunk begins where we want it only if no file went away
// between our list and Nomad's. A list of our own after the first chunk proves it. And before the first
// chunk of another file is taken, a list proves that the file before it was read to its end.
func (t *tail) followOn(ctx context.Context, cut *splitter) error {
	first, skip := t.first, int64(0)
	for n, size := range t.sizes {
		if n >= first && n < t.at.File {
			skip += size
		}
	}
	skip += t.at.Offset
	proved := skip == 0 // the first chunk names its file, and begins it
	err := t.logs.cfg.Nomad.FollowLog(ctx, t.instance.ID, t.task, t.stream, skip, func(c paas.LogChunk) error {
		if len(c.Data) == 0 {
			if t.ended.Load() && time.Since(t.heard) > drained {
				return errDrained // the next round reads what is left, if anything is
			}
			return nil
		}
		if !proved || c.File != t.at.File {
			if _, _, err := t.list(ctx); err != nil {
				return err
			}
			if t.first != first && !proved {
				return errBehind
			}
			proved = true
		}
		if c.File != t.at.File {
			if c.File < t.at.File || t.at.Offset != t.sizes[t.at.File] || c.File != t.at.File+1 {
				return errBehind
			}
			t.at = paas.LogPlace{File: c.File}
		}
		if time.Since(t.looked) >= t.logs.cfg.Reread { // sizes, should they be lost
			_, _, _ = t.list(ctx) // whoever needs the list says what is wrong
		}
		t.take(ctx, cut, c.Data)
		return ctx.Err()
	})
	t.live = false
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// endOf is the place after the last byte of a stream.
func endOf(files []paas.LogFile) paas.LogPlace {
	if len(files) == 0 {
		return paas.LogPlace{}
	}
	last := files[len(files)-1]
	return paas.LogPlace{File: last.Number, Offset: last.Size}
}
