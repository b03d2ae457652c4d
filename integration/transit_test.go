//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// transit is a Vault of somebody else, beside the cluster: it keeps the key that opens the cluster's own. It has a
// certificate that only its authority's file makes believable.
type transit struct {
	t       testing.TB
	dir     string
	address string
	client  *http.Client
	command *exec.Cmd
	said    *buffer
	root    string // its token
	share   string // that unseals it
}

// startTransit starts one at an IP address, with a key "crumpet".
func startTransit(t testing.TB, ip string) *transit {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	v := &transit{t: t, dir: t.TempDir(), address: l.Addr().String(), said: &buffer{}}
	_ = l.Close() // its port is free again
	v.certify(ip)
	write(t, filepath.Join(v.dir, "vault.hcl"), fmt.Sprintf(`
disable_mlock = true
api_addr      = "https://%[1]s"
storage "file" {
  path = "%[2]s/data"
}
listener "tcp" {
  address       = "%[1]s"
  tls_cert_file = "%[2]s/cert.pem"
  tls_key_file  = "%[2]s/key.pem"
}
`, v.address, v.dir))
	t.Cleanup(v.stop)
	v.run()
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	v.must("sys/init", map[string]int{"secret_shares": 1, "secret_threshold": 1}, &made)
	v.share, v.root = made.Keys[0], made.Root
	v.unseal()
	v.must("sys/mounts/transit", map[string]string{"type": "transit"}, nil)
	v.must("transit/keys/crumpet", map[string]string{}, nil)
	v.must("sys/policies/acl/seal", map[string]string{"policy": `
path "transit/encrypt/crumpet" { capabilities = ["update"] }
path "transit/decrypt/crumpet" { capabilities = ["update"] }
`}, nil)
	return v
}

// token may use the key and nothing else.
func (v *transit) token() string {
	v.t.Helper()
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	v.must("auth/token/create-orphan", map[string]any{"policies": []string{"seal"}, "period": "24h"}, &made)
	return made.Auth.Token
}

// authority is the file of who signed its certificate: itself.
func (v *transit) authority() string { return filepath.Join(v.dir, "cert.pem") }

func (v *transit) certify(ip string) {
	v.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "transit"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		v.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		v.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	write(v.t, v.authority(), string(text))
	write(v.t, filepath.Join(v.dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(text)
	v.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: known}, DisableKeepAlives: true}}
}

// run starts its program, which is sealed then.
func (v *transit) run() {
	v.t.Helper()
	v.command = exec.Command("bao", "server", "-config", filepath.Join(v.dir, "vault.hcl"))
	v.command.Stdout, v.command.Stderr = v.said, v.said
	v.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.command.Start(); err != nil {
		v.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := v.call(http.MethodGet, "sys/seal-status", nil, nil)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("the Vault beside the cluster does not answer: %v\n%s", err, v.said)
		}
	}
}

func (v *transit) unseal() {
	v.t.Helper()
	v.must("sys/unseal", map[string]string{"key": v.share}, nil)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := v.call(http.MethodGet, "sys/health", nil, nil) // 200 when it is open and leads
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("the Vault beside the cluster does not open: %v\n%s", err, v.said)
		}
	}
}

func (v *transit) stop() {
	if v.command == nil {
		return
	}
	_ = v.command.Process.Kill() // it may have ended
	_ = v.command.Wait()         // it was killed
	v.command = nil
}

func (v *transit) must(path string, in, out any) {
	v.t.Helper()
	if err := v.call(http.MethodPut, path, in, out); err != nil {
		v.t.Fatalf("the Vault beside the cluster: %v\n%s", err, v.said)
	}
}

func (v *transit) call(method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(v.t.Context()), method, "https://"+v.address+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Vault-Token", v.root)
	answer, err := v.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it is read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
