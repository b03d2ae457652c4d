package blob_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSweepDropsWhatNobodyNamesAndNobodyWanted(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	old := time.Now().Add(-48 * time.Hour)
	put := func(content string, at time.Time) string {
		digest, _, err := s.Put(t.Context(), strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, "sha256", digest[:2], digest), at, at); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	named, unnamed, asked, again, fresh := put("named", old), put("unnamed", old), put("asked", old), put("again", old), put("fresh", time.Now())
	if _, err := s.Limited(10).Missing(t.Context(), []string{asked}); err != nil { // a push that goes on
		t.Fatal(err)
	}
	if err := s.PutAs(t.Context(), again, strings.NewReader("again")); err != nil {
		t.Fatal(err)
	}
	reader, _, err := s.Open(t.Context(), unnamed)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // only read

	n, bytes, err := s.Sweep(t.Context(), map[string]bool{named: true}, time.Now().Add(-24*time.Hour))
	if err != nil || n != 1 || bytes != int64(len("unnamed")) {
		t.Fatalf("%d blobs of %d bytes went, %v", n, bytes, err)
	}
	missing, err := s.Missing(t.Context(), []string{named, unnamed, asked, again, fresh})
	if diff := cmp.Diff([]string{unnamed}, missing); diff != "" || err != nil {
		t.Errorf("missing (-want +got):\n%s%v", diff, err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != "unnamed" {
		t.Errorf("its reader got %q, %v", text, err)
	}
	if err := s.PutAs(t.Context(), unnamed, strings.NewReader("unnamed")); err != nil {
		t.Errorf("put again: %v", err)
	}
}
