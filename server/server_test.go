package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// vaultSaying is a Vault that answers everything with one status.
func vaultSaying(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	return s.URL
}

func open(t *testing.T, edit func(*config.Config)) (*server.Server, error) {
	t.Helper()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	edit(&cfg)
	cfg, err := cfg.Validate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Open(t.Context(), cfg, server.Options{Log: slog.New(slog.DiscardHandler), Executable: os.Args[0]})
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func TestAServerWithoutRightsInVaultSaysSoAndGivesItsFolderBack(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for range 2 { // the second is not told that the folder is in use
		_, err := open(t, func(c *config.Config) {
			c.Data, c.Vault.Address, c.Vault.Token = data, vaultSaying(t, http.StatusForbidden), "wrong"
		})
		if paas.CodeOf(err) != paas.Forbidden || strings.Contains(err.Error(), "wrong") {
			t.Fatalf("got %v", err)
		}
	}
	token, err := os.ReadFile(filepath.Join(data, server.TokenFile))
	if err != nil || !strings.HasPrefix(string(token), "crumpet_") {
		t.Errorf("the first token: %v", err)
	}
	if info, err := os.Stat(filepath.Join(data, server.TokenFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file: %v %v", info, err)
	}
}

func TestTwoServersCannotHaveOneDataFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	held, err := server.LockFolder(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	_, err = open(t, func(c *config.Config) { c.Data = data })
	if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), data) {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, err := server.RootToken(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := server.RootToken(data); err != nil || again != first {
		t.Errorf("another token the second time, %v", err)
	}
}
