package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	skew          = 10 * time.Minute // by which the clock of a machine may be behind
)

// Authority signs the certificates of a fleet.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	text        []byte // the certificate's PEM
}

// NewAuthority makes one. It may sign leaves only, never another authority.
func NewAuthority(name string, now time.Time) (Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Authority{}, fmt.Errorf("make key of authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return Authority{}, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return Authority{}, fmt.Errorf("encode key of authority: %w", err)
	}
	id := sha256.Sum256(point)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, SubjectKeyId: id[:20],
		NotBefore: now.Add(-skew), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Authority{}, fmt.Errorf("sign authority: %w", err)
	}
	return newAuthority(der, key)
}

func newAuthority(der []byte, key *ecdsa.PrivateKey) (Authority, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return Authority{}, fmt.Errorf("read authority: %w", err)
	}
	return Authority{certificate: certificate, key: key, text: encode("CERTIFICATE", der)}, nil
}

// Parse reads what Text gave. Code invalid for anything else; what it read is in no error.
func Parse(text string) (Authority, error) {
	var der, secret []byte
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			der = block.Bytes
		case "EC PRIVATE KEY":
			secret = block.Bytes
		}
	}
	if der == nil || secret == nil {
		return Authority{}, paas.Errorf(paas.Invalid, "The certificate authority that is kept is not a certificate and a key in PEM")
	}
	key, err := x509.ParseECPrivateKey(secret)
	if err != nil {
		return Authority{}, paas.Errorf(paas.Invalid, "The key of the certificate authority can't be read")
	}
	a, err := newAuthority(der, key)
	if err != nil {
		return Authority{}, paas.Wrap(paas.Invalid, err, "The certificate authority can't be read")
	}
	if !key.PublicKey.Equal(a.certificate.PublicKey) {
		return Authority{}, paas.Errorf(paas.Invalid, "The key of the certificate authority is not that of its certificate")
	}
	return a, nil
}

// Text is certificate and key in PEM: a secret.
func (a Authority) Text() (string, error) {
	secret, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		return "", fmt.Errorf("encode key of authority: %w", err)
	}
	return string(a.text) + string(encode("EC PRIVATE KEY", secret)), nil
}

// Certificate is what all believe, in PEM.
func (a Authority) Certificate() []byte { return bytes.Clone(a.text) }

// Ends is when the authority itself ends.
func (a Authority) Ends() time.Time { return a.certificate.NotAfter }

// Pool believes this authority only.
func (a Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Leaf is a certificate as it is wished. It is good for both sides of a connection: agents are both.
type Leaf struct {
	Name  string        // common name: who it is, for the reader
	Names []string      // DNS names that it speaks for
	IPs   []net.IP      // and addresses
	Life  time.Duration // a year unless said
}

const leafLife = 365 * 24 * time.Hour

func (l Leaf) life() time.Duration {
	if l.Life > 0 {
		return l.Life
	}
	return leafLife
}

// Issue signs a leaf with a new key, which ends no later than the authority. Both are PEM.
func (a Authority) Issue(l Leaf, now time.Time) (certificate, key []byte, err error) {
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of %s: %w", l.Name, err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, nil, err
	}
	ends := now.Add(l.life())
	if ends.After(a.Ends()) {
		ends = a.Ends()
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: l.Name}, NotBefore: now.Add(-skew), NotAfter: ends,
		DNSNames: l.Names, IPAddresses: l.IPs, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, made.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate of %s: %w", l.Name, err)
	}
	secret, err := x509.MarshalECPrivateKey(made)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key of %s: %w", l.Name, err)
	}
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", secret), nil
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("choose serial number: %w", err)
	}
	return serial, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
