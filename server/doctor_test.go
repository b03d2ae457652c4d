package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// selfSigned makes a certificate that ends then.
func selfSigned(t *testing.T, ends time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "server.global.nomad"}, NotBefore: ends.Add(-time.Hour), NotAfter: ends,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// An endpoint with a certificate that has ended, and that wants one of ours, is told of all the same.
func TestTheCertificateOfAnEndpointIsSeenWhateverItIsWorth(t *testing.T) {
	t.Parallel()
	ended := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	pair := selfSigned(t, ended)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: version}
		s.StartTLS()
		t.Cleanup(s.Close)
		c := server.Certificate(t.Context(), doctor.Endpoint{Of: "nomad", Where: s.Listener.Addr().String()})
		if c.Ends == nil || !c.Ends.Equal(ended) || c.Subject != "server.global.nomad" || c.Begins == nil || c.Reason != "" {
			t.Errorf("TLS %x: %+v", version, c)
		}
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := server.Certificate(t.Context(), doctor.Endpoint{Where: file, File: "what server a shows"}); c.Ends == nil || !c.Ends.Equal(ended) || c.Where != "what server a shows ("+file+")" || c.File != file {
		t.Errorf("file: %+v", c)
	}
}

// In a task the path of a file is one inside it, and several servers have the same.
func TestAFileWithACertificateIsNamedWithItsServer(t *testing.T) {
	t.Parallel()
	got := server.EndpointsOf("client-1-0a1b2c3d", "/secrets/nomad-ca.pem", "/secrets/nomad-cert.pem")
	slices.SortFunc(got, func(a, b doctor.Endpoint) int { return strings.Compare(a.Where, b.Where) })
	want := []doctor.Endpoint{
		{Of: "nomad", Where: "/secrets/nomad-ca.pem", File: "the authority that server client-1-0a1b2c3d trusts"},
		{Of: "nomad", Where: "/secrets/nomad-cert.pem", File: "what server client-1-0a1b2c3d shows"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestACertificateThatCantBeSeenSaysWhy(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []doctor.Endpoint{
		{Where: plain.Listener.Addr().String()}, {Where: silent.Addr().String()}, {Where: "127.0.0.1:1"}, {Where: empty, File: "a file"}, {Where: empty + ".not", File: "a file"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if c := server.Certificate(ctx, at); c.Ends != nil || !strings.HasSuffix(c.Reason, ".") || !strings.Contains(c.Where, at.Where) {
			t.Errorf("%+v: %+v", at, c)
		}
		cancel()
	}
}

func TestThisMachineTellsItsPortsAndSwap(t *testing.T) {
	t.Parallel()
	m, err := server.ThisMachine()
	if err != nil || m.Name == "" || m.FirstEph <= 0 || m.LastEph <= m.FirstEph {
		t.Errorf("%+v, %v", m, err)
	}
	swaps := "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1                               partition\t1048572\t0\t-2\n/swapfile                               file\t2048\t0\t-3\n"
	if got := server.SwapOf([]byte(swaps)); got != (1048572+2048)<<10 {
		t.Errorf("swap of %d bytes", got)
	}
	if got := server.SwapOf([]byte("Filename Type Size Used Priority\n")); got != 0 {
		t.Errorf("no swap is %d bytes", got)
	}
}

// silentCluster is a program that tells of its quorum and of nothing else.
type silentCluster string

var errSilent = paas.Errorf(paas.Unavailable, "It does not answer.")

func (c silentCluster) Quorum(context.Context) (paas.Quorum, error) {
	return paas.Quorum{Program: string(c), Leader: "a", Servers: []paas.QuorumServer{{Name: "a", Voter: true, Healthy: true}}}, nil
}

func (silentCluster) Agents(context.Context, []paas.QuorumServer) ([]paas.NomadAgent, error) {
	return nil, errSilent
}

func (silentCluster) Rooms(context.Context) (map[string]paas.NodeCapacity, error) {
	return nil, errSilent
}
func (silentCluster) RouterJob(context.Context) (*paas.RouterJob, error) { return nil, errSilent }
func (silentCluster) TokenEnd(context.Context) (*time.Time, error)       { return nil, errSilent }
func (silentCluster) Lease(context.Context) (paas.Lease, error)          { return paas.Lease{}, errSilent }
func (silentCluster) Serving(context.Context) ([]paas.Serving, error)    { return nil, errSilent }
func (silentCluster) Tables(context.Context) ([]paas.RouterTable, error) { return nil, errSilent }

func (silentCluster) RuleKeys(context.Context, uint64, time.Duration) ([]paas.RuleKey, uint64, error) {
	return nil, 0, errSilent
}

func (silentCluster) Settings(context.Context) ([]paas.RouterSettings, error) { return nil, errSilent }

func TestMetricsTellWhatTheDoctorFoundAndNoAddress(t *testing.T) {
	t.Parallel()
	const nomad, consul, vault = silentCluster("nomad"), silentCluster("consul"), silentCluster("vault")
	ends := time.Unix(1_900_000_000, 0)
	d := doctor.New(doctor.Sources{
		Nomad: nomad, Consul: consul, Vault: vault, Routers: nomad,
		Nodes:   func(context.Context) ([]paas.NodeView, error) { return nil, errSilent },
		Drift:   func(context.Context, *paas.AppRef) ([]paas.Finding, error) { return nil, errSilent },
		Machine: func() (paas.Machine, error) { return paas.Machine{}, errSilent },
		Certificate: func(_ context.Context, at doctor.Endpoint) paas.Certificate {
			return paas.Certificate{Of: at.Of, Where: at.Where, Ends: &ends}
		},
		Endpoints: []doctor.Endpoint{{Of: "nomad", Where: "10.9.8.7:4646"}},
	}, time.Now, nil)
	registry := prometheus.NewRegistry()
	registry.MustRegister(server.HealthOf(d))
	show := func() string {
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	if text := show(); text != "" {
		t.Errorf("before the first look:\n%s", text)
	}
	if _, err := d.Checkup(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := show()
	for _, want := range []string{
		`crumpet_findings{severity="unknown",thing="drift"} 1`, `crumpet_findings{severity="unknown",thing="lease"} 3`, `crumpet_findings{severity="critical",thing="drift"} 0`,
		`crumpet_findings{severity="warning",thing="quorum"} 3`, `crumpet_quorum_spare{program="nomad"} 0`, `crumpet_quorum_leader{program="nomad"} 1`,
		`crumpet_quorum_servers{program="nomad",state="healthy"} 1`, `crumpet_certificate_end_timestamp_seconds{program="nomad"} 1.9e+09`, "crumpet_checkup_timestamp_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "10.9.8.7") {
		t.Error("anybody may read metrics: they must hold no address")
	}
}
