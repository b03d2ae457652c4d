package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mount is where Vault is told to believe Nomad (jwt_auth_backend_path).
const mount = "jwt-nomad"

const callTimeout = 10 * time.Second

// Vault is the client of the two calls a task's token needs.
type Vault struct {
	Address string
	Client  *http.Client
}

// Lease is a token of Vault and how long it lives.
type Lease struct {
	Token string
	TTL   time.Duration
}

// Login exchanges an identity for a token.
func (v Vault) Login(ctx context.Context, role, identity string) (Lease, error) {
	lease, err := v.post(ctx, "auth/"+mount+"/login", "", map[string]string{"role": role, "jwt": identity})
	if err != nil {
		return lease, fmt.Errorf("failed to derive Vault token: %w", err)
	}
	return lease, nil
}

// Renew prolongs a token.
func (v Vault) Renew(ctx context.Context, token string) (Lease, error) {
	lease, err := v.post(ctx, "auth/token/renew-self", token, map[string]string{})
	if err != nil {
		return lease, fmt.Errorf("renew Vault token: %w", err)
	}
	return lease, nil
}

func (v Vault) post(ctx context.Context, path, token string, body any) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	raw, err := json.Marshal(body)
	if err != nil {
		return Lease{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, strings.TrimSuffix(v.Address, "/")+"/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		return Lease{}, err
	}
	request.Header.Set("X-Vault-Request", "true")
	if token != "" {
		request.Header.Set("X-Vault-Token", token)
	}
	response, err := v.Client.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return Lease{}, err
	}
	raw, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return Lease{}, err
	}
	return parse(response.StatusCode, raw)
}

func parse(status int, raw []byte) (Lease, error) {
	var out struct {
		Errors []string `json:"errors"`
		Auth   struct {
			Token string `json:"client_token"`
			TTL   int    `json:"lease_duration"`
		} `json:"auth"`
	}
	if err := json.Unmarshal(raw, &out); err != nil && status == http.StatusOK {
		return Lease{}, errors.New("the answer is not JSON")
	}
	if status != http.StatusOK {
		return Lease{}, fmt.Errorf("code %d: %s", status, strings.Join(out.Errors, ", "))
	}
	if out.Auth.Token == "" {
		return Lease{}, errors.New("the answer has no token")
	}
	return Lease{Token: out.Auth.Token, TTL: time.Duration(out.Auth.TTL) * time.Second}, nil
}
