package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
)

const (
	// apiVersion is the Vault API that this speaks; Nomad asks for 1.11 or newer.
	apiVersion = "1.15.0+embedded"
	rootPolicy = "root"
	maxBody    = 4 << 20
)

// Config is filled by the supervisor; only Data is needed.
type Config struct {
	Data string           // folder of the state and the key share, made if missing
	Log  *slog.Logger     // default: none
	Now  func() time.Time // default: time.Now
}

// Server is one Vault.
type Server struct {
	cfg    Config
	log    *slog.Logger
	client *http.Client   // fetches JWKS
	wake   chan struct{}  // something is due
	work   sync.WaitGroup // revocations that Run has begun

	mu          sync.Mutex // guards what follows
	initialized bool
	key         []byte                   // nil when sealed
	state       *state                   // nil when sealed
	busy        map[string]chan struct{} // what hold has given, closed when it is free
	revoking    int                      // how many revocations Run has begun
}

// Open loads the state of an earlier run, and unseals it if the key share is there.
func Open(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	s := &Server{
		cfg: cfg, log: cfg.Log.With("component", "devstack/vault"),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		wake:   make(chan struct{}, 1), busy: map[string]chan struct{}{},
	}
	sealed, err := readOptional(s.path(stateFile))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if sealed == nil {
		return s, nil
	}
	s.initialized = true
	share, err := readOptional(s.path(keyFile))
	if err != nil {
		return nil, fmt.Errorf("read key share: %w", err)
	}
	if share == nil {
		s.log.Warn("opened sealed: the key share is not there")
		return s, nil
	}
	key, err := parseKey(string(share))
	if err != nil {
		return nil, fmt.Errorf("read key share: %w", err)
	}
	if s.state, err = unseal(key, sealed); err != nil {
		return nil, err
	}
	s.key = key
	s.state.adopt(cfg.Now())
	return s, nil
}

func (s *Server) path(name string) string { return filepath.Join(s.cfg.Data, name) }

// save needs mu. A change that was answered must survive SIGKILL, so it is called before the answer.
func (s *Server) save() error {
	sealed, err := seal(s.key, s.state)
	if err != nil {
		return err
	}
	if err := writeFile(s.path(stateFile), sealed); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// request is a call that was authorized, or needs no authorization. Server.mu is held while it is answered.
type request struct {
	op    string // a capability: what the call is under the policies
	path  string // without /v1/
	query url.Values
	body  []byte
	token *token
	acl   acl
	dirty bool // the state has changed

	// after is the rest of the answer, given without Server.mu: it talks to a database. cut is called in its place when
	// the state could not be saved.
	after func(context.Context) (*reply, error)
	cut   func()
}

// reply is an answer with Vault's envelope; nil is 204.
type reply struct {
	status   int // 0 is 200
	data     any
	auth     *vaultapi.SecretAuth
	warnings []string
	lease    *leased
	empty    bool // a status alone
	flat     bool // sys endpoints repeat data beside the envelope
	bare     bool // data alone, no envelope
}

// failure is an error that knows its status.
type failure struct {
	status int
	texts  []string
}

func (f *failure) Error() string { return strings.Join(f.texts, "; ") }

func failf(status int, format string, args ...any) error {
	return &failure{status, []string{fmt.Sprintf(format, args...)}}
}

// notFound is how Vault says that a path is right and nothing is there.
func notFound() error { return &failure{http.StatusNotFound, []string{}} }

func sealed() error { return failf(http.StatusServiceUnavailable, "Vault is sealed") }

func denied() error { return failf(http.StatusForbidden, "permission denied") }

// ServeHTTP serves the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if elsewhere(w, r) {
		return
	}
	ans, err := s.answer(r)
	if err != nil {
		fail, ok := errors.AsType[*failure](err)
		if !ok {
			fail = &failure{http.StatusInternalServerError, []string{err.Error()}}
		}
		writeJSON(w, fail.status, map[string]any{"errors": fail.texts})
		return
	}
	writeReply(w, ans)
}

