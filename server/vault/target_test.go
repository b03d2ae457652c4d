package vault_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
	devvault "github.com/crumpet-paas/crumpet/server/devstack/vault"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// target is a Vault as an operator sets it up for Crumpet: unsealed, with Nomad's keys believed, and a token
// for the server that has policies/vault/server.hcl and nothing else.
type target struct {
	t       *testing.T
	addr    string
	root    string
	unseal  string
	server  string // the token
	crumpet *vault.Client
	nomad   *identity.Signer
}

// onEach runs a test against the stand-in and, where it is on PATH, against the real program.
func onEach(t *testing.T, test func(t *testing.T, v *target)) {
	t.Run("stand-in", func(t *testing.T) {
		t.Parallel()
		s, err := devvault.Open(devvault.Config{Data: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		test(t, setUp(t, server.URL))
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		program := realProgram()
		if program == "" {
			t.Skip("neither vault nor bao is on PATH or CRUMPET_REAL_PATH: the stand-in alone was asked")
		}
		test(t, setUp(t, startReal(t, program)))
	})
}

func realProgram() string {
	for _, dir := range append(filepath.SplitList(os.Getenv("CRUMPET_REAL_PATH")), filepath.SplitList(os.Getenv("PATH"))...) {
		for _, name := range []string{"vault", "bao"} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return path
			}
		}
	}
	return ""
}

// startReal runs a server on loopback until the test has ended.
func startReal(t *testing.T, program string) string {
	t.Helper()
	dir, listen := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "config.hcl")
	text := fmt.Sprintf(`
disable_mlock = true
api_addr      = "http://%[1]s"
cluster_addr  = "http://%[2]s"
storage "file" { path = %[3]q }
listener "tcp" {
  address         = %[1]q
  cluster_address = %[2]q
  tls_disable     = true
}
`, listen, freeAddress(t), filepath.Join(dir, "data"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(program, "server", "-config", config)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it keeps nothing that is wanted
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, &out)
		}
	})
	addr := "http://" + listen
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(addr + "/v1/sys/init")
		if err == nil {
			_ = resp.Body.Close()
			return addr
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer within a minute: %v", program, err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// setUp does what docs ask an operator for.
func setUp(t *testing.T, addr string) *target {
	t.Helper()
	v := &target{t: t, addr: addr}
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	v.must("PUT", "sys/init", map[string]any{"secret_shares": 1, "secret_threshold": 1}, &made)
	v.root, v.unseal = made.Root, made.Keys[0]
	v.must("PUT", "sys/unseal", map[string]any{"key": v.unseal}, nil)
	var err error
	if v.nomad, err = identity.Open(filepath.Join(t.TempDir(), "nomad.pem")); err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKIXPublicKey(v.nomad.JWKS().Keys[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	v.until("the JWT auth is there", func() bool {
		status, _ := v.send(v.root, "POST", "sys/auth/jwt-nomad", map[string]any{"type": "jwt"})
		return status == http.StatusNoContent || status == http.StatusOK
	})
	v.must("POST", "auth/jwt-nomad/config", map[string]any{
		"jwt_validation_pubkeys": []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key}))},
	}, nil)
	v.must("PUT", "sys/policies/acl/crumpet", map[string]any{"policy": policies.Server}, nil)
	var token struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	v.must("POST", "auth/token/create-orphan", map[string]any{"policies": []string{"crumpet"}, "period": "72h", "no_default_policy": true}, &token)
	v.server = token.Auth.Token
	v.crumpet, err = vault.New(vault.Config{Addr: addr, Token: v.server, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.crumpet.PlatformKey(t.Context(), "artifacts"); err != nil { // makes the mount
		t.Fatal(err)
	}
	return v
}

// must sends a call as root, or as nobody before there is a root.
func (v *target) must(method, path string, body, into any) {
	v.t.Helper()
	status, text := v.send(v.root, method, path, body)
	if status >= 300 {
		v.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			v.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// send sends a call as it is: the path is not cleaned on its way, and where Vault leads elsewhere, it is followed.
func (v *target) send(token, method, path string, body any) (status int, text string) {
	v.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, v.addr+"/v1/"+path, bytes.NewReader(raw))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(answer))
}

// identity is what Nomad signs for a task.
func (v *target) identity(team, job, audience string, at time.Time) string {
	v.t.Helper()
	alloc := &nomadapi.Allocation{ID: "8f1b7c0e-0000-4000-8000-000000000001", JobID: job, Namespace: team, TaskGroup: "web", Job: &nomadapi.Job{Region: new("global")}}
	task := &nomadapi.Task{Name: "web", Identities: []*nomadapi.WorkloadIdentity{{Name: "vault_default", Audience: []string{audience}, TTL: time.Hour}}}
	signed, err := v.nomad.VaultToken(alloc, task, "id-"+team+"-"+job, at)
	if err != nil {
		v.t.Fatal(err)
	}
	return signed
}

// login trades an identity for a token, as Nomad does for a task.
func (v *target) login(role, signed string) (token, entity string, policies []string) {
	v.t.Helper()
	status, text := v.send("", "PUT", "auth/jwt-nomad/login", map[string]any{"role": role, "jwt": signed})
	if status != http.StatusOK {
		v.t.Fatalf("login as %s: %d %s", role, status, text)
	}
	var body struct {
		Auth struct {
			Token    string   `json:"client_token"`
			Entity   string   `json:"entity_id"`
			Policies []string `json:"token_policies"`
		}
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		v.t.Fatal(err)
	}
	return body.Auth.Token, body.Auth.Entity, body.Auth.Policies
}

func (v *target) until(what string, ok func() bool) {
	v.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatalf("waited 30 s until %s", what)
		}
	}
}
