package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	keptBytes   = 1 << 20 // of each stream of an instance that has ended, its last ones
	keptChunk   = 64 << 10
	keptOfApp   = 200 // instances, the last ones to end
	keepAfter   = 2 * time.Second
	keepEvery   = 30 * time.Second // without a word from the store
	keepWithin  = time.Minute      // one instance
	forgetEvery = 10 * time.Minute
	metaName    = "instance.json"
)

// keep is what is known of the folder DIR/TEAM/APP/INSTANCE: in each instance.json, and what is left of
// the files that it names. Folders are 0700 and files 0600: apps may write secrets.
type keep struct {
	once sync.Once
	mu   sync.Mutex
	have map[string]ending // by instance; guarded by mu
	none map[string]bool   // instances of which there is nothing to keep; guarded by mu
}

// ending is the end of what an instance wrote.
type ending struct {
	Instance paas.Instance  `json:"instance"`
	Files    []paas.LogFile `json:"files"`
}

// Run keeps the ends of the logs of instances and runs that have ended, before Nomad forgets them, until
// ctx ends. Every server keeps its own, so that each can be asked.
func (l *Logs) Run(ctx context.Context) {
	if l.cfg.Dir == "" {
		return
	}
	var wake <-chan struct{}
	if l.cfg.Wake != nil {
		wake = l.cfg.Wake(ctx)
	}
	forgot := time.Time{}
	for {
		if time.Since(forgot) >= forgetEvery {
			if err := l.forget(ctx); err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "old logs not removed", "err", err)
			}
			forgot = time.Now()
		}
		pending, err := l.keepEnded(ctx)
		if err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "logs of ended instances not kept", "err", err)
		}
		if pending {
			if !sleep(ctx, keepAfter) {
				return
			}
			continue
		}
		timer := time.NewTimer(keepEvery)
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if !sleep(ctx, l.cfg.Reread) { // many commits, one look
			return
		}
	}
}

// keepEnded keeps what is not kept yet. pending says that some could not be, or are too fresh.
func (l *Logs) keepEnded(ctx context.Context) (pending bool, err error) {
	all, err := l.cfg.Store.Instances(ctx, paas.AppRef{})
	if err != nil {
		return false, err
	}
	runs, err := l.cfg.Store.Runs(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		if r.Placed() {
			all = append(all, runOf(r))
		}
	}
	l.remember(all)
	var errs []error
	for _, i := range all {
		if !i.State.Ended() || l.keepsOrCannot(i.ID) || l.cfg.Now().Sub(i.Since) > l.cfg.Keep {
			continue
		}
		if l.cfg.Now().Sub(i.Since) < keepAfter { // Nomad may still be writing
			pending = true
			continue
		}
		if err := l.keepOne(ctx, i); err != nil {
			pending = true
			errs = append(errs, err)
		}
	}
	return pending, errors.Join(errs...)
}

// remember lets go of what is known of instances that the store has forgotten.
func (l *Logs) remember(all []paas.Instance) {
	l.loadKept()
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	none := map[string]bool{}
	for _, i := range all {
		if l.keep.none[i.ID] {
			none[i.ID] = true
		}
	}
	l.keep.none = none
}

func (l *Logs) keepsOrCannot(instance string) bool {
	l.loadKept()
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	_, have := l.keep.have[instance]
	return have || l.keep.none[instance]
}

// keepOne keeps the end of what an instance wrote: in a new folder that takes its name when it is whole.
func (l *Logs) keepOne(ctx context.Context, i paas.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	files, err := l.cfg.Nomad.LogFiles(ctx, i.ID)
	if paas.CodeOf(err) == paas.NotFound || err == nil && len(files) == 0 {
		l.keep.mu.Lock()
		l.keep.none[i.ID] = true
		l.keep.mu.Unlock()
		return nil
	}
	if err != nil {
		return err
	}
	files = ends(files)
	dir, err := l.keptDir(i)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }() // there only after an error
	for _, f := range files {
		if err := l.copy(ctx, i.ID, f, filepath.Join(fresh, keptName(f))); err != nil {
			return err
		}
	}
	kept := ending{Instance: i, Files: files}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, metaName), text, 0o600); err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	l.keep.mu.Lock()
	l.keep.have[i.ID] = kept
	l.keep.mu.Unlock()
	return nil
}

// copy copies what is kept of a file.
func (l *Logs) copy(ctx context.Context, alloc string, f paas.LogFile, to string) (err error) {
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if f.From == f.Size {
		return nil
	}
	return l.cfg.Nomad.ReadLog(ctx, alloc, f, f.From, f.Size-f.From, func(data []byte) error {
		if _, err := file.Write(data); err != nil {
			return fmt.Errorf("keep logs: %w", err)
		}
		return nil
	})
}

