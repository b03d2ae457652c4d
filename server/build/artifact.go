package build

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// entry is one regular file of an artifact.
type entry struct {
	name string // slash-separated, relative
	exec bool
	size int64
	open func(ctx context.Context) (io.ReadCloser, error)
}

// pack stores the entries as an artifact. Whatever differs between two runs on equal input is left
// out: order, times, owners, the finer bits of modes.
func (b *Builds) pack(ctx context.Context, entries []entry) (string, error) {
	if len(entries) == 0 {
		return "", paas.Errorf(paas.Invalid, "The artifact would be empty: the source has no file for it.")
	}
	if len(entries) > b.MaxArtifactFiles {
		return "", paas.Errorf(paas.Quota,
			"The artifact has %d files; Nomad's clients unpack at most %d (artifact.decompression_file_count_limit). Leave out what is not needed with .crumpetignore.",
			len(entries), b.MaxArtifactFiles)
	}
	entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_ = w.CloseWithError(writeArtifact(ctx, w, entries)) // always nil; the reader gets the error
	}()
	digest, _, err := b.Blobs.Put(ctx, r)
	_ = r.CloseWithError(io.ErrClosedPipe) // always nil; ends the writer if Put has given up
	<-written
	return digest, err
}

func writeArtifact(ctx context.Context, w io.Writer, entries []entry) error {
	// The fastest level: most of an artifact is one binary, and the way to the node is short.
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	for _, e := range entries {
		if err := writeEntry(ctx, archive, e); err != nil {
			return fmt.Errorf("write %q to artifact: %w", e.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zip.Close()
}

func writeEntry(ctx context.Context, archive *tar.Writer, e entry) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: e.name, Size: e.size, Mode: 0o644,
		ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	}
	if e.exec {
		header.Mode = 0o755
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	r, err := e.open(ctx)
	if err != nil {
		return err
	}
	_, err = io.Copy(archive, r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return err
}

// fromDisk is an executable file on the server's disk.
func fromDisk(name, file string) (entry, error) {
	info, err := os.Stat(file)
	if err != nil {
		return entry{}, err
	}
	open := func(context.Context) (io.ReadCloser, error) { return os.Open(file) }
	return entry{name: name, exec: true, size: info.Size(), open: open}, nil
}

// gather gives entries for the files of a source below dir, named relative to it, for which keep says
// yes. Links are replaced by what they lead to, wherever in the source that is. note is told of links
// that lead to nothing.
func (b *Builds) gather(t tree, dir string, keep func(name string) bool, note func(format string, args ...any)) ([]entry, error) {
	g := gatherer{b: b, t: t, keep: keep, note: note}
	err := g.folder(dir, "", nil)
	return g.entries, err
}

type gatherer struct {
	b       *Builds
	t       tree
	keep    func(string) bool
	note    func(string, ...any)
	entries []entry
}

// folder adds what lies below dir, with names that begin with as. inside is the folders entered
// through links on the way, so that a link to a folder around it ends.
func (g *gatherer) folder(dir, as string, inside []string) error {
	for _, p := range g.t.below(dir) {
		name := path.Join(as, p)
		if dir != "." {
			name = path.Join(as, p[len(dir)+1:])
		}
		if !g.keep(name) {
			continue
		}
		target, err := g.t.resolve(p)
		if err != nil {
			g.note("left out the link %s: %s", p, err)
			continue
		}
		if f, ok := g.t.files[target]; ok {
			g.file(name, f)
		} else if around(p, target) || slices.Contains(inside, target) {
			g.note("left out the link %s: it leads back to a folder around it", p)
		} else if err := g.folder(target, name, append(slices.Clone(inside), target)); err != nil {
			return err
		}
		if len(g.entries) > g.b.MaxFiles { // links to folders of links multiply
			return paas.Errorf(paas.Quota, "The artifact has more than %d files once its links are followed.", g.b.MaxFiles)
		}
	}
	return nil
}

func (g *gatherer) file(name string, f paas.File) {
	g.entries = append(g.entries, entry{
		name: name, exec: f.Mode&0o111 != 0, size: f.Size,
		open: func(ctx context.Context) (io.ReadCloser, error) {
			r, _, err := g.b.Blobs.Open(ctx, f.Digest)
			return r, err
		},
	})
}

// around says whether dir is a folder that p lies in.
func around(p, dir string) bool {
	return dir == "." || len(p) > len(dir) && p[:len(dir)] == dir && p[len(dir)] == '/'
}
