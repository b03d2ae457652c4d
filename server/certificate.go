package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"

	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// certificate looks at the certificate of an endpoint. It believes nothing that it is shown, and sends
// nothing: one that has ended, or that nobody here trusts, is to be told of as well. A server that wants a
// certificate of ours ends the handshake after it has shown its own.
func certificate(ctx context.Context, at doctor.Endpoint) paas.Certificate {
	c := paas.Certificate{Of: at.Of, Where: at.Where}
	var chain []*x509.Certificate
	var reason string
	if at.File != "" {
		c.Where, c.File = at.File+" ("+at.Where+")", at.Where
		chain, reason = certificatesIn(at.Where)
	} else {
		chain, reason = shown(ctx, at.Where)
	}
	if len(chain) == 0 {
		c.Reason = reason
		return c
	}
	ends, begins := chain[0].NotAfter.UTC(), chain[0].NotBefore.UTC()
	for _, one := range chain[1:] {
		if one.NotAfter.Before(ends) {
			ends = one.NotAfter.UTC()
		}
	}
	c.Ends, c.Begins, c.Subject = &ends, &begins, nameOf(chain[0])
	return c
}

func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return "serial " + c.SerialNumber.Text(16)
}

func shown(ctx context.Context, at string) (chain []*x509.Certificate, reason string) {
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // nothing is sent, and what is shown is only told of
		VerifyConnection: func(state tls.ConnectionState) error {
			chain = state.PeerCertificates
			return nil
		},
	}}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return chain, "It can't be reached from here, or speaks no TLS."
	}
	_ = conn.Close() // nothing was said
	return chain, "It showed no certificate."
}

func certificatesIn(path string) (chain []*x509.Certificate, reason string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "The file can't be read."
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, "The file holds a certificate that can't be read."
		}
		chain = append(chain, one)
	}
	return chain, "The file holds no certificate."
}