func (s *Server) answer(r *http.Request) (*reply, error) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok {
		return nil, unserved(r.URL.Path)
	}
	for _, header := range []string{"X-Vault-Namespace", "X-Vault-Wrap-TTL"} {
		if r.Header.Get(header) != "" {
			return nil, failf(http.StatusNotImplemented, "the embedded Vault does not serve calls with %s", header)
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, failf(http.StatusRequestEntityTooLarge, "%v", err)
	}
	if len(body) > 0 && !json.Valid(body) {
		return nil, failf(http.StatusBadRequest, "failed to decode JSON input: invalid JSON")
	}
	req := &request{path: path, query: r.URL.Query(), body: body}
	if err := req.setOp(r.Method); err != nil {
		return nil, err
	}
	if ans, err, ok := s.open(req); ok {
		return ans, err
	}
	if mount, ok := strings.CutSuffix(path, "/login"); ok && req.op == capUpdate && strings.HasPrefix(mount, "auth/") {
		return s.login(r.Context(), strings.TrimPrefix(mount, "auth/")+"/", req)
	}
	id := r.Header.Get("X-Vault-Token")
	if id == "" {
		id = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	ans, err := s.saved(req, id)
	switch {
	case err != nil && req.cut != nil:
		req.cut()
	case err == nil && req.after != nil:
		return req.after(r.Context())
	}
	return ans, err
}

// saved answers what needs a token, and saves what that has changed.
func (s *Server) saved(req *request, id string) (*reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ans, err := s.authorized(req, id)
	if req.dirty {
		if saveErr := s.save(); saveErr != nil {
			s.log.Error("state was not saved", "err", saveErr)
			return nil, saveErr
		}
		s.hurry() // leases may have ended
	}
	return ans, err
}

func unserved(path string) error {
	return failf(http.StatusNotImplemented, "the embedded Vault does not serve %s", path)
}

// setOp says what a method is under the policies; create is told from update by authorized.
func (req *request) setOp(method string) error {
	switch method {
	case http.MethodGet, http.MethodHead:
		req.op = capRead
		if req.query.Get("list") == "true" {
			req.op = capList
		}
	case "LIST":
		req.op = capList
	case http.MethodPut, http.MethodPost:
		req.op = capUpdate
	case http.MethodPatch:
		req.op = capPatch
	case http.MethodDelete:
		req.op = capDelete
	default:
		return failf(http.StatusMethodNotAllowed, "method %s not allowed", method)
	}
	if req.op == capList && !strings.HasSuffix(req.path, "/") {
		req.path += "/"
	}
	return nil
}

// authorized finds the token, asks its policies and answers. It needs mu.
func (s *Server) authorized(req *request, id string) (*reply, error) {
	if s.state == nil {
		return nil, sealed()
	}
	t, ok := s.state.Tokens[id]
	if id == "" || !ok || t.expired(s.cfg.Now()) {
		return nil, denied()
	}
	req.token = t
	if t.Uses > 0 {
		req.dirty = true
		if t.Uses--; t.Uses == 0 {
			defer s.state.revoke(id, s.cfg.Now())
		}
	}
	var err error
	if req.acl, err = s.state.aclOf(t.Policies); err != nil {
		return nil, err
	}
	if req.op == capUpdate && !s.exists(req.path) {
		req.op = capCreate
	}
	if strings.HasPrefix(req.path, "sys/internal/ui/mounts/") && req.op == capRead {
		return s.uiMount(req) // asks for any access to the mount, not for access to this path
	}
	if !req.acl.allows(req.path, req.op) || (needsSudo(req.path) && !req.acl.allows(req.path, capSudo)) {
		return nil, failf(http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n") // Vault's words for a policy
	}
	if req.op == capCreate {
		req.op = capUpdate
	}
	return s.route(req)
}

// needsSudo says which paths want the capability sudo beside the one of the call.
func needsSudo(path string) bool {
	return path == "sys/seal" || path == "auth/token/create-orphan" || strings.HasPrefix(path, "sys/auth/") ||
		strings.HasPrefix(path, "sys/leases/lookup/") || strings.HasPrefix(path, "sys/leases/revoke-prefix/") || strings.HasPrefix(path, "sys/leases/revoke-force/")
}

func (s *Server) route(req *request) (*reply, error) {
	switch {
	case strings.HasPrefix(req.path, "sys/"):
		return s.sys(req)
	case strings.HasPrefix(req.path, "auth/token/"):
		return s.tokens(req)
	case strings.HasPrefix(req.path, "auth/"):
		return s.jwt(req)
	}
	m, rest := s.state.mountOf(req.path)
	if m == nil {
		return nil, failf(http.StatusNotFound, "no handler for route %q. route entry not found.", req.path)
	}
	if m.Tainted {
		return nil, failf(http.StatusNotFound, "no handler for route %q. route entry or namespace is tainted.", req.path)
	}
	if m.Type == databaseType {
		return s.database(req, m, rest)
	}
	return s.kv(req, m, rest)
}

// decode reads the body into a struct.
func (req *request) decode(into any) error {
	if len(req.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(req.body, into); err != nil {
		return failf(http.StatusBadRequest, "%v", err)
	}
	return nil
}

// newID is random text of n hexadecimal digits.
func newID(n int) string { return strings.ToLower(rand.Text() + rand.Text())[:n] }
