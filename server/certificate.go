package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"

	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Dial makes a connection, as net.Dialer does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// CertificateBy gives what looks at the certificate of an endpoint, over connections of dial. It believes nothing that it
// is shown, and sends nothing: one that has ended, or that nobody here trusts, is to be told of as well. A server that wants a
// certificate of ours ends the handshake after it has shown its own.
func CertificateBy(dial Dial) func(ctx context.Context, at doctor.Endpoint) paas.Certificate {
	return func(ctx context.Context, at doctor.Endpoint) paas.Certificate { return certificate(ctx, dial, at) }
}

func certificate(ctx context.Context, dial Dial, at doctor.Endpoint) paas.Certificate {
	c := paas.Certificate{Of: at.Of, Where: at.Where}
	var chain []*x509.Certificate
	var reason string
	if at.File != "" {
		c.Where, c.File = at.File+" ("+at.Where+")", at.Where
		chain, reason = certificatesIn(at.Where)
	} else {
		chain, reason = shown(ctx, dial, at.Where)
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

func shown(ctx context.Context, dial Dial, at string) (chain []*x509.Certificate, reason string) {
	const silent = "It can't be reached from here, or speaks no TLS."
	conn, err := dial(ctx, "tcp", at)
	if err != nil {
		return nil, silent
	}
	defer conn.Close()                  //nolint:errcheck // nothing was said
	host, _, _ := net.SplitHostPort(at) // dial has taken it
	err = tls.Client(conn, &tls.Config{
		ServerName:         host,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // nothing is sent, and what is shown is only told of
		VerifyConnection: func(state tls.ConnectionState) error {
			chain = state.PeerCertificates
			return nil
		},
	}).HandshakeContext(ctx)
	if err != nil {
		return chain, silent
	}
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
