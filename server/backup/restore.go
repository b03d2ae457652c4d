package backup

import (
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// StoreTarget is the database that a copy of the store is put into.
type StoreTarget interface {
	// Holds says whether it holds this copy already.
	Holds(ctx context.Context, d paas.Dump) (bool, error)
	// Restore codes: conflict for a database that is in use, or holds something and force is not set.
	Restore(ctx context.Context, force bool, r io.Reader) error
}

// ProgramTarget is a program whose state is replaced.
type ProgramTarget interface {
	About(ctx context.Context) (About, error)
	// Filled says what it holds that would be lost, "" for nothing that matters.
	Filled(ctx context.Context) (string, error)
	// Mark is called before the state is replaced; what it gives is handed to Settle, also of a later process.
	Mark(ctx context.Context) ([]string, error)
	RestoreSnapshot(ctx context.Context, p Part, r io.Reader) error
	// Settle does what has to follow, and may wait for a person. It may be called again. say tells of what it did
	// or waits for.
	Settle(ctx context.Context, p Part, mark []string, say func(format string, args ...any)) error
}

// Target is where a backup is put back.
type Target struct {
	Store    StoreTarget
	Artifact func(ctx context.Context, digest string, content io.Reader) error
	Programs map[string]ProgramTarget // by Vault, Consul, Nomad
}

// Restore is how a backup is put back.
type Restore struct {
	Open   func() (io.ReadCloser, error) // the archive in clear, from its beginning
	Target Target
	Only   []string // kinds that are put back; empty for all that the backup has
	Force  bool     // also over what is there
	// Journal is the path of a file that says what is done already, so that an interrupted restore goes on. It is
	// made, and stays.
	Journal string
	Now     func() time.Time
	Say     func(kind, format string, args ...any)
}

// Run puts the backup back. Before anything is changed, the archive is read to its end and held to its manifest, and
// every target is looked at. Codes: invalid for a damaged archive; conflict for a target that is in use, holds
// something, or is older than what was backed up.
func (r Restore) Run(ctx context.Context) (Manifest, error) {
	m, err := r.Verify()
	if err != nil {
		return m, err
	}
	return m, r.Put(ctx, m)
}

// Put is Run for an archive that Verify has read: what is put back a part at a time is not read each time.
func (r Restore) Put(ctx context.Context, m Manifest) error {
	done, err := openJournal(r.Journal, m.ID)
	if err != nil {
		return err
	}
	todo := r.todo(m)
	if err := r.check(ctx, m, todo, done); err != nil {
		return err
	}
	for _, kind := range todo {
		if done.Done(kind) {
			r.Say(kind, "was put back at %s", done.Kinds[kind].Ended.Format(time.RFC3339))
			continue
		}
		if err := r.restore(ctx, kind, m, done); err != nil {
			return err
		}
	}
	return nil
}

// Began says whether an earlier run, of which the journal tells, may have changed a kind.
func (r Restore) Began(m Manifest, kind string) (bool, error) {
	done, err := openJournal(r.Journal, m.ID)
	return err == nil && done.Began(kind), err
}

// Verify reads the archive to its end.
func (r Restore) Verify() (Manifest, error) {
	in, err := r.Open()
	if err != nil {
		return Manifest{}, err
	}
	defer in.Close() //nolint:errcheck // it was read
	return Verify(in)
}

// Verify reads an archive to its end, and every snapshot in it.
func Verify(in io.Reader) (Manifest, error) {
	return Read(in, func(name string, content io.Reader) error {
		if name != Vault && name != Consul && name != Nomad {
			return nil
		}
		if _, err := inspect(content); err != nil {
			return damaged("part %s: %s", name, err)
		}
		return nil
	})
}

// todo gives the kinds that are put back, in order.
func (r Restore) todo(m Manifest) []string {
	var kinds []string
	for _, kind := range Kinds {
		wanted := len(r.Only) == 0 || slices.Contains(r.Only, kind)
		if wanted && kind != State && len(m.Of(kind)) > 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// check looks at every target before the first is changed.
func (r Restore) check(ctx context.Context, m Manifest, todo []string, done *journal) error {
	for _, kind := range r.Only {
		if !kindKnown(kind) || kind == State || len(m.Of(kind)) == 0 {
			return paas.Errorf(paas.Invalid, "The backup has no %q to put back. `crumpet cluster backup list` shows what it has.", kind)
		}
	}
	for _, kind := range todo {
		target, is := r.Target.Programs[kind]
		if !is || done.Began(kind) {
			continue
		}
		now, err := target.About(ctx)
		if err != nil {
			return err
		}
		if was := m.Of(kind)[0].Version; older(now.Version, was) {
			return paas.Errorf(paas.Conflict, "The %s here is version %s, older than %s of the backup, whose state it can't be trusted to read. Install %s or a newer one.", title(kind), now.Version, was, was)
		}
		if r.Force {
			continue
		}
		found, err := target.Filled(ctx)
		if err != nil {
			return err
		}
		if found != "" {
			return paas.Errorf(paas.Conflict, "The %s here is not empty: it has %s. Restore onto a new cluster, or use --force to lose what it holds.", title(kind), found)
		}
	}
	return nil
}

// restore puts one kind back.
func (r Restore) restore(ctx context.Context, kind string, m Manifest, done *journal) error {
	began := r.Now()
	target, program := r.Target.Programs[kind]
	if program && done.Replaced(kind) { // and was not settled
		return r.settle(ctx, kind, target, m, done, began)
	}
	entry := done.entry(kind)
	entry.Began = began.UTC()
	if program {
		mark, err := target.Mark(ctx)
		if err != nil {
			return err
		}
		if len(entry.Mark) == 0 { // an earlier process may have marked what was there before it replaced it
			entry.Mark = mark
		}
	}
	if err := done.save(); err != nil {
		return err
	}
	if kind == Store {
		if holds, err := r.Target.Store.Holds(ctx, m.Store); err != nil || holds {
			if err == nil {
				r.Say(kind, "the database holds it already")
				err = done.end(kind, r.Now())
			}
			return err
		}
	}
	if err := r.put(ctx, kind, m); err != nil {
		return err
	}
	if program {
		if err := done.replaced(kind, r.Now()); err != nil {
			return err
		}
		return r.settle(ctx, kind, target, m, done, began)
	}
	if err := done.end(kind, r.Now()); err != nil {
		return err
	}
	r.Say(kind, "%d bytes put back in %.1f s", m.Size(kind), r.Now().Sub(began).Seconds())
	return nil
}

func (r Restore) settle(ctx context.Context, kind string, target ProgramTarget, m Manifest, done *journal, began time.Time) error {
	p := m.Of(kind)[0]
	say := func(format string, args ...any) { r.Say(kind, format, args...) }
	if err := target.Settle(ctx, p, done.entry(kind).Mark, say); err != nil {
		return err
	}
	if err := done.end(kind, r.Now()); err != nil {
		return err
	}
	r.Say(kind, "state of index %d put back in %.1f s", p.Index, r.Now().Sub(began).Seconds())
	return nil
}

// put reads the archive and hands the parts of one kind to their target.
func (r Restore) put(ctx context.Context, kind string, m Manifest) error {
	in, err := r.Open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read
	_, err = Read(in, func(name string, content io.Reader) error {
		if (Part{Name: name}).Kind() != kind {
			return nil
		}
		switch kind {
		case Store:
			unzipped, err := gzip.NewReader(content)
			if err != nil {
				return damaged("part store: %s", err)
			}
			return r.Target.Store.Restore(ctx, r.Force, unzipped)
		case Artifacts:
			return r.Target.Artifact(ctx, strings.TrimPrefix(name, Artifacts+"/"), content)
		}
		return r.Target.Programs[kind].RestoreSnapshot(ctx, m.Of(kind)[0], content)
	})
	return err
}

// older says whether a version comes before another, by its numbers; what follows them, such as -dev, does not count.
func older(now, was string) bool {
	a, b := numbers(now), numbers(was)
	return slices.CompareFunc(a[:], b[:], cmp.Compare[int]) < 0
}

func numbers(version string) (n [3]int) {
	// What can't be read stays 0: such a version is refused by no number.
	_, _ = fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d.%d", &n[0], &n[1], &n[2])
	return n
}

func title(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }
