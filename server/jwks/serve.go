package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Files are the certificate of this machine, with which it shows itself to both sides, and that of the authority that
// signed it and Nomad's. They are read again when they have changed: certificates are renewed.
type Files struct{ CA, Cert, Key string }

// Serve hands out the keys of the Nomad at a URL, on addresses HOST:PORT, until ctx ends.
func Serve(ctx context.Context, nomad string, listen []string, files Files, log *slog.Logger) error {
	roots, err := readPool(files.CA)
	if err != nil {
		return err
	}
	own := &certificate{files: files}
	if _, err := own.load(); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: roots,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.load() },
		},
		IdleConnTimeout: time.Minute,
	}}
	server := &http.Server{
		Handler: New(Config{Nomad: nomad, HTTP: client, Log: log}), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.load() },
		},
	}
	served := make(chan error, len(listen))
	begun := 0
	for _, address := range listen {
		listener, listenErr := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if listenErr != nil {
			err = paas.Wrap(paas.Unavailable, listenErr, "The address %s can't be listened on.", address)
			break
		}
		log.Info("listening", "addr", listener.Addr().String())
		begun++
		go func() { served <- server.ServeTLS(listener, "", "") }()
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-served:
			begun--
		}
	}
	_ = server.Close() // answers take milliseconds, and are asked for again
	for range begun {
		err = errors.Join(err, ignoreClosed(<-served))
	}
	return ignoreClosed(err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func readPool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, paas.Wrap(paas.NotFound, err, "The certificate of the authority can't be read from %s.", path)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, paas.Errorf(paas.Invalid, "%s holds no certificate in PEM.", path)
	}
	return pool, nil
}

// certificate reads a pair at each handshake: there are few, and a renewal needs no restart.
type certificate struct{ files Files }

func (c *certificate) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The certificate %s and its key %s can't be used.", c.files.Cert, c.files.Key)
	}
	return &pair, nil
}
