package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// source is a folder as a push sends it: its files by content, and the manifest that lists them.
type source struct {
	dir      string
	Files    []paas.File
	manifest []byte
	Digest   string // of the manifest
}

func packSource(_ context.Context, dir string) (*source, error) {
	src := &source{dir: dir, Files: []paas.File{}}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		src.Files = append(src.Files, paas.File{Path: filepath.ToSlash(name), Mode: uint32(info.Mode().Perm()), Size: int64(len(text)), Digest: hexDigest(text)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if src.manifest, err = json.Marshal(src.Files); err != nil {
		return nil, err
	}
	src.Digest = hexDigest(src.manifest)
	return src, nil
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s *source) Size() (n int64) {
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

func (s *source) Digests() []string {
	list := []string{s.Digest}
	for _, f := range s.Files {
		list = append(list, f.Digest)
	}
	return list
}

// Bundle writes the missing blobs as a tar.gz.
func (s *source) Bundle(_ context.Context, w io.Writer, missing []string) error {
	want := map[string]bool{}
	for _, d := range missing {
		want[d] = true
	}
	zip := gzip.NewWriter(w)
	archive := tar.NewWriter(zip)
	put := func(digest string, text []byte) error {
		if !want[digest] {
			return nil
		}
		delete(want, digest)
		if err := archive.WriteHeader(&tar.Header{Name: "sha256/" + digest, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		_, err := io.Copy(archive, bytes.NewReader(text))
		return err
	}
	for _, f := range s.Files {
		text, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return err
		}
		if err := put(f.Digest, text); err != nil {
			return err
		}
	}
	if err := put(s.Digest, s.manifest); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zip.Close()
}
