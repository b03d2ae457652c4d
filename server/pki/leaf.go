package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Ends reads when a certificate in PEM ends. Code invalid for what is none.
func Ends(certificate []byte) (time.Time, error) {
	read, err := parse(certificate)
	if err != nil {
		return time.Time{}, err
	}
	return read.NotAfter, nil
}

func parse(certificate []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, paas.Errorf(paas.Invalid, "That is no certificate in PEM")
	}
	read, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The certificate can't be read")
	}
	return read, nil
}

// Fault says why a certificate and its key are not, or not for long, what is wished: words that go on from "the
// certificate". It is "" for a good one.
func (a Authority) Fault(certificate, key []byte, want Leaf, now time.Time) string {
	if len(certificate) == 0 || len(key) == 0 {
		return "is missing"
	}
	read, err := parse(certificate)
	if err != nil {
		return "can't be read"
	}
	if err := read.CheckSignatureFrom(a.certificate); err != nil {
		return "is of another authority"
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return "does not fit its key"
	}
	if read.Subject.CommonName != want.Name {
		return fmt.Sprintf("is of %q, not of %q", read.Subject.CommonName, want.Name)
	}
	if has, wished := names(read.DNSNames, read.IPAddresses), names(want.Names, want.IPs); !slices.Equal(has, wished) {
		return fmt.Sprintf("speaks for %s, not for %s", strings.Join(has, " "), strings.Join(wished, " "))
	}
	left := read.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return "ended on " + read.NotAfter.UTC().Format(time.DateOnly)
	case left < want.life()/3 && read.NotAfter.Before(a.Ends()): // one that ends with its authority gets no longer by being made anew
		return "ends on " + read.NotAfter.UTC().Format(time.DateOnly)
	}
	return ""
}

func names(dns []string, ips []net.IP) []string {
	all := slices.Clone(dns)
	for _, ip := range ips {
		all = append(all, ip.String())
	}
	slices.Sort(all)
	return all
}
