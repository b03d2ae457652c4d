package static_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/build/static"
)

func TestCompressedBodiesAreKeptWithinALimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := range 20 {
		text := fmt.Sprint(n) + strings.Repeat("the same again ", 100)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n, ".txt")), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := static.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	const limit = 300
	s.LimitCache(limit)
	for range 2 {
		for n := range 20 {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("/%d.txt", n), nil)
			r.Header.Set("Accept-Encoding", "gzip")
			s.ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "gzip" {
				t.Fatalf("%d: %d %v", n, w.Code, w.Header())
			}
			if bodies, bytes := s.Cached(); bytes > limit || bodies == 0 {
				t.Fatalf("%d bodies of %d bytes are kept, want at least one and at most %d bytes", bodies, bytes, limit)
			}
		}
	}
}
