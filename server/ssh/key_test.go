package ssh_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/ssh"
)

func ecdsaKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func TestAKeyWithAPassphraseIsOpenedByAsking(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	config := ssh.Config{KeyFile: path, KnownHosts: filepath.Join(t.TempDir(), "known_hosts")}
	_, err = ssh.Open(config)
	wantCode(t, err, paas.Invalid, "passphrase", "ssh-agent", path)
	for answer, code := range map[string]paas.Code{"open sesame": "", "wrong": paas.Invalid} {
		config.Ask = func(string) ([]byte, error) { return []byte(answer), nil }
		_, err := ssh.Open(config)
		wantCode(t, err, code)
	}
}
