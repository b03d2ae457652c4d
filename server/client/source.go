package client

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// PackConfig says what Pack may take.
type PackConfig struct {
	Bytes int64 // of all files; default 1 GiB
	Files int   // default 10,000
	// Cache is a folder in which digests of unchanged files are remembered, "" for none. DigestCache
	// gives the usual one.
	Cache string
}

// DigestCache is the folder for digests in the user's cache, "" if the user has none.
func DigestCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "crumpet", "digests")
}

// Source is a folder as it is pushed: its files by content.
type Source struct {
	Files []paas.File // sorted by path

	dir      string
	manifest []byte
	digest   string            // of manifest
	paths    map[string]string // of a file for each digest
}

// Pack reads a folder: all files but those that .gitignore and .crumpetignore name, .git, .crumpet and
// the app spec. Sizes are looked at first, so that a folder that is too large is refused before a byte
// of it was read. Codes: invalid, with every fault found; quota.
func Pack(ctx context.Context, dir string, cfg PackConfig) (Source, error) {
	if cfg.Bytes == 0 {
		cfg.Bytes = 1 << 30
	}
	if cfg.Files == 0 {
		cfg.Files = 10_000
	}
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return Source{}, paas.Wrap(paas.Invalid, err, "There is no folder %s.", dir)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return Source{}, paas.Wrap(paas.Invalid, err, "%s is not a folder.", dir)
	}
	w := &walk{ctx: ctx, root: root, cfg: cfg, sizes: map[string]*weight{}}
	if err := w.folder("", inherited(root)); err != nil {
		return Source{}, err
	}
	if w.over() {
		return Source{}, w.tooLarge(dir)
	}
	files, err := digests(ctx, w, cfg.Cache)
	if err != nil {
		return Source{}, err
	}
	switch n := len(w.faults); {
	case n == 1:
		return Source{}, &paas.Error{Code: paas.Invalid, Message: w.faults[0].Message, Faults: w.faults}
	case n > 1:
		return Source{}, &paas.Error{Code: paas.Invalid, Faults: w.faults, Message: fmt.Sprintf("The folder %s can't be pushed: it has %d faults. The first: %s", dir, n, w.faults[0].Message)}
	case len(files) == 0:
		return Source{}, paas.Errorf(paas.Invalid, "The folder %s has no file to push.", dir)
	}
	s := Source{Files: files, dir: root, paths: map[string]string{}}
	for _, f := range files {
		if f.Link == "" {
			s.paths[f.Digest] = f.Path
		}
	}
	if s.manifest, err = json.Marshal(files); err != nil {
		return Source{}, fmt.Errorf("encode manifest: %w", err)
	}
	sum := sha256.Sum256(s.manifest)
	s.digest = hex.EncodeToString(sum[:])
	return s, nil
}

// Digest is that of the manifest, the list of the files: it names the whole source.
func (s Source) Digest() string { return s.digest }

// Digests names all blobs the source needs on the server, the manifest among them.
func (s Source) Digests() []string {
	list := []string{s.digest}
	seen := map[string]bool{s.digest: true}
	for _, f := range s.Files {
		if f.Link == "" && !seen[f.Digest] {
			seen[f.Digest] = true
			list = append(list, f.Digest)
		}
	}
	return list
}

// Bytes is the size of all files.
func (s Source) Bytes() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

// Open opens the blob of that digest: a file, or the manifest.
func (s Source) Open(digest string) (io.ReadCloser, int64, error) {
	if digest == s.digest {
		return io.NopCloser(strings.NewReader(string(s.manifest))), int64(len(s.manifest)), nil
	}
	path, ok := s.paths[digest]
	if !ok {
		return nil, 0, paas.Errorf(paas.Invalid, "The source has no content sha256/%s.", digest)
	}
	f, err := os.Open(filepath.Join(s.dir, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, changed(path)
	}
	if err != nil {
		return nil, 0, paas.Wrap(paas.Invalid, err, "%s can't be read.", path)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // the error of Stat is the one to report
		return nil, 0, paas.Wrap(paas.Invalid, err, "%s can't be read.", path)
	}
	return f, info.Size(), nil
}

// Bundle writes the blobs of those digests as a tar.gz with entries sha256/DIGEST. Code conflict: a
// file has changed since it was packed.
func (s Source) Bundle(w io.Writer, digests []string) error {
	// The fastest level: sources are small, and the way to the server is often shorter than gzip's.
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	for _, digest := range digests {
		if err := s.add(archive, digest); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func (s Source) add(archive *tar.Writer, digest string) error {
	r, size, err := s.Open(digest)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "sha256/" + digest, Size: size, Mode: 0o600}); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(archive, hash), io.LimitReader(r, size))
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if n != size || hex.EncodeToString(hash.Sum(nil)) != digest {
		return changed(s.paths[digest])
	}
	return nil
}

func changed(path string) error {
	return paas.Errorf(paas.Conflict, "%s changed while it was being pushed. Push again.", path)
}
