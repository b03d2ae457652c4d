package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config says between what it relays.
type Config struct {
	Servers []string // HOST:PORT of Vault's servers; the first that serves is taken
	CA      string   // file with the certificate of the authority that signed theirs
	Every   time.Duration
	Log     *slog.Logger
	Found   func() // called once, when a server serves for the first time; may be nil
}

const (
	every       = 2 * time.Second
	probeWithin = 2 * time.Second
	dialWithin  = 2 * time.Second
	healthPath  = "/v1/sys/health?standbyok=true&perfstandbyok=true"
)

// Relay keeps which server is taken, and what goes there.
type Relay struct {
	servers []string
	every   time.Duration
	http    *http.Client
	log     *slog.Logger
	found   func() // nil once it was called; the looks, one after the other, have it

	mu     sync.Mutex
	taken  string                       // "" for none
	active map[string]map[net.Conn]bool // connections by server
}

// New makes one. Codes: not_found for an authority that is not there, invalid.
func New(c Config) (*Relay, error) {
	if len(c.Servers) == 0 {
		return nil, paas.Errorf(paas.Invalid, "No server of Vault is named: give --server HOST:PORT.")
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, paas.Wrap(paas.NotFound, err, "The certificate of the authority can't be read from %s.", c.CA)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, paas.Errorf(paas.Invalid, "%s holds no certificate in PEM.", c.CA)
	}
	r := &Relay{
		servers: c.Servers, every: c.Every, log: c.Log, found: c.Found, active: map[string]map[net.Conn]bool{},
		http: &http.Client{Timeout: probeWithin, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}},
	}
	if r.every == 0 {
		r.every = every
	}
	return r, nil
}

// Serve relays what comes to a listener, which it closes, until ctx ends.
func (r *Relay) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	r.look(ctx)
	if r.current() == "" {
		r.log.Warn("no server of vault serves yet", "servers", r.servers)
	}
	all.Go(func() { r.watch(ctx) })
	all.Go(func() {
		<-ctx.Done()
		_ = listener.Close()
		r.cut(r.servers...)
		r.http.CloseIdleConnections()
	})
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return paas.Wrap(paas.Unavailable, err, "The relay's address was closed.")
		case err != nil: // too many open files, for one: those who wait go first
			if !pause(ctx, 100*time.Millisecond) {
				return nil
			}
			continue
		}
		all.Go(func() { r.lead(ctx, conn) })
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (r *Relay) watch(ctx context.Context) {
	for pause(ctx, r.every) {
		r.look(ctx)
	}
}

// look asks all servers at once, takes another where the one that was taken no longer serves, and cuts connections to all
// that don't.
func (r *Relay) look(ctx context.Context) {
	serves := make([]bool, len(r.servers))
	var all sync.WaitGroup
	for i, server := range r.servers {
		all.Go(func() { serves[i] = r.serves(ctx, server) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	taken, away := "", []string(nil)
	for i, server := range r.servers {
		switch {
		case !serves[i]:
			away = append(away, server)
		case taken == "" || server == r.current():
			taken = server
		}
	}
	r.mu.Lock()
	before := r.taken
	r.taken = taken
	r.mu.Unlock()
	switch taken {
	case before:
	case "":
		r.log.Warn("no server of vault serves", "servers", r.servers)
	default:
		r.log.Info("server of vault taken", "server", taken, "before", before)
	}
	if taken == "" { // an answer that says so is better than none
		return
	}
	r.cut(away...)
	if r.found != nil {
		r.found()
		r.found = nil
	}
}

// serves: a sealed server and one without keys answer with an error, one that stands by hands on what it gets.
func (r *Relay) serves(ctx context.Context, server string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+server+healthPath, nil)
	if err != nil {
		return false
	}
	response, err := r.http.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	return response.StatusCode == http.StatusOK
}

func (r *Relay) current() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken
}

// lead joins a connection to the server that is taken, or to the first that takes it.
func (r *Relay) lead(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	there, server := r.dial(ctx)
	if there == nil {
		return
	}
	defer func() { _ = there.Close() }()
	if !r.keep(ctx, server, conn) {
		return
	}
	defer r.drop(server, conn)
	var both sync.WaitGroup
	both.Go(func() { pass(there, conn) })
	both.Go(func() { pass(conn, there) })
	both.Wait()
}

// pass copies until one side ends, and tells the other that it did.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
	_ = from.Close()
}

func (r *Relay) dial(ctx context.Context) (net.Conn, string) {
	order := r.servers
	if taken := r.current(); taken != "" {
		order = append([]string{taken}, r.servers...)
	}
	dialer := &net.Dialer{Timeout: dialWithin}
	for _, server := range order {
		if conn, err := dialer.DialContext(ctx, "tcp", server); err == nil {
			return conn, server
		}
	}
	return nil, ""
}

// keep notes a connection, for cut; false when all is ending.
func (r *Relay) keep(ctx context.Context, server string, conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if r.active[server] == nil {
		r.active[server] = map[net.Conn]bool{}
	}
	r.active[server][conn] = true
	return true
}

func (r *Relay) drop(server string, conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active[server], conn)
}

// cut ends the connections to servers. The other side of each is closed by whoever joined the two.
func (r *Relay) cut(servers ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, server := range servers {
		for conn := range r.active[server] {
			_ = conn.Close()
		}
	}
}
