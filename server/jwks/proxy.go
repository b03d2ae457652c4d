package jwks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Path is where keys are, here and in Nomad.
const Path = "/.well-known/jwks.json"

const (
	fresh    = 10 * time.Second // how long keys are handed out without a look at Nomad
	stale    = time.Hour        // how long they are while Nomad does not answer; a key that was taken back ends by then
	askLimit = 3 * time.Second
	largest  = 1 << 20
)

// Config says whose keys a Proxy hands out.
type Config struct {
	Nomad string       // URL of a server or an agent
	HTTP  *http.Client // that Nomad believes
	Now   func() time.Time
	Log   *slog.Logger
}

// Proxy is the handler.
type Proxy struct {
	config Config

	mu   sync.Mutex // held while Nomad is asked: callers that come together ask once
	keys []byte
	at   time.Time
}

// New makes a Proxy; nothing is asked yet.
func New(c Config) *Proxy {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Proxy{config: c}
}

// ServeHTTP answers GET and HEAD of Path, and nothing else.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	keys, err := p.current(r.Context())
	if err != nil {
		p.config.Log.Warn("keys not handed out", "err", err)
		http.Error(w, "Nomad's keys are not known now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", int(fresh.Seconds())))
	_, _ = w.Write(keys) // who asked may be gone
}

func (p *Proxy) current(ctx context.Context) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := p.config.Now().Sub(p.at)
	if p.keys != nil && age < fresh {
		return p.keys, nil
	}
	keys, err := p.fetch(ctx)
	switch {
	case err == nil:
		p.keys, p.at = keys, p.config.Now()
	case p.keys == nil || age >= stale:
		return nil, err
	default:
		p.config.Log.Warn("old keys handed out", "age", age.Round(time.Second), "err", err)
	}
	return p.keys, nil
}

// fetch is not ended by the caller's going: others wait for the same answer.
func (p *Proxy) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.config.Nomad, "/")+Path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask nomad for its keys: %w", err)
	}
	response, err := p.config.HTTP.Do(request)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "Nomad at %s does not answer.", p.config.Nomad)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil {
		return nil, fmt.Errorf("read the keys of nomad: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, paas.Errorf(paas.Unavailable, "Nomad at %s answers the question for its keys with %d.", p.config.Nomad, response.StatusCode)
	}
	return Public(text)
}

// public are the members of keys that may be known: of RSA, elliptic curves and EdDSA, and what describes a key.
var public = map[string]bool{
	"kty": true, "use": true, "alg": true, "kid": true, "key_ops": true, "n": true, "e": true, "crv": true, "x": true, "y": true,
	"x5c": true, "x5t": true, "x5t#S256": true, "x5u": true,
}

// Public is a set of keys with nothing in it but public keys and their descriptions. Code internal for what is no set of
// keys, or an empty one, or has a key that is a secret as a whole.
func Public(text []byte) ([]byte, error) {
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, paas.Wrap(paas.Internal, err, "Nomad's keys can't be read.")
	}
	if len(set.Keys) == 0 {
		return nil, paas.Errorf(paas.Internal, "Nomad has no keys yet.")
	}
	for _, key := range set.Keys {
		if kind := string(bytes.Trim(key["kty"], `"`)); kind != "RSA" && kind != "EC" && kind != "OKP" {
			return nil, paas.Errorf(paas.Internal, "A key of Nomad's is of type %q, which has no public half.", kind)
		}
		for name := range key {
			if !public[name] {
				delete(key, name)
			}
		}
	}
	return json.Marshal(set)
}
