package static_test

import (
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/build/static"
)

var long = strings.Repeat("body { color: teal }\n", 200)

// site is a folder beside a secret.
func site(t *testing.T, more map[string]string) *httptest.Server {
	t.Helper()
	top := t.TempDir()
	files := map[string]string{
		"secret": "secret", "site/index.html": "<h1>home</h1>", "site/docs/index.html": "docs", "site/empty/x.txt": "x", "site/style.css": long,
		"site/.env": "secret", "site/.git/config": "secret", "site/.well-known/security.txt": "mail", "site/noext": "<!doctype html><p>x",
		"site/ü space.txt": "umlaut", "site/photo.JPG": strings.Repeat("j", 2000), "site/app.wasm": strings.Repeat("w", 2000), "site/data.json": "{}",
	}
	maps.Copy(files, more)
	for name, content := range files {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out": "../secret", "abs": filepath.Join(top, "secret"), "in": "docs/index.html", "outdir": ".."} {
		if err := os.Symlink(to, filepath.Join(top, "site", name)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := static.Open(filepath.Join(top, "site"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// answer is a response without its body.
type answer struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// ask sends a request whose path is written as it is, with headers by pairs.
func ask(t *testing.T, server *httptest.Server, method, path string, headers ...string) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = "//" + r.URL.Host + path
	r.Header.Set("Accept-Encoding", "identity") // or net/http asks for gzip by itself
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, resp.ContentLength}, string(text)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	server := site(t, nil)
	for _, test := range []struct {
		path   string
		status int
		says   string
		kind   string
	}{
		{"/", 200, "<h1>home</h1>", "text/html; charset=utf-8"},
		{"/index.html", 200, "<h1>home</h1>", "text/html; charset=utf-8"},
		{"/docs/", 200, "docs", "text/html; charset=utf-8"},
		{"/style.css", 200, long, "text/css; charset=utf-8"},
		{"/style.css?v=3", 200, long, "text/css; charset=utf-8"},
		{"/data.json", 200, "{}", "application/json; charset=utf-8"},
		{"/photo.JPG", 200, strings.Repeat("j", 2000), "image/jpeg"},
		{"/noext", 200, "<!doctype html><p>x", "text/html; charset=utf-8"},
		{"/%C3%BC%20space.txt", 200, "umlaut", "text/plain; charset=utf-8"},
		{"/.well-known/security.txt", 200, "mail", "text/plain; charset=utf-8"},
		{"/in", 200, "docs", "text/plain; charset=utf-8"},
		{"/empty/", 404, "404 page not found\n", ""}, // no list of a folder
		{"/nothing", 404, "404 page not found\n", ""},
		{"/style.css/", 404, "404 page not found\n", ""},
		{"/.env", 404, "404 page not found\n", ""},
		{"/.git/config", 404, "404 page not found\n", ""},
		{"/.well-known/../.env", 404, "404 page not found\n", ""},
		{"/../secret", 404, "404 page not found\n", ""},
		{"/%2e%2e/secret", 404, "404 page not found\n", ""},
		{"/docs/..%2f..%2fsecret", 404, "404 page not found\n", ""},
		{"/..%5csecret", 404, "404 page not found\n", ""},
		{"/x%00", 404, "404 page not found\n", ""},
		{"//secret", 404, "404 page not found\n", ""},
		{"/out", 404, "404 page not found\n", ""},
		{"/abs", 404, "404 page not found\n", ""},
		{"/outdir/secret", 404, "404 page not found\n", ""},
		{"/style.css/x", 404, "404 page not found\n", ""},
	} {
		resp, text := ask(t, server, "GET", test.path)
		if resp.StatusCode != test.status || text != test.says || test.kind != "" && resp.Header.Get("Content-Type") != test.kind {
			t.Errorf("%s: %d %s %.60q", test.path, resp.StatusCode, resp.Header.Get("Content-Type"), text)
		}
		head, body := ask(t, server, "HEAD", test.path)
		if head.StatusCode != test.status || body != "" || head.ContentLength != int64(len(test.says)) {
			t.Errorf("HEAD %s: %d, length %d, %q", test.path, head.StatusCode, head.ContentLength, body)
		}
	}
	resp, _ := ask(t, server, "GET", "/docs?a=1%202")
	if resp.StatusCode != 301 || resp.Header.Get("Location") != "/docs/?a=1%202" {
		t.Errorf("/docs: %d to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	resp, _ = ask(t, server, "POST", "/")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %s", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

func TestTheSitesOwnPageForWhatIsNotThere(t *testing.T) {
	t.Parallel()
	server := site(t, map[string]string{"site/404.html": "lost?"})
	resp, text := ask(t, server, "GET", "/nothing", "Range", "bytes=1-2", "Accept-Encoding", "gzip")
	if resp.StatusCode != 404 || text != "lost?" || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %s %q", resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
}

func TestConditionsAndRanges(t *testing.T) {
	t.Parallel()
	server := site(t, nil)
	first, _ := ask(t, server, "GET", "/style.css")
	etag := first.Header.Get("ETag")
	if !strings.HasPrefix(etag, `"`) {
		t.Fatalf("ETag %s is not a strong one", etag)
	}
	if other := site(t, map[string]string{"site/style.css": long + " "}); true {
		if resp, _ := ask(t, other, "GET", "/style.css"); resp.Header.Get("ETag") == etag {
			t.Error("another content has the same ETag")
		}
	}
	if resp, _ := ask(t, site(t, nil), "GET", "/style.css"); resp.Header.Get("ETag") != etag {
		t.Error("the same content on another instance has another ETag")
	}
	for name, test := range map[string]struct {
		headers []string
		status  int
		says    string
	}{
		"the same":           {[]string{"If-None-Match", etag}, 304, ""},
		"one of many":        {[]string{"If-None-Match", `"x", W/` + etag}, 304, ""},
		"another":            {[]string{"If-None-Match", `"x"`}, 200, long},
		"a range":            {[]string{"Range", "bytes=0-3"}, 206, "body"},
		"the end":            {[]string{"Range", "bytes=-2"}, 206, "}\n"},
		"beyond the end":     {[]string{"Range", "bytes=99999-"}, 416, "invalid range: failed to overlap\n"},
		"if it is the same":  {[]string{"Range", "bytes=0-3", "If-Range", etag}, 206, "body"},
		"if it were another": {[]string{"Range", "bytes=0-3", "If-Range", `"x"`}, 200, long},
		"a range with gzip":  {[]string{"Range", "bytes=0-3", "Accept-Encoding", "gzip"}, 206, "body"},
	} {
		resp, text := ask(t, server, "GET", "/style.css", test.headers...)
		if resp.StatusCode != test.status || text != test.says || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %.60q", name, resp.StatusCode, text)
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	server := site(t, nil)
	plain, _ := ask(t, server, "GET", "/style.css")
	if plain.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("plain: %v", plain.Header)
	}
	for range 2 { // made, and kept
		resp, text := ask(t, server, "GET", "/style.css", "Accept-Encoding", "br, gzip;q=0.5")
		zip, err := gzip.NewReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(zip)
		if err != nil || string(unpacked) != long {
			t.Errorf("unpacks to %.60q, %v", unpacked, err)
		}
		if resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Vary") != "Accept-Encoding" || resp.ContentLength != int64(len(text)) ||
			resp.Header.Get("ETag") == plain.Header.Get("ETag") || resp.Header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("headers %v", resp.Header)
		}
		again, _ := ask(t, server, "GET", "/style.css", "Accept-Encoding", "gzip", "If-None-Match", resp.Header.Get("ETag"))
		if again.StatusCode != 304 {
			t.Errorf("again: %d", again.StatusCode)
		}
		// A proxy that asks for gzip of its own accord passes on what its client holds.
		other, _ := ask(t, server, "GET", "/style.css", "Accept-Encoding", "gzip", "If-None-Match", plain.Header.Get("ETag"))
		if other.StatusCode != 304 {
			t.Errorf("the plain file's ETag: %d", other.StatusCode)
		}
		other, _ = ask(t, server, "GET", "/style.css", "Accept-Encoding", "identity", "If-None-Match", resp.Header.Get("ETag"))
		if other.StatusCode != 304 {
			t.Errorf("the zipped file's ETag: %d", other.StatusCode)
		}
	}
	for _, test := range []struct {
		path, accept string
		zipped       bool
	}{
		{"/style.css", "*", true},
		{"/style.css", "GZIP", true},
		{"/style.css", "gzip;q=0, *", false},
		{"/style.css", "gzip; q=0.0", false},
		{"/style.css", "br", false},
		{"/style.css", "", false},
		{"/app.wasm", "gzip", true},
		{"/photo.JPG", "gzip", false},
		{"/index.html", "gzip", false}, // too small
	} {
		resp, _ := ask(t, server, "HEAD", test.path, "Accept-Encoding", test.accept)
		if got := resp.Header.Get("Content-Encoding") == "gzip"; got != test.zipped {
			t.Errorf("%s for %q: gzip %v", test.path, test.accept, got)
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("hi"), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := static.Serve(t.Context(), dir, addr); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("Serve at a taken address: %v", err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- static.Serve(ctx, dir, addr) }()
	deadline := time.Now().Add(30 * time.Second)
	for {
		resp, err := http.Get("http://" + addr + "/")
		if err == nil {
			_ = resp.Body.Close() // the answer is enough
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := static.Serve(t.Context(), filepath.Join(dir, "nothing"), addr); err == nil {
		t.Error("Serve of a folder that is not there worked")
	}
}
