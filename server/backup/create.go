package backup

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Dumper copies Crumpet's store. Code conflict: it has a table that nobody knows.
type Dumper interface {
	Dump(ctx context.Context, w io.Writer) (paas.Dump, error)
}

// Program is one whose whole state can be copied. Code invalid: it has no snapshots.
type Program interface {
	About(ctx context.Context) (About, error)
	Snapshot(ctx context.Context, w io.Writer) error
}

// Source is what is copied.
type Source struct {
	Store    Dumper
	Database string // where the store is, without a password; "" for a file
	// Artifact opens the bytes of a digest. Code not_found: nobody has them.
	Artifact func(ctx context.Context, digest string) (io.ReadCloser, error)
	Programs map[string]Program // by Vault, Consul, Nomad
	State    string             // path of the sealed state of `cluster up`; "" for none
}

// Config says what a backup is to be.
type Config struct {
	Source  Source
	Without []string // kinds that are left out
	Seal    func(w io.Writer) (io.WriteCloser, error)
	Crumpet string // version of this program
	Cluster string // name; may be empty
	Now     func() time.Time
	// Say tells of a part that is done. Parts of one kind are told of together. May be nil.
	Say func(kind string, parts int, size int64, detail string)
}

// Create writes a backup to the file at path, which appears whole or not at all, and in whose place nothing may be. It
// is read back from the disk before it appears. Codes: those of the sources; conflict when the file is there.
func Create(ctx context.Context, path string, c Config) (Manifest, error) {
	if c.Say == nil {
		c.Say = func(string, int, int64, string) {}
	}
	for _, kind := range c.Without {
		if !kindKnown(kind) || kind == Store {
			return Manifest{}, paas.Errorf(paas.Invalid, "A backup can't be made without %q. It can be made without artifacts, vault, consul, nomad or state.", kind)
		}
	}
	if _, err := os.Lstat(path); err == nil {
		return Manifest{}, paas.Errorf(paas.Conflict, "There is already a file %s. A backup never replaces another: choose another name.", path)
	}
	var m Manifest
	err := whole(path, func(w io.Writer) error {
		sealed, err := c.Seal(w)
		if err != nil {
			return err
		}
		if m, err = c.write(ctx, sealed); err != nil {
			return err
		}
		return sealed.Close()
	})
	return m, err
}

// write writes the archive in clear to w.
func (c Config) write(ctx context.Context, w io.Writer) (Manifest, error) {
	m := Manifest{Format: format, ID: rand.Text(), Crumpet: c.Crumpet, Cluster: c.Cluster, Database: c.Source.Database, Began: c.Now().UTC(), LeftOut: c.Without}
	out := newWriter(w, c.Now)
	for _, kind := range Kinds {
		if slices.Contains(c.Without, kind) {
			c.Say(kind, 0, 0, "left out, as was asked for")
			continue
		}
		took, err := c.copy(ctx, kind, out, &m)
		if err != nil {
			return m, err
		}
		if m.Parts = append(m.Parts, took...); len(took) > 0 || kind == Artifacts {
			c.Say(kind, len(took), m.Size(kind), c.detail(kind, m))
		}
	}
	m.Ended = c.Now().UTC()
	return m, out.manifest(m)
}

// copy takes all parts of a kind.
func (c Config) copy(ctx context.Context, kind string, out *writer, m *Manifest) ([]Part, error) {
	switch kind {
	case State:
		if c.Source.State == "" {
			return nil, nil
		}
		p, err := out.part(Part{Name: State}, func(w io.Writer) error { return copyFile(w, c.Source.State) })
		return []Part{p}, err
	case Store:
		p, err := out.part(Part{Name: Store, About: About{Version: c.Crumpet}}, func(w io.Writer) (err error) {
			zipped := gzip.NewWriter(w)
			if m.Store, err = c.Source.Store.Dump(ctx, zipped); err != nil {
				return err
			}
			return zipped.Close()
		})
		return []Part{p}, err
	case Artifacts:
		return c.artifacts(ctx, out, m)
	}
	program := c.Source.Programs[kind]
	about, err := program.About(ctx)
	if err != nil {
		return nil, err
	}
	var meta raftMeta
	p, err := out.part(Part{Name: kind, About: about}, func(w io.Writer) (err error) {
		meta, err = inspecting(w, func(w io.Writer) error { return program.Snapshot(ctx, w) })
		return err
	})
	switch {
	case err != nil && (out.out.err != nil || ctx.Err() != nil): // the backup's fault, or nobody's
		return nil, err
	case err != nil:
		return nil, withoutIt(kind, err)
	}
	p.Index, p.Term = meta.Index, meta.Term
	return []Part{p}, nil
}

// withoutIt says how a backup can be had from a program that has no snapshots: never by itself, as what is missing
// from a backup must have been asked for.
func withoutIt(kind string, err error) error {
	var own *paas.Error
	if !errors.As(err, &own) {
		return paas.Wrap(paas.Unavailable, err, "The copy of %s's state did not arrive whole. Try again.", title(kind))
	}
	if own.Code != paas.Invalid {
		return err
	}
	return paas.Wrap(paas.Invalid, err, "%s To make a backup that lacks it, add --without %s.", paas.MessageOf(err), kind)
}

// artifacts copies those that releases name. One that nobody has is named in the manifest: its release could not be
// started before either.
func (c Config) artifacts(ctx context.Context, out *writer, m *Manifest) ([]Part, error) {
	var took []Part
	for _, digest := range m.Store.Artifacts {
		content, err := c.Source.Artifact(ctx, digest)
		if paas.CodeOf(err) == paas.NotFound {
			m.Lost = append(m.Lost, digest)
			continue
		}
		if err != nil {
			return took, err
		}
		p, err := out.part(Part{Name: Artifacts + "/" + digest}, func(w io.Writer) error {
			_, err := io.Copy(w, content)
			return err
		})
		_ = content.Close() // it was read
		if err != nil {
			return took, err
		}
		if p.SHA256 != digest {
			return took, paas.Errorf(paas.Internal, "The artifact %s is damaged where Crumpet keeps it: it has the digest %s.", digest, p.SHA256)
		}
		took = append(took, p)
	}
	return took, nil
}

// detail is what a line of progress says of a kind.
func (c Config) detail(kind string, m Manifest) string {
	switch kind {
	case Store:
		return fmt.Sprintf("%s version %d, %d apps, events to %d, audit to %d", m.Store.Engine, m.Store.Version, m.Store.Rows["apps"], m.Store.LastEvent, m.Store.LastAudit)
	case Artifacts:
		if len(m.Lost) > 0 {
			return fmt.Sprintf("%d that releases name are nowhere", len(m.Lost))
		}
	case Vault, Consul, Nomad:
		p := m.Parts[len(m.Parts)-1]
		return fmt.Sprintf("version %s, index %d", p.Version, p.Index)
	}
	return ""
}
