package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// whole writes a file that appears at path once it is complete, on the disk, and read back from there.
func whole(path string, fill func(io.Writer) error) (err error) {
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return unwritten(path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return paas.Wrap(paas.Conflict, err, "Another backup is just writing %s.", partial)
	}
	defer func() {
		_ = f.Close() // closed already when all went well
		if err != nil {
			_ = os.Remove(partial) // the first error is the one to report
		}
	}()
	hash := sha256.New()
	if err := fill(io.MultiWriter(f, hash)); err != nil {
		return unwritten(path, err)
	}
	if err := errors.Join(f.Sync(), seekStart(f)); err != nil {
		return unwritten(path, err)
	}
	back := sha256.New()
	if _, err := io.Copy(back, f); err != nil {
		return unwritten(path, err)
	}
	if !bytes.Equal(back.Sum(nil), hash.Sum(nil)) {
		return paas.Errorf(paas.Internal, "What was read back of %s is not what was written: the disk is not to be trusted. Choose another.", partial)
	}
	if err := f.Close(); err != nil {
		return unwritten(path, err)
	}
	if err := os.Link(partial, path); err != nil { // unlike a rename, it replaces nothing
		if errors.Is(err, fs.ErrExist) {
			return paas.Wrap(paas.Conflict, err, "There is already a file %s by now. A backup never replaces another.", path)
		}
		if err := os.Rename(partial, path); err != nil { // a file system without links
			return unwritten(path, err)
		}
	} else if err := os.Remove(partial); err != nil {
		return unwritten(path, err)
	}
	return syncFolder(filepath.Dir(path))
}

func seekStart(f *os.File) error { _, err := f.Seek(0, io.SeekStart); return err }

// unwritten names the file and what an operator can do; an error that has a code says so already.
func unwritten(path string, err error) error {
	switch {
	case paas.CodeOf(err) != paas.Internal && paas.CodeOf(err) != "":
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return paas.Wrap(paas.Quota, err, "There is no room left for the backup %s.", path)
	}
	if _, ok := errors.AsType[*paas.Error](err); ok {
		return err
	}
	return paas.Wrap(paas.Internal, err, "The backup %s can't be written.", path)
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return unwritten(dir, err)
	}
	err = f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil && !errors.Is(err, syscall.EINVAL) { // a file system whose folders can't be synced
		return unwritten(dir, err)
	}
	return nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return paas.Wrap(paas.NotFound, err, "The state file %s can't be read.", path)
	}
	defer f.Close() //nolint:errcheck // it was read
	_, err = io.Copy(w, f)
	return err
}
