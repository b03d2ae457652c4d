package router

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// Config says where the router listens and what it reads. The defaults are Fabio's, but for those named.
type Config struct {
	Listen     string // of the proxy; default 127.0.0.1:9999
	Admin      string // of the admin API; default 127.0.0.1:9998
	Metrics    string // of the counters for Prometheus; default none
	ConsulAddr string // URL; default http://127.0.0.1:8500
	Token      string // of Consul; default none

	KVPath         string        // a string prefix of keys; default /fabio/config
	TagPrefix      string        // default urlprefix-
	Strategy       Strategy      // default Random
	ChecksRequired string        // one | all; default one
	NoRouteStatus  int           // default 404
	DialTimeout    time.Duration // default 3 s (Fabio: 30 s, so long that a dead node hurts)
	ShutdownWait   time.Duration // what requests in flight get at the end; default 10 s (Fabio: 0)

	AccessLog io.Writer    // default none
	Log       *slog.Logger // default none
}

// Server is one router. It is a handler of the proxied requests.
type Server struct {
	config     Config
	log        *slog.Logger
	consul     *consulapi.Client
	datacenter string
	table      atomic.Pointer[table]
	metrics    *metrics
	proxy      *proxy
	now        func() time.Time
}

// Open checks the configuration. Nothing listens and Consul is not asked before Run.
func Open(c Config) (*Server, error) {
	c = withDefaults(c)
	switch {
	case c.Strategy != Random && c.Strategy != RoundRobin:
		return nil, fmt.Errorf("strategy %q is not known: use rnd or rr", c.Strategy)
	case c.ChecksRequired != "one" && c.ChecksRequired != "all":
		return nil, fmt.Errorf("checks required %q: use one or all", c.ChecksRequired)
	}
	client, err := consulapi.NewClient(&consulapi.Config{Address: c.ConsulAddr, Token: c.Token})
	if err != nil {
		return nil, fmt.Errorf("consul client: %w", err)
	}
	s := &Server{config: c, log: c.Log.With("component", "router"), consul: client, metrics: newMetrics(), now: time.Now}
	s.table.Store(&table{})
	s.proxy = &proxy{
		log:      s.log,
		lookup:   func(r *http.Request) *target { return s.table.Load().lookup(r) },
		secure:   newTransport(c.DialTimeout, nil),
		insecure: newTransport(c.DialTimeout, &tls.Config{InsecureSkipVerify: true}), // asked for by the route
		noRoute:  c.NoRouteStatus,
		metrics:  s.metrics,
		access:   c.AccessLog,
		now:      time.Now,
	}
	return s, nil
}

func withDefaults(c Config) Config {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:9999")
	c.Admin = cmp.Or(c.Admin, "127.0.0.1:9998")
	c.ConsulAddr = cmp.Or(c.ConsulAddr, "http://127.0.0.1:8500")
	c.KVPath = cmp.Or(c.KVPath, "/fabio/config")
	c.TagPrefix = cmp.Or(c.TagPrefix, "urlprefix-")
	c.Strategy = cmp.Or(c.Strategy, Random)
	c.ChecksRequired = cmp.Or(c.ChecksRequired, "one")
	c.NoRouteStatus = cmp.Or(c.NoRouteStatus, http.StatusNotFound)
	c.DialTimeout = cmp.Or(c.DialTimeout, 3*time.Second)
	c.ShutdownWait = cmp.Or(c.ShutdownWait, 10*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// ServeHTTP proxies a request by the current table.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.proxy.ServeHTTP(w, r) }

// Run serves the admin API, follows Consul, and serves the proxy from the first table on. When ctx ends it
// leaves Consul, lets the requests in flight finish, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	service, err := registration(s.config.Admin)
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", s.config.Admin)
	if err != nil {
		return fmt.Errorf("listen for the admin API: %w", err)
	}
	s.log.Info("admin listening", "addr", admin.Addr().String())

	watching, stopWatching := context.WithCancelCause(ctx)
	defer stopWatching(nil)
	adminServer := &http.Server{Handler: s.Admin(), ReadHeaderTimeout: readTimeout}
	proxyServer := &http.Server{Handler: s, ReadHeaderTimeout: readTimeout}
	metricsServer := &http.Server{Handler: s.metrics.handler(), ReadHeaderTimeout: readTimeout}
	catalog, rules, first := make(chan string), make(chan string), make(chan struct{})

	var registered, running sync.WaitGroup
	running.Go(func() { stopWatching(serve(adminServer, admin)) })
	running.Go(func() { s.watchRules(watching, rules) })
	running.Go(func() { s.watchCatalog(watching, catalog) })
	running.Go(func() { s.follow(watching, catalog, rules, first) })
	registered.Go(func() { s.keepRegistered(watching, service) })
	running.Go(func() { stopWatching(s.serveWhen(watching, first, proxyServer, s.config.Listen)) })
	if s.config.Metrics != "" {
		running.Go(func() { stopWatching(s.serveWhen(watching, first, metricsServer, s.config.Metrics)) })
	}

	<-watching.Done()
	registered.Wait() // callers who ask Consul go elsewhere before the proxy ends
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.ShutdownWait)
	defer cancel()
	if err := proxyServer.Shutdown(bounded); err != nil {
		s.log.Warn("requests cut off at shutdown", "err", err)
		_ = proxyServer.Close()
	}
	_ = adminServer.Close()
	_ = metricsServer.Close()
	running.Wait()
	if cause := context.Cause(watching); ctx.Err() == nil && cause != nil {
		return cause
	}
	return nil
}

// serveWhen serves once ready is closed, as Fabio's listeners wait for the first table.
func (s *Server) serveWhen(ctx context.Context, ready <-chan struct{}, server *http.Server, addr string) error {
	select {
	case <-ready:
	case <-ctx.Done():
		return nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.log.Info("listening", "addr", listener.Addr().String())
	return serve(server, listener)
}

func serve(server *http.Server, listener net.Listener) error {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	return nil
}

func (s *Server) watchRules(ctx context.Context, texts chan<- string) {
	s.watchText(ctx, "rules", texts, s.readRules)
}

// watchCatalog asks for the datacenter first: the text of the catalog depends on it.
func (s *Server) watchCatalog(ctx context.Context, texts chan<- string) {
	for ctx.Err() == nil {
		dc, err := agentDatacenter(s.consul.Agent())
		if err == nil {
			s.datacenter = dc
			break
		}
		s.log.Warn("consul not read", "what", "datacenter", "err", err)
		pause(ctx, retryAfter)
	}
	s.watchText(ctx, "catalog", texts, s.readCatalog)
}
