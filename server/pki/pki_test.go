package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func authority(t *testing.T, name string) pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority(name, start)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func leaf() pki.Leaf {
	return pki.Leaf{Name: "server.demo.consul", Names: []string{"server.demo.consul", "localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 77, 0, 2)}}
}

func read(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALeafIsGoodForBothSidesUnderEachOfItsNames(t *testing.T) {
	t.Parallel()
	a := authority(t, "demo")
	certificate, _, err := a.Issue(leaf(), start)
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, certificate)
	for _, name := range []string{"server.demo.consul", "localhost", "127.0.0.1", "10.77.0.2"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: a.Pool(), CurrentTime: start.Add(time.Hour), KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
				t.Errorf("%s, usage %d: %v", name, usage, err)
			}
		}
	}
	if _, err := c.Verify(x509.VerifyOptions{Roots: authority(t, "demo").Pool(), CurrentTime: start}); err == nil {
		t.Error("another authority of the same name believes the leaf")
	}
	if c.IsCA {
		t.Error("a leaf may sign")
	}
	if want := start.Add(365 * 24 * time.Hour); !c.NotAfter.Equal(want) {
		t.Errorf("ends %s, want %s", c.NotAfter, want)
	}
	if !c.NotBefore.Before(start) {
		t.Error("a machine whose clock is behind does not believe it yet")
	}
}

func TestAnAuthorityIsKeptAsText(t *testing.T) {
	t.Parallel()
	a := authority(t, "demo")
	text, err := a.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := pki.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, err := again.Issue(leaf(), start)
	if err != nil {
		t.Fatal(err)
	}
	if fault := a.Fault(certificate, key, leaf(), start); fault != "" {
		t.Errorf("a leaf of the authority that was read again %s", fault)
	}
	other, err := authority(t, "other").Text()
	if err != nil {
		t.Fatal(err)
	}
	mine, _, _ := strings.Cut(text, "-----BEGIN EC")
	_, foreign, _ := strings.Cut(other, "-----BEGIN EC")
	for name, bad := range map[string]string{"nothing": "", "a certificate alone": mine, "the key of another": mine + "-----BEGIN EC" + foreign} {
		if _, err := pki.Parse(bad); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFaultSaysWhyACertificateIsMadeAnew(t *testing.T) {
	t.Parallel()
	a := authority(t, "demo")
	certificate, key, err := a.Issue(leaf(), start)
	if err != nil {
		t.Fatal(err)
	}
	_, otherKey, err := a.Issue(leaf(), start)
	if err != nil {
		t.Fatal(err)
	}
	moved, renamed := leaf(), leaf()
	moved.IPs = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 77, 0, 9)}
	renamed.Name = "client.demo.consul"
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		certificate, key []byte
		want             pki.Leaf
		by               pki.Authority
		now              time.Time
		fault            string
	}{
		"as wished":        {certificate, key, leaf(), a, start, ""},
		"two thirds spent": {certificate, key, leaf(), a, start.Add(243 * day), ""},
		"nearly ended":     {certificate, key, leaf(), a, start.Add(244 * day), "ends on 2027-11-23"},
		"ended":            {certificate, key, leaf(), a, start.Add(366 * day), "ended on 2027-11-23"},
		"nothing there":    {nil, nil, leaf(), a, start, "is missing"},
		"no key":           {certificate, nil, leaf(), a, start, "is missing"},
		"another's key":    {certificate, otherKey, leaf(), a, start, "does not fit its key"},
		"moved":            {certificate, key, moved, a, start, "speaks for 10.77.0.2 127.0.0.1 localhost server.demo.consul, not for 10.77.0.9 127.0.0.1 localhost server.demo.consul"},
		"renamed":          {certificate, key, renamed, a, start, `is of "server.demo.consul", not of "client.demo.consul"`},
		"not of us":        {certificate, key, leaf(), authority(t, "demo"), start, "is of another authority"},
		"garbage":          {[]byte("hello"), key, leaf(), a, start, "can't be read"},
	} {
		if fault := c.by.Fault(c.certificate, c.key, c.want, c.now); fault != c.fault {
			t.Errorf("%s: %q, want %q", name, fault, c.fault)
		}
	}
}

func TestALeafEndsNoLaterThanItsAuthority(t *testing.T) {
	t.Parallel()
	a := authority(t, "demo")
	late := a.Ends().Add(-48 * time.Hour)
	certificate, key, err := a.Issue(leaf(), late)
	if err != nil {
		t.Fatal(err)
	}
	if ends, err := pki.Ends(certificate); err != nil || ends.After(a.Ends()) {
		t.Errorf("ends %s (%v), its authority %s", ends, err, a.Ends())
	}
	if fault := a.Fault(certificate, key, leaf(), late); fault != "" {
		t.Errorf("a leaf that can't live longer %s: it would be made anew by each run", fault)
	}
}
