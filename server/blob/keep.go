package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// usedEvery is how exactly it is known when a blob was last asked for: a source of thousands of files
// is asked for with each push of it.
const usedEvery = time.Minute

// use says whether a blob is there, and notes in its file's time that it is wanted now, so that Sweep,
// which holds the same lock, does not take it away before something names it.
func (s *Store) use(digest string) (bool, error) {
	if err := check(digest); err != nil {
		return false, err
	}
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	path := s.path(digest)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, failed("find blob "+digest, err)
	}
	now := time.Now()
	if now.Sub(info.ModTime()) < usedEvery {
		return true, nil
	}
	if err := os.Chtimes(path, now, now); err != nil {
		return false, failed("note use of blob "+digest, err)
	}
	return true, nil
}

// Sweep drops the blobs that are not named and were not put or asked for by Missing since a time, and
// says how many and how many bytes.
func (s *Store) Sweep(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error) {
	folders, err := os.ReadDir(filepath.Join(s.dir, "sha256"))
	if err != nil {
		return 0, 0, failed("list blobs", err)
	}
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(s.dir, "sha256", folder.Name()))
		if err != nil {
			return blobs, bytes, failed("list blobs", err)
		}
		for _, file := range files {
			if err := ctx.Err(); err != nil {
				return blobs, bytes, err
			}
			if named[file.Name()] || check(file.Name()) != nil {
				continue
			}
			size, err := s.drop(file.Name(), before)
			if err != nil {
				return blobs, bytes, err
			}
			if size >= 0 {
				blobs, bytes = blobs+1, bytes+size
			}
		}
	}
	return blobs, bytes, nil
}

// drop takes one blob away unless it was used since, and gives its size, -1 if it stays. Whoever reads
// it reads on.
func (s *Store) drop(digest string, before time.Time) (size int64, err error) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	info, err := os.Stat(s.path(digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return -1, failed("find blob "+digest, err)
	case !info.ModTime().Before(before):
		return -1, nil
	}
	if err := os.Remove(s.path(digest)); err != nil {
		return -1, failed("drop blob "+digest, err)
	}
	return info.Size(), nil
}
