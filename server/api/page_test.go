package api_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const script = "console.log('" + "crumpet crumpet crumpet crumpet crumpet crumpet crumpet" + "')"

func pages(t *testing.T) string {
	t.Helper()
	config := apitest.Config(t, apitest.NewPlatform())
	config.UI = fstest.MapFS{
		"index.html":       {Data: []byte(`<meta property="csp-nonce" nonce="{{nonce}}">the index`)},
		"assets/a-1234.js": {Data: []byte(script)},
		"theme.js":         {Data: []byte("1")},
		".gitignore":       {Data: []byte("*")},
	}
	return apitest.Start(t, config).URL
}

// get asks as a browser does, without a token. Paths are sent as they are.
func get(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, text := apitest.Do(t, r)
	return answer, string(text)
}

func TestPagesAreServedBesideTheAPI(t *testing.T) {
	t.Parallel()
	url := pages(t)
	for _, test := range []struct {
		name, method, path, accept string
		status                     int
		body                       string
	}{
		{"the root is the index, whoever asks", "GET", "/", "*/*", 200, "the index"},
		{"a page is the index", "GET", "/apps/default/shop/logs", "text/html,*/*;q=0.8", 200, "the index"},
		{"a page whose name has a dot is the index", "GET", "/apps/a.b", "text/html", 200, "the index"},
		{"a page that a program asks for is not there", "GET", "/apps/default/shop", "application/json", 404, "not_found"},
		{"a file is served", "GET", "/assets/a-1234.js", "*/*", 200, script},
		{"a file that is gone is not the index", "GET", "/assets/b-1.js", "text/html", 404, "not_found"},
		{"a path out of the files leads nowhere", "GET", "/assets/../../index_test.go", "*/*", 404, "not_found"},
		{"files with a dot in front are not served", "GET", "/.gitignore", "*/*", 404, "not_found"},
		{"HEAD has no body", "HEAD", "/apps", "text/html", 200, ""},
		{"what is written to a page is refused", "POST", "/apps", "text/html", 404, "not_found"},
		{"the API stays below /v1, for browsers too", "GET", "/v1/apps", "text/html", 401, "unauthorized"},
		{"an unknown path below /v1 needs a token, and is no page", "GET", "/v1/nothing", "text/html", 401, "unauthorized"},
		{"/v1 itself is no page", "GET", "/v1", "text/html", 401, "unauthorized"},
		{"the document stays", "GET", "/openapi.json", "text/html", 200, `"openapi"`},
		{"probes stay", "GET", "/healthz", "text/html", 200, "{"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer, text := get(t, test.method, url+test.path, "Accept", test.accept)
			if answer.StatusCode != test.status || !strings.Contains(text, test.body) || test.body == "" && text != "" {
				t.Errorf("%s %s: %d %.200s", test.method, test.path, answer.StatusCode, text)
			}
		})
	}
}

func TestEachIndexHasANonceOfItsOwn(t *testing.T) {
	t.Parallel()
	url := pages(t)
	seen := map[string]bool{}
	for range 3 {
		answer, text := get(t, "GET", url+"/apps", "Accept", "text/html")
		in := regexp.MustCompile(`nonce="([^"{]{20,})"`).FindStringSubmatch(text)
		policy := answer.Header.Get("Content-Security-Policy")
		if in == nil || !strings.Contains(policy, "style-src 'self' 'nonce-"+in[1]+"'") {
			t.Fatalf("policy %q, index %q", policy, text)
		}
		if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") {
			t.Errorf("policy %q", policy)
		}
		if answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the index may be kept: %q", answer.Header.Get("Cache-Control"))
		}
		seen[in[1]] = true
	}
	if len(seen) != 3 {
		t.Errorf("nonces came twice: %v", seen)
	}
}

func TestEachAnswerIsHardened(t *testing.T) {
	t.Parallel()
	url := pages(t)
	for _, path := range []string{"/", "/assets/a-1234.js", "/v1/apps", "/healthz", "/nothing"} {
		answer, _ := get(t, "GET", url+path)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestAssetsAreKeptCompressedAndNotSentTwice(t *testing.T) {
	t.Parallel()
	url := pages(t)
	answer, text := get(t, "GET", url+"/assets/a-1234.js", "Accept-Encoding", "br, gzip")
	if answer.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
		t.Fatalf("%v", answer.Header)
	}
	if got := answer.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("type %q", got)
	}
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(r); err != nil || string(plain) != script {
		t.Fatalf("%q %v", plain, err)
	}
	tag := answer.Header.Get("ETag")
	again, text := get(t, "GET", url+"/assets/a-1234.js", "Accept-Encoding", "gzip", "If-None-Match", tag)
	if again.StatusCode != http.StatusNotModified || text != "" {
		t.Errorf("asked again with its tag: %d %q", again.StatusCode, text)
	}
	plain, text := get(t, "GET", url+"/assets/a-1234.js", "Accept-Encoding", "identity", "If-None-Match", tag)
	if plain.StatusCode != http.StatusOK || text != script || plain.Header.Get("ETag") == tag {
		t.Errorf("the plain form is not told apart: %d %v", plain.StatusCode, plain.Header)
	}
	other, _ := get(t, "GET", url+"/theme.js")
	if other.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("a file without a digest in its name is kept: %q", other.Header.Get("Cache-Control"))
	}
}

func TestLongListsAreCompressedAndNothingElse(t *testing.T) {
	t.Parallel()
	p := apitest.NewPlatform()
	for i := range 40 {
		if _, err := p.Deploy(t.Context(), paas.DeployRequest{Team: "default", App: fmt.Sprintf("app-%d", i), Artifact: "a", By: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	url := apitest.Start(t, apitest.Config(t, p)).URL
	for path, want := range map[string]string{
		"/v1/apps": "gzip", "/openapi.json": "gzip", "/v1/apps?limit=1": "", "/v1/apps/app-1/status": "", "/v1/servers": "",
	} {
		answer, text := get(t, "GET", url+path, "Accept-Encoding", "gzip", "Authorization", "Bearer "+apitest.Token)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %d, encoding %q, want %q: %.100s", path, answer.StatusCode, answer.Header.Get("Content-Encoding"), want, text)
		}
	}
	answer, text := get(t, "GET", url+"/v1/apps", "Accept-Encoding", "identity", "Authorization", "Bearer "+apitest.Token)
	if answer.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(text, "{") {
		t.Errorf("compressed for who does not take it: %v", answer.Header)
	}
	answer, _ = get(t, "GET", url+"/v1/events", "Accept", "text/html", "Accept-Encoding", "gzip")
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stream without a token: %d", answer.StatusCode)
	}
}
