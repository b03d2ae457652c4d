package artifact

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack writes a tar below dest. It works through os.Root, so that no entry,
// and no link made by an entry before it, reaches outside.
func unpack(file io.Reader, zipped bool, dest string) error {
	if zipped {
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		file = unzipped
	}
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return err
	}
	err = unpackInto(root, tar.NewReader(file))
	return errors.Join(err, root.Close())
}

func unpackInto(root *os.Root, archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := path.Clean(header.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("entry contains '..': %s", header.Name)
		}
		if err := entry(root, archive, header, name); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func entry(root *os.Root, archive io.Reader, header *tar.Header, name string) error {
	mode := header.FileInfo().Mode().Perm()
	if header.Typeflag == tar.TypeDir {
		if name == "." {
			return nil
		}
		return root.MkdirAll(name, mode|0o700)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	// A restart fetches again over what a former run left.
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, archive)
		// The process's umask must not take bits away.
		return errors.Join(err, file.Chmod(mode), file.Close())
	case tar.TypeSymlink:
		target := path.Join(path.Dir(name), header.Linkname)
		if path.IsAbs(header.Linkname) || !filepath.IsLocal(target) {
			return fmt.Errorf("link to %s leaves the folder", strings.TrimSpace(header.Linkname))
		}
		return root.Symlink(header.Linkname, name)
	case tar.TypeLink:
		target := path.Clean(header.Linkname)
		if !filepath.IsLocal(target) {
			return fmt.Errorf("link to %s leaves the folder", header.Linkname)
		}
		return root.Link(target, name)
	}
	return errors.New("neither file, folder nor link")
}
