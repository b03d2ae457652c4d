package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/store"
)

// template is the file of a SQLite database that has all its tables and nobody's rows. Migrating one takes
// most of a second under the race detector, and hundreds of tests want one of their own.
var template = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "crumpet-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is of a few kilobytes, in the folder of temporary ones
	path := filepath.Join(dir, "crumpet.db")
	s, err := store.Open(context.Background(), store.Config{Path: path})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // what is in the write-ahead log is in the file then
		return nil, err
	}
	return os.ReadFile(path)
})

// Path gives the path of a SQLite file, new in a folder of the test's, that is as store.Open leaves a new one:
// opening it finds nothing to migrate.
func Path(t testing.TB) string {
	t.Helper()
	return PathIn(t, t.TempDir(), "crumpet.db")
}

// PathIn is Path with a name, in a folder that is made when missing.
func PathIn(t testing.TB, dir, name string) string {
	t.Helper()
	file, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
