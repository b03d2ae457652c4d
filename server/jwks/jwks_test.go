package jwks_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/jwks"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	one = `{"keys":[{"alg":"RS256","e":"AQAB","kid":"1","kty":"RSA","n":"abc","use":"sig"}]}`
	two = `{"keys":[{"alg":"RS256","e":"AQAB","kid":"1","kty":"RSA","n":"abc","use":"sig"},{"alg":"EdDSA","crv":"Ed25519","kid":"2","kty":"OKP","x":"def"}]}`
)

// nomad answers with what is set, and counts.
type nomad struct {
	*httptest.Server
	asked  atomic.Int64
	status atomic.Int64
	body   atomic.Value
}

func startNomad(t *testing.T) *nomad {
	t.Helper()
	n := &nomad{}
	n.status.Store(http.StatusOK)
	n.body.Store(one)
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != jwks.Path {
			t.Errorf("nomad was asked for %s", r.URL.Path)
		}
		n.asked.Add(1)
		w.WriteHeader(int(n.status.Load()))
		_, _ = io.WriteString(w, n.body.Load().(string))
	}))
	t.Cleanup(n.Close)
	return n
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newProxy(n *nomad) (*jwks.Proxy, *clock) {
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	return jwks.New(jwks.Config{Nomad: n.URL, HTTP: n.Client(), Now: c.Now, Log: slog.New(slog.DiscardHandler)}), c
}

func ask(p *jwks.Proxy, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, path, nil))
	return w
}

func TestThereIsOnePathAndOneMethod(t *testing.T) {
	t.Parallel()
	n := startNomad(t)
	p, _ := newProxy(n)
	for _, call := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/v1/jobs", http.StatusNotFound},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/.well-known/openid-configuration", http.StatusNotFound},
		{http.MethodGet, jwks.Path + "/../../v1/jobs", http.StatusNotFound},
		{http.MethodPost, jwks.Path, http.StatusMethodNotAllowed},
		{http.MethodPut, jwks.Path, http.StatusMethodNotAllowed},
	} {
		if got := ask(p, call.method, call.path).Code; got != call.want {
			t.Errorf("%s %s gives %d, want %d", call.method, call.path, got, call.want)
		}
	}
	if n.asked.Load() != 0 {
		t.Error("nomad was asked for one of them")
	}
	if w := ask(p, http.MethodGet, jwks.Path); w.Code != http.StatusOK || w.Body.String() != one {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestKeysAreAskedForAgainAfterAWhileAndOldOnesServeWhileNomadIsAway(t *testing.T) {
	t.Parallel()
	n := startNomad(t)
	p, c := newProxy(n)
	for range 5 {
		ask(p, http.MethodGet, jwks.Path)
	}
	if n.asked.Load() != 1 {
		t.Errorf("nomad was asked %d times", n.asked.Load())
	}
	n.body.Store(two)
	c.pass(11 * time.Second)
	if w := ask(p, http.MethodGet, jwks.Path); !strings.Contains(w.Body.String(), `"kid":"2"`) {
		t.Errorf("the new key is missing: %s", w.Body)
	}
	n.status.Store(http.StatusInternalServerError)
	c.pass(30 * time.Minute)
	if w := ask(p, http.MethodGet, jwks.Path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"kid":"2"`) {
		t.Errorf("nomad is away for half an hour: %d %s", w.Code, w.Body)
	}
	c.pass(31 * time.Minute)
	if w := ask(p, http.MethodGet, jwks.Path); w.Code != http.StatusServiceUnavailable {
		t.Errorf("nomad is away for an hour: %d %s", w.Code, w.Body)
	}
}

func TestCallersThatComeTogetherAskOnce(t *testing.T) {
	t.Parallel()
	n := startNomad(t)
	p, _ := newProxy(n)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if w := ask(p, http.MethodGet, jwks.Path); w.Code != http.StatusOK {
				t.Errorf("%d", w.Code)
			}
		})
	}
	all.Wait()
	if n.asked.Load() != 1 {
		t.Errorf("nomad was asked %d times", n.asked.Load())
	}
}

func TestWhatIsSecretNeverGoesOut(t *testing.T) {
	t.Parallel()
	got, err := jwks.Public([]byte(`{"keys":[{"kty":"RSA","kid":"1","n":"abc","e":"AQAB","d":"SECRET","p":"SECRET","q":"SECRET","dp":"SECRET"}],"token":"SECRET"}`))
	if err != nil {
		t.Fatal(err)
	}
	var set any
	if err := json.Unmarshal(got, &set); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "n": "abc", "e": "AQAB"}}}
	if diff := cmp.Diff(want, set); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{`{"keys":[{"kty":"oct","k":"SECRET"}]}`, `{"keys":[{}]}`, `{"keys":[]}`, `{}`, `<html>`, ``} {
		if got, err := jwks.Public([]byte(text)); paas.CodeOf(err) != paas.Internal {
			t.Errorf("%s gives %s, %v", text, got, err)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error of %s shows it", text)
		}
	}
}
