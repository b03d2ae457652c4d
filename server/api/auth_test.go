package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// concrete fills the parameters of a path.
var concrete = strings.NewReplacer("{app}", "shop", "{id}", "d1", "{number}", "1", "{digest}", strings.Repeat("0", 64))

func problemOf(t *testing.T, answer *http.Response, text []byte) wire.Problem {
	t.Helper()
	if kind := answer.Header.Get("Content-Type"); kind != wire.ProblemType {
		t.Errorf("content type %q: %.200s", kind, text)
	}
	var p wire.Problem
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	if p.Status != answer.StatusCode || p.RequestID == "" || p.RequestID != answer.Header.Get("X-Request-Id") || p.Detail == "" || p.Title == "" {
		t.Errorf("status %d, request id %q: %+v", answer.StatusCode, answer.Header.Get("X-Request-Id"), p)
	}
	return p
}

func TestNothingBelowV1IsToldWithoutAToken(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	type call struct{ method, path string }
	calls := []call{
		{"GET", "/v1"},
		{"GET", "/v1/"},
		{"GET", "/v1/nothing"},
		{"BREW", "/v1/apps"},
		{"PUT", "/v1/apps"},
		{"OPTIONS", "/v1/apps"},
		{"GET", "/%761/apps"},
		{"GET", "/v1%2Fapps"},
		{"GET", "/v1/artifacts/sha256/../../apps"},
		{"GET", "/v1/artifacts/sha256/x"},
		{"POST", "/v1/artifacts/sha256/" + strings.Repeat("0", 64)},
	}
	for _, r := range api.Routes() {
		if strings.HasPrefix(r.Path, "/v1/") && (!r.Public || strings.HasPrefix(r.Path, "/v1/artifacts/")) { // an artifact's address is what gives it
			calls = append(calls, call{r.Method, concrete.Replace(r.Path)})
		}
	}
	for _, c := range calls {
		for name, header := range map[string]string{"none": "", "wrong": "Bearer crumpet_wrong", "basic": "Basic eDp5"} {
			r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path+"?team=BAD", strings.NewReader("\x00 not json"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "text/nonsense")
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			answer, text := apitest.Do(t, r)
			if answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s with token %s: %d %.200s", c.method, c.path, name, answer.StatusCode, text)
				continue
			}
			if c.method != "HEAD" && problemOf(t, answer, text).Code != paas.Unauthorized {
				t.Errorf("%s %s: %s", c.method, c.path, text)
			}
			if answer.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: no WWW-Authenticate", c.method, c.path)
			}
		}
	}
	if platform.Changes() != 0 {
		t.Errorf("%d wishes got through", platform.Changes())
	}
}

func TestPublicRoutesNeedNoToken(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, text := apitest.Do(t, r); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", path, answer.StatusCode, text)
		}
	}
}

func TestSelfTellsWhoCalls(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	answer, text := apitest.Call(t, "GET", server.URL+"/v1/self", nil)
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(text), `"user":"tester"`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}
