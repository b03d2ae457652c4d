package relay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/relay"
)

// vault is a server that says its name, and an error while it is sealed.
type vault struct {
	*httptest.Server
	sealed atomic.Bool
	asked  atomic.Int32
}

func newVault(t *testing.T, name string) *vault {
	t.Helper()
	v := &vault{}
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		switch {
		case v.sealed.Load():
			http.Error(w, name+" is sealed", http.StatusServiceUnavailable)
		case r.URL.Path == "/v1/sys/health" && r.URL.Query().Get("standbyok") != "true":
			http.Error(w, "standby", http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, name)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vault) address() string { return strings.TrimPrefix(v.URL, "https://") }

// authority writes the certificate that all httptest servers have.
func authority(t *testing.T, v *vault) (file string, pool *x509.CertPool) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(v.Certificate())
	return file, pool
}

// start runs a relay and gives a way to ask through it, over connections that are kept.
func start(t *testing.T, vaults ...*vault) (ask func() string, address string) {
	t.Helper()
	file, pool := authority(t, vaults[0])
	var servers []string
	for _, v := range vaults {
		servers = append(servers, v.address())
	}
	r, err := relay.New(relay.Config{Servers: servers, CA: file, Every: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("the relay ended with %v", err)
		}
	})
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	address = listener.Addr().String()
	return func() string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/v1/secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(text))
	}, address
}

func eventually(t *testing.T, ask func() string, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = ask(); got == want {
			return
		}
	}
	t.Fatalf("asked through the relay: %q, want %q", got, want)
}

func TestTheFirstServerThatServesIsTakenAndStaysTaken(t *testing.T) {
	t.Parallel()
	a, b := newVault(t, "a"), newVault(t, "b")
	a.sealed.Store(true)
	ask, _ := start(t, a, b)
	eventually(t, ask, "b")
	a.sealed.Store(false)
	for range 20 {
		time.Sleep(5 * time.Millisecond)
		if got := ask(); got != "b" {
			t.Fatalf("b serves, and yet it was left for %q", got)
		}
	}
}

func TestConnectionsToASealedServerAreCut(t *testing.T) {
	t.Parallel()
	a, b := newVault(t, "a"), newVault(t, "b")
	ask, address := start(t, a, b)
	eventually(t, ask, "a")
	idle, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	a.sealed.Store(true)
	eventually(t, ask, "b") // over the connection that was kept it would be "a is sealed" for ever
	if err := idle.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a connection to the sealed server is still there: %v", err)
	}
	b.Close()
	a.sealed.Store(false)
	eventually(t, ask, "a")
}

func TestWhereNoServerServesOneOfThemSaysSo(t *testing.T) {
	t.Parallel()
	a := newVault(t, "a")
	a.sealed.Store(true)
	ask, _ := start(t, a)
	eventually(t, ask, "a is sealed")
}

func TestARelayWithoutServersOrAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config relay.Config
		code   paas.Code
	}{
		"no server":    {relay.Config{CA: empty}, paas.Invalid},
		"no authority": {relay.Config{CA: empty + "-not-there", Servers: []string{"10.0.0.1:8200"}}, paas.NotFound},
		"no PEM":       {relay.Config{CA: empty, Servers: []string{"10.0.0.1:8200"}}, paas.Invalid},
	} {
		if _, err := relay.New(c.config); paas.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestItSaysOnceThatAServerServes(t *testing.T) {
	t.Parallel()
	v := newVault(t, "one")
	v.sealed.Store(true)
	file, _ := authority(t, v)
	var found atomic.Int32
	r, err := relay.New(relay.Config{
		Servers: []string{v.address()}, CA: file, Every: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler), Found: func() { found.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, listener) }()
	looks := func(n int32) { // waits until it has asked n times more
		t.Helper()
		for want, deadline := v.asked.Load()+n, time.Now().Add(10*time.Second); v.asked.Load() < want; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the server is asked no more")
			}
		}
	}
	looks(3)
	if n := found.Load(); n != 0 {
		t.Errorf("of a sealed server it was said %d times that it serves", n)
	}
	for range 2 {
		v.sealed.Store(false)
		looks(3)
		v.sealed.Store(true)
		looks(3)
	}
	if n := found.Load(); n != 1 {
		t.Errorf("it was said %d times that a server serves, want once", n)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
