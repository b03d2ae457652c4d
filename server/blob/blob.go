package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store is a folder of blobs.
type Store struct {
	dir   string
	limit int64 // bytes of one blob; 0 for none

	// sweeping is held while a blob is noted as used, put or taken away; shared by all views of the store.
	sweeping *sync.Mutex
}

// Open opens the folder, making it when missing, and removes what an earlier process left unfinished.
func Open(dir string) (*Store, error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return nil, failed("clean blobs", err)
	}
	for _, d := range []string{tmp, filepath.Join(dir, "sha256")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, failed("make folder for blobs", err)
		}
	}
	return &Store{dir: dir, sweeping: &sync.Mutex{}}, nil
}

// Limited gives a view of the same store that takes no blob of more than n bytes.
func (s *Store) Limited(n int64) *Store { return &Store{dir: s.dir, limit: n, sweeping: s.sweeping} }

// Put stores what r gives.
func (s *Store) Put(ctx context.Context, r io.Reader) (digest string, size int64, err error) {
	return s.put(ctx, "", r)
}

// PutAs stores what r gives if it has that digest; otherwise nothing is kept and the code is invalid.
func (s *Store) PutAs(ctx context.Context, digest string, r io.Reader) error {
	if err := check(digest); err != nil {
		return err
	}
	_, _, err := s.put(ctx, digest, r)
	return err
}

func (s *Store) put(ctx context.Context, want string, r io.Reader) (digest string, size int64, err error) {
	tmp, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "put-")
	if err != nil {
		return "", 0, failed("make blob", err)
	}
	defer func() {
		_ = tmp.Close()           // closed already when all went well
		_ = os.Remove(tmp.Name()) // renamed already when all went well
	}()
	hash := sha256.New()
	in := &source{ctx: ctx, r: r, limit: s.limit}
	size, err = io.Copy(io.MultiWriter(tmp, hash), in)
	switch {
	case in.err != nil:
		return "", 0, in.err
	case err != nil:
		return "", 0, failed("write blob", err)
	}
	digest = hex.EncodeToString(hash.Sum(nil))
	if want != "" && digest != want {
		return "", 0, paas.Errorf(paas.Invalid, "The content sent as sha256/%s has the digest %s.", want, digest)
	}
	if err := s.keep(tmp, digest); err != nil {
		return "", 0, failed("keep blob", err)
	}
	return digest, size, nil
}

// keep moves a complete file to its place, durably: first its bytes, then its name.
func (s *Store) keep(tmp *os.File, digest string) error {
	path := s.path(digest)
	if has, err := s.use(digest); has || err != nil {
		return err // it is there, complete, as every blob is
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	switch err := os.Mkdir(folder, 0o700); {
	case err == nil:
		if err := syncFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Open gives the content of a blob and its size.
func (s *Store) Open(_ context.Context, digest string) (io.ReadSeekCloser, int64, error) {
	if err := check(digest); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(s.path(digest))
	if err != nil {
		return nil, 0, failed("open blob "+digest, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // the error of Stat is the one to report
		return nil, 0, failed("open blob "+digest, err)
	}
	return f, info.Size(), nil
}

// Size gives the size of a blob.
func (s *Store) Size(_ context.Context, digest string) (int64, error) {
	if err := check(digest); err != nil {
		return 0, err
	}
	info, err := os.Stat(s.path(digest))
	if err != nil {
		return 0, failed("find blob "+digest, err)
	}
	return info.Size(), nil
}

// Has says whether a blob is there.
func (s *Store) Has(ctx context.Context, digest string) (bool, error) {
	_, err := s.Size(ctx, digest)
	if paas.CodeOf(err) == paas.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Missing gives those of the digests that have no blob, each once, in the order given. The others are
// noted as used.
func (s *Store) Missing(ctx context.Context, digests []string) ([]string, error) {
	missing := []string{}
	seen := make(map[string]bool, len(digests))
	for _, d := range digests {
		if seen[d] {
			continue
		}
		seen[d] = true
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		has, err := s.use(d)
		if err != nil {
			return nil, err
		}
		if !has {
			missing = append(missing, d)
		}
	}
	return missing, nil
}

func (s *Store) path(digest string) string {
	return filepath.Join(s.dir, "sha256", digest[:2], digest)
}

// check refuses what is not 64 lower-case hex digits, and with it every way out of the folder.
func check(digest string) error {
	if len(digest) != hex.EncodedLen(sha256.Size) || strings.Trim(digest, "0123456789abcdef") != "" {
		return paas.Errorf(paas.Invalid, "%q is not a SHA-256 in lower-case hex.", digest)
	}
	return nil
}

// source reads with an eye on the context and the limit, and remembers its error, so that a fault of
// the sender is told from one of the disk.
type source struct {
	ctx   context.Context // lives for one call of put
	r     io.Reader
	limit int64
	read  int64
	err   error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = fmt.Errorf("read blob: %w", err)
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.read += int64(n)
	switch {
	case s.limit > 0 && s.read > s.limit:
		s.err = paas.Errorf(paas.Quota, "The content is larger than the %d bytes allowed.", s.limit)
		return n, s.err
	case err != nil && !errors.Is(err, io.EOF):
		s.err = fmt.Errorf("read blob: %w", err)
		return n, s.err
	}
	return n, err
}

func failed(what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return paas.Wrap(paas.NotFound, fmt.Errorf("%s: %w", what, err), "There is no such content.")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return paas.Wrap(paas.Quota, fmt.Errorf("%s: %w", what, err), "The disk of Crumpet's server is full.")
	}
	return paas.Wrap(paas.Internal, fmt.Errorf("%s: %w", what, err), "Crumpet's folder of blobs failed. The server's log says why.")
}
