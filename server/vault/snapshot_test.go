package vault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func TestASnapshotThatCantBeHadSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   paas.Code
		says   string
	}{
		"another storage":     {http.StatusBadRequest, `{"errors":["raft storage is not in use"]}`, paas.Invalid, "not raft"},
		"a stand-in":          {http.StatusNotImplemented, `{"errors":["no such path"]}`, paas.Invalid, "not raft"},
		"a token of an app":   {http.StatusForbidden, `{"errors":["permission denied"]}`, paas.Forbidden, "VAULT_TOKEN"},
		"a sealed one":        {http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`, paas.Unavailable, "sealed"},
		"one that is cut off": {http.StatusOK, "half of it", paas.Unavailable, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		client, err := vault.New(vault.Config{Addr: server.URL, Token: "s.secret"})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Snapshot(t.Context(), io.Discard)
		if paas.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s.secret") {
			t.Errorf("%s: %v, want %s and %q", name, err, c.code, c.says)
		}
		server.Close()
	}
}

func TestWhatARestoreWouldReplaceIsToldToARootTokenOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		has    bool
		code   paas.Code
		says   string
	}{
		"apps":                {http.StatusOK, `{"data":{"keys":["default/"]}}`, true, "", ""},
		"none":                {http.StatusNotFound, `{"errors":[]}`, false, "", ""},
		"an operator's token": {http.StatusForbidden, `{"errors":["permission denied"]}`, false, paas.Forbidden, "generate-root"},
		"a sealed one":        {http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`, false, paas.Unavailable, "sealed"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		client, err := vault.New(vault.Config{Addr: server.URL, Token: "s.secret"})
		if err != nil {
			t.Fatal(err)
		}
		has, err := client.HasApps(t.Context())
		if has != c.has || (err != nil) != (c.code != "") {
			t.Errorf("%s: %t, %v", name, has, err)
		}
		if err != nil && (paas.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s.secret")) {
			t.Errorf("%s: %v, want %s and %q", name, err, c.code, c.says)
		}
		server.Close()
	}
}
