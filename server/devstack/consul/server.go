package consul

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is filled by the supervisor; only Data is needed.
type Config struct {
	Data string       // folder of the state, made if missing
	Log  *slog.Logger // default: none

	SessionTTLMin      time.Duration // shortest session TTL, default 10 s as in Consul
	CheckIntervalMin   time.Duration // shortest check interval, default 1 s as in Consul
	DeregisterAfterMin time.Duration // shortest deregister_critical_service_after, default 1 m as in Consul
	ReapInterval       time.Duration // how often critical services are looked at, default 30 s as in Consul
}

// Server is one Consul agent and server.
type Server struct {
	cfg   Config
	log   *slog.Logger
	path  string
	mux   *http.ServeMux
	newID func() string

	wake chan struct{} // buffered by one: the runner has something new to time
	done chan struct{} // closed when Run ends, so that blocked queries do

	settled  chan struct{} // closed when all restored checks ran once
	settleBy time.Time     // readers wait for that no longer than this

	mu        sync.Mutex // guards what follows
	state     *state
	changed   chan struct{}        // closed and replaced by each change
	delays    map[string]time.Time // key -> end of its lock delay
	deadlines map[string]time.Time // session -> end of its TTL
	reapAt    time.Time
	unsettled int // restored checks that did not run yet
}

// Open loads the state of an earlier run, if there is one.
func Open(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.SessionTTLMin = orDefault(cfg.SessionTTLMin, 10*time.Second)
	cfg.CheckIntervalMin = orDefault(cfg.CheckIntervalMin, time.Second)
	cfg.DeregisterAfterMin = orDefault(cfg.DeregisterAfterMin, time.Minute)
	cfg.ReapInterval = orDefault(cfg.ReapInterval, 30*time.Second)
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(cfg.Data, "consul.json")
	st, err := load(path, newUUID)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Log.With("component", "devstack/consul"), path: path, newID: newUUID,
		wake: make(chan struct{}, 1), done: make(chan struct{}), settled: make(chan struct{}),
		state: st, changed: make(chan struct{}), delays: map[string]time.Time{}, deadlines: map[string]time.Time{},
	}
	s.restore(time.Now())
	s.mux = s.routes()
	return s, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// newUUID is a random id in the form that Consul gives nodes and sessions.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// answerError is an error that knows its status.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string { return e.text }

func failf(status int, format string, args ...any) error {
	return &answerError{status, fmt.Sprintf(format, args...)}
}

