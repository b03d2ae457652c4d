package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestProgramsAreReadFromFilesAndURLs(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/there":
			_, _ = io.WriteString(w, "program")
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://127.0.0.1:1/there", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	folder := t.TempDir()
	file := filepath.Join(folder, "consul")
	if err := os.WriteFile(file, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]struct {
		code paas.Code
		word string
	}{
		file:                    {},
		"file://" + file:        {},
		server.URL + "/there":   {},
		server.URL + "/moved":   {},
		folder:                  {paas.NotFound, folder},
		file + "/consul-1.0":    {paas.NotFound, "consul-1.0"},
		server.URL + "/none":    {paas.NotFound, "/none"},
		server.URL + "/broken":  {paas.Unavailable, "502"},
		server.URL + "/plain":   {paas.Unavailable, "can't be trusted"},
		server.URL + "/loop":    {paas.Unavailable, "can't be trusted"},
		"https://127.0.0.1:1/x": {paas.Unavailable, "can't be reached"},
	} {
		content, err := cli.ReadFrom(t.Context(), source, server.Client().Transport)
		if paas.CodeOf(err) != want.code || err != nil && !strings.Contains(paas.MessageOf(err), want.word) {
			t.Errorf("%s: %v", source, err)
		}
		if err != nil {
			continue
		}
		if text, err := io.ReadAll(content); err != nil || string(text) != "program" {
			t.Errorf("%s: %q, %v", source, text, err)
		}
		_ = content.Close()
	}
}
