package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// VaultSetup is what an operator would do once in the stack's vault, so that the server needs no root
// token. Mounts are without slashes.
type VaultSetup struct {
	PolicyName string // of the server's token
	Policy     string
	KV         string // version 2
	JWT        string // auth method that believes this stack's Nomad
	Database   string
}

const (
	serverTokenPeriod = "72h" // dev may rest for a weekend
	setupLimit        = time.Minute
)

// setUp makes the mounts, the policy and the server's token in the vault, as far as they are missing; what
// stands in files is written anew at each start, as a newer Crumpet may bring another. Nomad must serve:
// the vault fetches its keys.
func (k *vaultKeys) setUp(ctx context.Context, addr, nomad string, want VaultSetup) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, setupLimit)
	defer cancel()
	v := vaultCalls{addr: addr, token: k.root()}
	if err := v.mount(ctx, "sys/mounts", want.KV, map[string]any{"type": "kv", "options": map[string]string{"version": "2"}}); err != nil {
		return "", err
	}
	if err := v.mount(ctx, "sys/mounts", want.Database, map[string]any{"type": "database"}); err != nil {
		return "", err
	}
	if err := v.mount(ctx, "sys/auth", want.JWT, map[string]any{"type": "jwt"}); err != nil {
		return "", err
	}
	keys := map[string]any{"jwks_url": nomad + "/.well-known/jwks.json", "jwt_supported_algs": []string{"RS256", "EdDSA"}}
	if err := v.call(ctx, http.MethodPost, "auth/"+want.JWT+"/config", keys, nil); err != nil {
		return "", fmt.Errorf("have vault believe nomad: %w", err)
	}
	if err := v.call(ctx, http.MethodPut, "sys/policies/acl/"+want.PolicyName, map[string]any{"policy": want.Policy}, nil); err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return k.serverToken(ctx, v, want.PolicyName)
}

// serverToken is the one that was made before, if it still lives and is of the policy.
func (k *vaultKeys) serverToken(ctx context.Context, v vaultCalls, policy string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Server != "" {
		var self struct {
			Data struct {
				Policies []string `json:"policies"`
			} `json:"data"`
		}
		err := vaultCalls{addr: v.addr, token: k.Server}.call(ctx, http.MethodPost, "auth/token/renew-self", map[string]any{}, nil)
		if err == nil {
			err = vaultCalls{addr: v.addr, token: k.Server}.call(ctx, http.MethodGet, "auth/token/lookup-self", nil, &self)
		}
		if err == nil && slices.Equal(self.Data.Policies, []string{policy}) {
			return k.Server, nil
		}
		var refused *vaultRefusal
		if err != nil && (!errors.As(err, &refused) || refused.status != http.StatusForbidden) {
			return "", fmt.Errorf("look at the server's vault token: %w", err)
		}
	}
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	body := map[string]any{"policies": []string{policy}, "no_default_policy": true, "period": serverTokenPeriod, "display_name": policy}
	if err := v.call(ctx, http.MethodPost, "auth/token/create-orphan", body, &made); err != nil {
		return "", fmt.Errorf("make the server's vault token: %w", err)
	}
	k.Server = made.Auth.Token
	return k.Server, writeJSON(k.path, k)
}

// vaultCalls are calls with a token.
type vaultCalls struct{ addr, token string }

// vaultRefusal is an answer that is no success.
type vaultRefusal struct {
	path   string
	status int
	text   string
}

func (r *vaultRefusal) Error() string {
	return fmt.Sprintf("vault answers %s with %d %s", r.path, r.status, r.text)
}

func (v vaultCalls) call(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, v.addr+"/v1/"+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", v.token)
	response, err := loopback.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		return &vaultRefusal{path: path, status: response.StatusCode, text: string(bytes.TrimSpace(text))}
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// mount makes an engine or an auth method unless there is one of the name.
func (v vaultCalls) mount(ctx context.Context, kind, name string, body map[string]any) error {
	var there struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := v.call(ctx, http.MethodGet, kind, nil, &there); err != nil {
		return fmt.Errorf("list mounts of vault: %w", err)
	}
	if _, ok := there.Data[name+"/"]; ok {
		return nil
	}
	if err := v.call(ctx, http.MethodPost, kind+"/"+name, body, nil); err != nil {
		return fmt.Errorf("mount %s in vault: %w", name, err)
	}
	return nil
}