// handler answers one method of one path; Consul writes errors as plain text.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes is the whole API: path -> method -> handler.
func (s *Server) routes() *http.ServeMux {
	get := func(h handler) map[string]handler { return map[string]handler{http.MethodGet: h} }
	put := func(h handler) map[string]handler { return map[string]handler{http.MethodPut: h} }
	table := map[string]map[string]handler{
		"/v1/status/leader":                  get(s.leader),
		"/v1/status/peers":                   get(s.peers),
		"/v1/operator/autopilot/health":      get(s.autopilotHealth),
		"/v1/agent/self":                     get(s.agentSelf),
		"/v1/agent/members":                  get(s.agentMembers),
		"/v1/agent/services":                 get(s.agentServices),
		"/v1/agent/service/{id}":             get(s.agentService),
		"/v1/agent/checks":                   get(s.agentChecks),
		"/v1/agent/health/service/id/{id}":   get(s.agentHealthByID),
		"/v1/agent/health/service/name/{id}": get(s.agentHealthByName),
		"/v1/agent/service/register":         put(s.registerService),
		"/v1/agent/service/deregister/{id}":  put(s.deregisterService),
		"/v1/agent/service/maintenance/{id}": put(s.maintainService),
		"/v1/agent/check/register":           put(s.registerCheck),
		"/v1/agent/check/deregister/{id}":    put(s.deregisterCheck),
		"/v1/agent/check/pass/{id}":          put(s.ttlNote("passing")),
		"/v1/agent/check/warn/{id}":          put(s.ttlNote("warning")),
		"/v1/agent/check/fail/{id}":          put(s.ttlNote("critical")),
		"/v1/agent/check/update/{id}":        put(s.ttlUpdate),
		"/v1/catalog/datacenters":            get(s.datacenters),
		"/v1/catalog/nodes":                  get(s.catalogNodes),
		"/v1/catalog/node/{node}":            get(s.catalogNode),
		"/v1/catalog/services":               get(s.catalogServices),
		"/v1/catalog/service/{name}":         get(s.catalogService),
		"/v1/catalog/register":               put(s.catalogRegister),
		"/v1/catalog/deregister":             put(s.catalogDeregister),
		"/v1/health/service/{name}":          get(s.healthService),
		"/v1/health/state/{state}":           get(s.healthState),
		"/v1/health/node/{node}":             get(s.healthNode),
		"/v1/health/checks/{name}":           get(s.healthChecks),
		kvRoot:                               {http.MethodGet: s.kvGet, http.MethodPut: s.kvPut, http.MethodDelete: s.kvDelete},
		"/v1/txn":                            put(s.txn),
		"/v1/session/create":                 put(s.sessionCreate),
		"/v1/session/destroy/{id}":           put(s.sessionDestroy),
		"/v1/session/renew/{id}":             put(s.sessionRenew),
		"/v1/session/info/{id}":              get(s.sessionInfo),
		"/v1/session/node/{node}":            get(s.sessionNode),
		"/v1/session/list":                   get(s.sessionList),
	}
	mux := http.NewServeMux()
	for path, methods := range table {
		mux.Handle(path, s.dispatch(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "the embedded Consul does not serve "+r.URL.Path, http.StatusNotImplemented)
	})
	return mux
}

// dispatch chooses by method, checks what every endpoint shares, and writes errors.
func (s *Server) dispatch(methods map[string]handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := methods[r.Method]
		if !ok {
			w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ","))
			http.Error(w, fmt.Sprintf("method %s not allowed", r.Method), http.StatusMethodNotAllowed)
			return
		}
		err := checkQuery(r)
		if err == nil {
			err = h(w, r)
		}
		if err == nil {
			return
		}
		status := http.StatusInternalServerError
		if fail, ok := errors.AsType[*answerError](err); ok {
			status = fail.status
		}
		http.Error(w, err.Error(), status)
	})
}

func checkQuery(r *http.Request) error {
	q := r.URL.Query()
	if dc := q.Get("dc"); dc != "" && dc != datacenter {
		return failf(http.StatusInternalServerError, "No path to datacenter")
	}
	if q.Get("filter") != "" {
		return failf(http.StatusNotImplemented, "the embedded Consul does not serve %s with ?filter", r.URL.Path)
	}
	if q.Has("stale") && q.Has("consistent") {
		return failf(http.StatusBadRequest, "Cannot specify ?stale with ?consistent, conflicting semantics.")
	}
	return nil
}

// ServeHTTP serves the API. The mux cleans double slashes and dots out of keys, as Consul's does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// maxBody is far above any registration; values of keys have a limit of their own.
const maxBody = 4 << 20

func decode(r *http.Request, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return failf(http.StatusBadRequest, "Request decode failed: %v", err)
	}
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return failf(http.StatusBadRequest, "Request decode failed: %v", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, body any) error {
	var raw []byte
	var err error
	if r.URL.Query().Has("pretty") {
		raw, err = json.MarshalIndent(body, "", "    ")
	} else {
		raw, err = json.Marshal(body)
	}
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a reader that went away is its own affair
	return nil
}

// locked runs fn with the state held still.
func (s *Server) locked(fn func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.state)
}

// Run runs the checks and ends sessions until ctx is done, and returns when every probe has ended. Queries that block
// are answered then, so that the HTTP server can be shut down.
func (s *Server) Run(ctx context.Context) error {
	defer close(s.done)
	s.runChecks(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}