// ends leaves the last keptBytes of each stream.
func ends(files []paas.LogFile) []paas.LogFile {
	slices.SortFunc(files, func(a, b paas.LogFile) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Stream, b.Stream), cmp.Compare(b.Number, a.Number))
	})
	left := map[[2]string]int64{}
	var some []paas.LogFile
	for _, f := range files {
		name := [2]string{f.Task, f.Stream}
		if _, ok := left[name]; !ok {
			left[name] = keptBytes
		}
		f.From = max(0, f.Size-left[name])
		// An older file of which nothing is kept is named all the same: its size tells how much is missing.
		left[name] -= f.Size - f.From
		some = append(some, f)
	}
	return some
}

func keptName(f paas.LogFile) string { return f.Task + "." + f.Stream + "." + strconv.Itoa(f.Number) }

func (l *Logs) keptDir(i paas.Instance) (string, error) {
	dir := filepath.Join(i.Team, i.App, i.ID)
	if !filepath.IsLocal(dir) || filepath.Base(dir) != i.ID || i.ID[0] == '.' {
		return "", paas.Errorf(paas.Internal, "%q is no name for a folder.", i.ID)
	}
	return filepath.Join(l.cfg.Dir, dir), nil
}

// loadKept reads what an earlier life of the server has kept.
func (l *Logs) loadKept() {
	l.keep.once.Do(func() {
		l.keep.mu.Lock()
		defer l.keep.mu.Unlock()
		l.keep.have, l.keep.none = map[string]ending{}, map[string]bool{}
		if l.cfg.Dir == "" {
			return
		}
		names, err := filepath.Glob(filepath.Join(l.cfg.Dir, "*", "*", "*", metaName))
		if err != nil {
			return // only for a bad pattern
		}
		for _, name := range names {
			var kept ending
			text, err := os.ReadFile(name)
			if err == nil {
				err = json.Unmarshal(text, &kept)
			}
			if err != nil || kept.Instance.ID != filepath.Base(filepath.Dir(name)) {
				l.log.Warn("kept log not readable", "file", name, "err", err)
				continue
			}
			l.keep.have[kept.Instance.ID] = kept
		}
	})
}

// kept gives the instances of an app whose ends are kept.
func (l *Logs) kept(ref paas.AppRef) []paas.Instance {
	l.loadKept()
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	var list []paas.Instance
	for _, k := range l.keep.have {
		if k.Instance.Ref() == ref {
			list = append(list, k.Instance)
		}
	}
	return list
}

// keptFiles lists what is kept of an instance; nil if nothing is.
func (l *Logs) keptFiles(i paas.Instance) []paas.LogFile {
	l.loadKept()
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	return l.keep.have[i.ID].Files
}

// readKept calls hear with what is kept of a file.
func (l *Logs) readKept(i paas.Instance, f paas.LogFile, offset, size int64, hear func([]byte) error) error {
	gone := paas.Errorf(paas.NotFound, "What instance %s wrote is gone.", short(i.ID))
	n := slices.IndexFunc(l.keptFiles(i), func(k paas.LogFile) bool { return keptName(k) == keptName(f) })
	if n < 0 || offset < l.keptFiles(i)[n].From {
		return gone
	}
	dir, err := l.keptDir(i)
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(dir, keptName(f)))
	if errors.Is(err, fs.ErrNotExist) {
		return gone
	}
	if err != nil {
		return fmt.Errorf("read kept log: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	data := make([]byte, keptChunk)
	for at := offset - l.keptFiles(i)[n].From; size > 0; {
		read, err := file.ReadAt(data[:min(size, keptChunk)], at)
		if read > 0 {
			if err := hear(data[:read]); err != nil {
				return err
			}
			at, size = at+int64(read), size-int64(read)
		}
		if errors.Is(err, io.EOF) && size > 0 {
			return gone
		}
		if err != nil && size > 0 {
			return fmt.Errorf("read kept log: %w", err)
		}
	}
	return nil
}

// forget removes what is too old, too much of one app, or of an app that is no more.
func (l *Logs) forget(ctx context.Context) error {
	l.loadKept()
	l.keep.mu.Lock()
	apps := map[paas.AppRef][]paas.Instance{}
	for _, k := range l.keep.have {
		apps[k.Instance.Ref()] = append(apps[k.Instance.Ref()], k.Instance)
	}
	l.keep.mu.Unlock()
	var errs []error
	for ref, list := range apps {
		slices.SortFunc(list, func(a, b paas.Instance) int { return b.Since.Compare(a.Since) })
		_, err := l.cfg.Store.Snapshot(ctx, ref)
		destroyed := paas.CodeOf(err) == paas.NotFound
		for n, i := range list {
			if destroyed || n >= keptOfApp || l.cfg.Now().Sub(i.Since) > l.cfg.Keep {
				errs = append(errs, l.forgetOne(i))
			}
		}
	}
	return errors.Join(errs...)
}

func (l *Logs) forgetOne(i paas.Instance) error {
	dir, err := l.keptDir(i)
	if err != nil {
		return err
	}
	l.keep.mu.Lock()
	delete(l.keep.have, i.ID)
	l.keep.none[i.ID] = true
	l.keep.mu.Unlock()
	return os.RemoveAll(dir)
}
