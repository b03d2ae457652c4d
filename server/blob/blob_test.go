package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/google/go-cmp/cmp"
)

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func open(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			list = append(list, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPutAndOpen(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	for _, content := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		digest, size, err := s.Put(t.Context(), strings.NewReader(content))
		if err != nil || digest != digestOf(content) || size != int64(len(content)) {
			t.Fatalf("Put = %s, %d, %v", digest, size, err)
		}
		r, size, err := s.Open(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != content || size != int64(len(content)) {
			t.Fatalf("read %d bytes of %d, %v", len(got), size, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := filepath.Join("sha256", digestOf("hello")[:2], digestOf("hello"))
	if got := files(t, dir); len(got) != 3 || !strings.Contains(strings.Join(got, " "), want) {
		t.Errorf("files %q, want three with %s", got, want)
	}
}

func TestRefusedContentLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		put  func(*blob.Store) error
		code paas.Code
		is   error
	}{
		"another digest": {put: func(s *blob.Store) error { return s.PutAs(t.Context(), digestOf("a"), strings.NewReader("b")) }, code: paas.Invalid},
		"no digest":      {put: func(s *blob.Store) error { return s.PutAs(t.Context(), "../../etc/passwd", strings.NewReader("b")) }, code: paas.Invalid},
		"upper case": {put: func(s *blob.Store) error {
			return s.PutAs(t.Context(), strings.ToUpper(digestOf("a")), strings.NewReader("a"))
		}, code: paas.Invalid},
		"too large": {put: func(s *blob.Store) error {
			_, _, err := s.Limited(4).Put(t.Context(), strings.NewReader("hello"))
			return err
		}, code: paas.Quota},
		"a reader that fails midway": {put: func(s *blob.Store) error {
			_, _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(broken)))
			return err
		}, code: paas.Internal, is: broken},
		"an ended context": {put: func(s *blob.Store) error {
			_, _, err := s.Put(ended, strings.NewReader("hello"))
			return err
		}, code: paas.Internal, is: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := open(t)
			err := test.put(s)
			if paas.CodeOf(err) != test.code || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want code %s", err, test.code)
			}
			if got := files(t, dir); len(got) != 0 {
				t.Errorf("left %q", got)
			}
		})
	}
}

func TestLimitIsInclusive(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	if _, _, err := s.Limited(5).Put(t.Context(), strings.NewReader("hello")); err != nil {
		t.Errorf("five bytes of five: %v", err)
	}
}

func TestConcurrentPutsOfOneDigest(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	content := bytes.Repeat([]byte("x"), 1<<16)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if err := s.PutAs(t.Context(), digestOf(string(content)), bytes.NewReader(content)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files %q, want one", got)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	if _, _, err := s.Put(t.Context(), strings.NewReader("a")); err != nil {
		t.Fatal(err)
	}
	a, b, c := digestOf("a"), digestOf("b"), digestOf("c")
	got, err := s.Missing(t.Context(), []string{c, a, b, c})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{c, b}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Missing(t.Context(), []string{a, "x"}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("Missing of no digest: %v", err)
	}
	if _, _, err := s.Open(t.Context(), b); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("Open of a missing one: %v", err)
	}
	if size, err := s.Size(t.Context(), a); err != nil || size != 1 {
		t.Errorf("Size = %d, %v", size, err)
	}
}

func TestOpenRemovesWhatWasLeftUnfinished(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if _, _, err := s.Put(t.Context(), strings.NewReader("a")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tmp", "put-123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if has, err := s.Has(t.Context(), digestOf("a")); !has || err != nil {
		t.Errorf("the whole blob: %v, %v", has, err)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files %q, want one", got)
	}
}
