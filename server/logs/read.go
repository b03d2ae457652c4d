package logs

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	backChunk = 64 << 10 // bytes read at once towards the beginning of a stream
	mostBack  = 8 << 20  // bytes of one stream that are looked through for its last lines
)

// files lists the files of one stream, the oldest first: as Nomad has them, or, once it has forgotten an
// instance, as we keep its end. Code: not_found.
func (l *Logs) files(ctx context.Context, i paas.Instance, task, stream string) (list []paas.LogFile, kept bool, err error) {
	all, err := l.cfg.Nomad.LogFiles(ctx, i.ID)
	if err != nil && paas.CodeOf(err) != paas.Unavailable && i.State.Ended() {
		if all = l.keptFiles(i); all != nil {
			kept, err = true, nil
		}
	}
	if err != nil {
		return nil, false, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(f paas.LogFile) bool { return f.Task != task || f.Stream != stream })
	slices.SortFunc(all, func(a, b paas.LogFile) int { return cmp.Compare(a.Number, b.Number) })
	return all, kept, nil
}

// read calls hear with bytes of a file, from where it was listed.
func (l *Logs) read(ctx context.Context, i paas.Instance, kept bool, f paas.LogFile, offset, size int64, hear func([]byte) error) error {
	if kept {
		return l.readKept(i, f, offset, size, hear)
	}
	return l.cfg.Nomad.ReadLog(ctx, i.ID, f, offset, size, hear)
}

// back finds the place from which a stream has n lines more, looking no further back than mostBack.
func (l *Logs) back(ctx context.Context, i paas.Instance, kept bool, files []paas.LogFile, n int) (paas.LogPlace, error) {
	if len(files) == 0 {
		return paas.LogPlace{}, nil
	}
	at, left, last := endOf(files), int64(mostBack), true
	if n == 0 {
		return at, nil
	}
	for _, f := range slices.Backward(files) {
		if f.From > 0 && f.From == f.Size {
			return at, nil // nothing of it is kept, nor of older ones
		}
		for end := f.Size; end > f.From; {
			size := min(end-f.From, backChunk)
			data := make([]byte, 0, size)
			err := l.read(ctx, i, kept, f, end-size, size, func(part []byte) error { data = append(data, part...); return nil })
			if paas.CodeOf(err) == paas.NotFound {
				return at, nil // rotated away: more than this there is not
			}
			if err != nil {
				return at, err
			}
			if last { // a newline at the very end only ends the last line
				data, last = bytes.TrimSuffix(data, []byte{'\n'}), false
			}
			end -= size
			for newline := bytes.LastIndexByte(data, '\n'); newline >= 0; newline = bytes.LastIndexByte(data, '\n') {
				at = paas.LogPlace{File: f.Number, Offset: end + int64(newline) + 1}
				if n--; n == 0 {
					return at, nil
				}
				data = data[:newline]
			}
			if left -= size; left <= 0 {
				if at == endOf(files) { // one endless line
					at = paas.LogPlace{File: f.Number, Offset: end}
				}
				return at, nil
			}
		}
		at = paas.LogPlace{File: f.Number, Offset: f.From}
	}
	return at, nil
}
