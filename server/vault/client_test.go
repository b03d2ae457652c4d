package vault_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// kv is as much of a Vault as a platform key needs: one mount that may be missing, and that refuses
// the first writes after it was made, as OpenBao 2.6.2 does.
type kv struct {
	mu      sync.Mutex
	mounted bool
	refuse  int
	late    int // reads that are answered by a server that has not heard of a write yet
	data    map[string]json.RawMessage
	tokens  []string
}

func (k *kv) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens = append(k.tokens, r.Header.Get("X-Vault-Token"))
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	switch {
	case path == "sys/mounts/crumpet" && k.mounted:
		fail(w, http.StatusBadRequest, "path is already in use at crumpet/")
	case path == "sys/mounts/crumpet":
		k.mounted, k.refuse = true, 2
		w.WriteHeader(http.StatusNoContent)
	case !k.mounted:
		fail(w, http.StatusNotFound, `no handler for route "crumpet/data/platform/artifact". route entry not found.`)
	case r.Method == http.MethodGet && k.late > 0:
		k.late--
		fail(w, http.StatusNotFound)
	case r.Method == http.MethodGet && k.data[path] == nil:
		fail(w, http.StatusNotFound)
	case r.Method == http.MethodGet:
		_, _ = fmt.Fprintf(w, `{"data":{"data":%s,"metadata":{"version":1,"created_time":"2026-11-22T18:00:00Z"}}}`, k.data[path])
	case k.refuse > 0:
		k.refuse--
		fail(w, http.StatusBadRequest, "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly.")
	case k.data[path] != nil:
		fail(w, http.StatusBadRequest, "check-and-set parameter did not match the current version")
	default:
		var body struct{ Data json.RawMessage }
		_ = json.NewDecoder(r.Body).Decode(&body)
		k.data[path] = body.Data
		_, _ = io.WriteString(w, `{"data":{"version":1,"created_time":"2026-11-22T18:00:00Z"}}`)
	}
}

func fail(w http.ResponseWriter, status int, errors ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]string{"errors": append([]string{}, errors...)})
}

func client(t *testing.T, handler http.Handler, cfg vault.Config) *vault.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	cfg.Addr = s.URL
	c, err := vault.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAPlatformKeyIsMadeOnceAndThenRead(t *testing.T) {
	t.Parallel()
	k := &kv{data: map[string]json.RawMessage{}}
	c := client(t, k, vault.Config{Token: "very-secret"})
	first, err := c.PlatformKey(t.Context(), "artifact")
	if err != nil {
		t.Fatal(err)
	}
	again, err := client(t, k, vault.Config{Token: "very-secret"}).PlatformKey(t.Context(), "artifact")
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 32 || !cmp.Equal(first, again) {
		t.Errorf("keys are %d and %d bytes, want the same 32", len(first), len(again))
	}
	other, err := c.PlatformKey(t.Context(), "other")
	if err != nil || cmp.Equal(first, other) {
		t.Errorf("another name gives the same key (%v)", err)
	}
}

func TestServersThatAskAtOnceGetOneKey(t *testing.T) {
	t.Parallel()
	k := &kv{data: map[string]json.RawMessage{}}
	keys := make([]string, 4)
	var all sync.WaitGroup
	for i := range keys {
		c := client(t, k, vault.Config{Token: "very-secret"})
		all.Go(func() {
			key, err := c.PlatformKey(t.Context(), "artifact")
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	all.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Error("two servers got different keys")
		}
	}
}

func TestAKeyOfAnotherServerIsReadOnceItIsHeardOf(t *testing.T) {
	t.Parallel()
	k := &kv{data: map[string]json.RawMessage{}}
	first, err := client(t, k, vault.Config{}).PlatformKey(t.Context(), "artifact")
	if err != nil {
		t.Fatal(err)
	}
	k.late = 3
	key, err := client(t, k, vault.Config{}).PlatformKey(t.Context(), "artifact")
	if err != nil || !cmp.Equal(key, first) {
		t.Errorf("a server that follows late: %v, want the key that is there", err)
	}
}

func TestAKeyThatIsNotOneIsNamed(t *testing.T) {
	t.Parallel()
	k := &kv{mounted: true, data: map[string]json.RawMessage{"crumpet/data/platform/artifact": json.RawMessage(`{"key":"c2hvcnQ="}`)}}
	_, err := client(t, k, vault.Config{}).PlatformKey(t.Context(), "artifact")
	if paas.CodeOf(err) != paas.Internal || !strings.Contains(paas.MessageOf(err), "crumpet/platform/artifact") || strings.Contains(err.Error(), "c2hvcnQ") {
		t.Errorf("error = %v, want one that names the path and not the value", err)
	}
}

func TestTheTokenFileIsReadForEachCall(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	k := &kv{mounted: true, data: map[string]json.RawMessage{}}
	c := client(t, k, vault.Config{TokenFile: file})
	if _, err := c.PlatformKey(t.Context(), "artifact"); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), file) {
		t.Errorf("error = %v, want unavailable, naming %s", err, file)
	}
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.PlatformKey(t.Context(), "artifact"); err != nil {
			t.Fatal(err)
		}
		if last := k.tokens[len(k.tokens)-1]; last != token {
			t.Errorf("token sent = %q, want %q", last, token)
		}
	}
}

func TestErrorsGetACodeAndNoSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   paas.Code
		says   string
	}{
		{"a refused token is forbidden", 403, "permission denied", paas.Forbidden, "vault.token"},
		{"a sealed vault is unavailable", 503, "Vault is sealed", paas.Unavailable, "unseal"},
		{"anything else is internal", 500, "boom", paas.Internal, "boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fail(w, tt.status, tt.body) }), vault.Config{Token: "very-secret"})
			_, err := c.PlatformKey(t.Context(), "artifact")
			if paas.CodeOf(err) != tt.want || !strings.Contains(paas.MessageOf(err), tt.says) {
				t.Errorf("error = %v, want %s that says %q", err, tt.want, tt.says)
			}
			if strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestPingSaysInWordsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, says string }{
		{"sealed", `{"initialized":true,"sealed":true}`, "sealed"},
		{"not initialized", `{"initialized":false,"sealed":true}`, "not initialized"},
		{"well", `{"initialized":true,"sealed":false}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) }), vault.Config{})
			err := c.Ping(t.Context())
			if tt.says == "" && err != nil || tt.says != "" && (paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("Ping = %v, want %q", err, tt.says)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := vault.New(vault.Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), s.URL) {
		t.Errorf("Ping = %v, want unavailable, naming %s", err, s.URL)
	}
}
