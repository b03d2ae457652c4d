package nomad

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/catalog"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// Config is filled by the supervisor.
type Config struct {
	Data       string // folder of state, runs and allocations, made when missing
	Name       string // of the server's own node; default: the host's name
	Region     string // default: global
	Datacenter string // default: dc1

	ConsulAddr string // host:port or URL; empty: services are not registered
	VaultAddr  string // URL; empty: templates that read secrets fail

	Advertise string // host:port of the HTTP API, shown as the node's address

	// Executor is the command line of the task shim, to which its arguments are
	// added. Default: this program with "devstack executor".
	Executor []string

	MemoryMB int // of the node; default: the machine's
	CPU      int // of the node, in MHz; default: 1000 for each core

	DynamicPortMin int // default: 20000
	DynamicPortMax int // default: 32000

	Log *slog.Logger // default: none
}

// Server is the stand-in: one server, a client with a node, and those that attach.
type Server struct {
	cfg     Config
	log     *slog.Logger
	state   *state.Store
	catalog *catalog.Catalog // nil without Consul
	node    string           // id of the own node
	mux     *http.ServeMux
	fetcher *http.Client
	signer  *identity.Signer
	ended   chan struct{} // closed when Run ends, so that blocked answers do

	further  sync.WaitGroup // clients that are attached
	departed chan struct{}  // buffered by one: a client has gone

	mu      sync.Mutex // guards what follows
	runners map[string]*runner
	present map[string]*presence // further clients by the name of their node
	closing bool                 // no further client may attach
}

// Open reads what a former run left, or begins anew.
func Open(cfg Config) (*Server, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	for _, dir := range []string{cfg.Data, filepath.Join(cfg.Data, "alloc"), filepath.Join(cfg.Data, "run")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	store, err := state.Open(filepath.Join(cfg.Data, "state"))
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log.With("component", "nomad"),
		state:    store,
		fetcher:  &http.Client{Timeout: 30 * time.Minute},
		ended:    make(chan struct{}),
		runners:  map[string]*runner{},
		present:  map[string]*presence{},
		departed: make(chan struct{}, 1),
	}
	if s.signer, err = identity.Open(filepath.Join(cfg.Data, "state", "identity.pem")); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if cfg.ConsulAddr != "" {
		consul, err := consulapi.NewClient(&consulapi.Config{Address: cfg.ConsulAddr, Transport: &http.Transport{MaxIdleConnsPerHost: 4}})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("consul client: %w", err), store.Close())
		}
		s.catalog = catalog.New(consul, s.knows, s.log)
	}
	if err := s.register(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s.routes()
	return s, nil
}

func (c *Config) fill() error {
	if c.Data == "" {
		return errors.New("nomad: no data folder")
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("nomad: data folder: %w", err)
	}
	c.Data = abs
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Name == "" {
		if c.Name, err = os.Hostname(); err != nil {
			return fmt.Errorf("nomad: name of the host: %w", err)
		}
	}
	if len(c.Executor) == 0 {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("nomad: path of this program: %w", err)
		}
		c.Executor = []string{self, "devstack", "executor"}
	}
	c.Region = orDefault(c.Region, "global")
	c.Datacenter = orDefault(c.Datacenter, "dc1")
	c.DynamicPortMin = orDefault(c.DynamicPortMin, 20000)
	c.DynamicPortMax = orDefault(c.DynamicPortMax, 32000)
	c.CPU = orDefault(c.CPU, machineMHz())
	c.MemoryMB = orDefault(c.MemoryMB, machineMemoryMB())
	return nil
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// ServeHTTP answers Nomad's HTTP API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Run schedules, runs and watches until ctx ends. Tasks that run then go on;
// the next Open of the same folder finds them.
func (s *Server) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { s.evaluate(ctx) })
	loops.Go(func() { s.client(ctx, s.node) })
	loops.Go(func() { s.heartbeats(ctx) })
	loops.Go(func() { s.drain(ctx) })
	loops.Go(func() { s.collect(ctx) })
	loops.Go(func() { s.launch(ctx) })
	if s.catalog != nil {
		loops.Go(func() { s.catalog.Run(ctx) })
	}
	<-ctx.Done()
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	close(s.ended)
	loops.Wait()
	s.further.Wait()
	return s.state.Close()
}

// update runs one transaction and keeps the status of the jobs it touches right.
func (s *Server) update(kind string, write func(tx *state.Tx) error) (uint64, error) {
	return s.state.Update(kind, func(tx *state.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		refreshStatus(tx)
		return nil
	})
}

// knows tells whether an allocation belongs to a client of this stand-in. What a client that is away has registered
// stays in Consul: its agent does not know that it is gone.
func (s *Server) knows(alloc string) bool {
	var a *state.Alloc
	s.state.View(func(v *state.View) { a = v.Alloc(alloc) })
	return a != nil && s.reachable(a.NodeID)
}

func (s *Server) allocDir(alloc string) string { return filepath.Join(s.cfg.Data, "alloc", alloc) }

// fetchedDir is where the tasks whose artifacts are there are noted: apart from the runs, which are forgotten
// with the stack.
func (s *Server) fetchedDir(alloc string) string { return filepath.Join(s.cfg.Data, "fetched", alloc) }

func (s *Server) runDir(alloc, task string) string {
	return filepath.Join(s.cfg.Data, "run", alloc, task)
}

// portFree tells whether something outside holds a port.
func portFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// pause waits, or returns false when ctx ends first.
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
