package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	nomadapi "github.com/hashicorp/nomad/api"
)

// lifetime of a token. It is used at once, to log in.
const lifetime = time.Hour

// Signer signs identities.
type Signer struct {
	key    jose.JSONWebKey
	signer jose.Signer
}

// Open reads the key of a file, or makes one.
func Open(path string) (*Signer, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	s := &Signer{key: jose.JSONWebKey{Key: key, KeyID: hex.EncodeToString(sum[:16]), Algorithm: string(jose.RS256), Use: "sig"}}
	s.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: s.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	return s, nil
}

func readKey(path string) (*rsa.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}

func makeKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}

// JWKS are the public keys, as /.well-known/jwks.json shows them.
func (s *Signer) JWKS() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}}
}

// VaultToken signs the identity a task shows to Vault: the one its job names
// vault_default, or one for the audience vault.io.
func (s *Signer) VaultToken(a *nomadapi.Allocation, task *nomadapi.Task, id string, now time.Time) (string, error) {
	audience, ttl := []string{"vault.io"}, lifetime
	for _, wi := range task.Identities {
		if wi.Name == "vault_default" {
			audience = wi.Audience
			if wi.TTL > 0 {
				ttl = wi.TTL
			}
		}
	}
	claims := map[string]any{
		"nomad_namespace": a.Namespace, "nomad_job_id": a.JobID, "nomad_task": task.Name, "nomad_allocation_id": a.ID,
		"sub": strings.Join([]string{*a.Job.Region, a.Namespace, a.JobID, a.TaskGroup, task.Name, "vault_default"}, ":"),
		"aud": audience, "jti": id, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(ttl).Unix(),
	}
	token, err := jwt.Signed(s.signer).Claims(claims).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign identity: %w", err)
	}
	return token, nil
}
