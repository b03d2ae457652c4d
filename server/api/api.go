package api

import (
	"context"
	"crypto/rand"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config is what the API needs. Fields without a default are required.
type Config struct {
	Log       *slog.Logger
	Auth      Auth
	Store     Store
	Deployer  Deployer
	Blobs     Blobs
	Builds    Builds
	Artifacts Artifacts
	Logs      Logs
	Commands  Commands
	Instances Instances
	Why       Why
	Hub       Hub
	Audit     Audit
	Servers   Servers
	Nodes     Nodes
	Repairs   Repairs
	Configs   Configs
	Services  Services
	Bindings  Bindings
	Providers Providers
	Volumes   Volumes
	Logins    Logins
	Teams     Teams
	Tokens    Tokens
	Users     Users
	Meter     Meter
	Launches  Launches
	Overview  Overview
	Doctor    Doctor
	Backends  []Backend

	// RouteURL gives the URL at which the router answers for a route.
	RouteURL func(route paas.Route) string

	// Tell writes events that go with no other write. Without it refused pushes are not told of.
	Tell func(ctx context.Context, events ...paas.Event) error

	// UI are the files of the web UI, served at /. Without it there are no pages.
	UI     fs.FS
	Limits Limits // of calls

	// Proxies are the addresses whose X-Forwarded-For says where a call came from. Nobody else's is believed.
	Proxies []netip.Prefix

	Version     string
	ArtifactKey []byte               // signs the addresses of artifacts
	Metrics     *prometheus.Registry // shown at /metrics; default a new one
	MaxUpload   int64                // bytes of one upload, compressed; default 1 GiB
	Heartbeat   time.Duration        // between signs of life in a quiet stream; default 15 s
	Beat        time.Duration        // between those of a stream that tells of changes; default 5 s
	WriteWithin time.Duration        // a stream's reader slower than this is dropped; default 10 s
	ExecIdle    time.Duration        // a command that is said nothing to and says nothing is ended; default 30 min
	NewID       func() string        // ids of requests; default random
}

// Defaults of Config.
const (
	DefaultMaxUpload   = 1 << 30
	DefaultHeartbeat   = 15 * time.Second
	DefaultBeat        = 5 * time.Second
	DefaultWriteWithin = 10 * time.Second
	DefaultExecIdle    = 30 * time.Minute
)

// maxBody bounds JSON bodies. (huma refuses a body of exactly its limit, so it is given one more.)
const maxBody = 1 << 20

// API serves Crumpet's HTTP API.
type API struct {
	Config
	echo    *echo.Echo
	huma    huma.API
	metrics *metrics
	pages   *pages
	gates   map[gateKey]gate // written by New only
	limits  *limits
	from    echo.IPExtractor // address of who makes a call

	lines    lines                  // of the list of apps
	silence  silence                // which backends do not answer
	execs    atomic.Int64           // commands that run
	document func() ([]byte, error) // the OpenAPI document, marshalled once
}

// New makes an API.
func New(config Config) *API {
	a := &API{Config: config.withDefaults(), echo: echo.New(), gates: map[gateKey]gate{}, lines: lines{turn: make(chan struct{}, 1)}, silence: silence{turn: make(chan struct{}, 1)}}
	a.Log = a.Log.With("component", "api")
	a.metrics = newMetrics(a.Metrics)
	a.limits = newLimits(a.Limits, time.Now)
	a.from = addressOf(a.Proxies)
	a.echo.HideBanner, a.echo.HidePort = true, true
	a.echo.HTTPErrorHandler = a.handleError
	a.pages = a.newPages()
	a.echo.Pre(a.identify, a.harden, zip(), a.record, a.tell, a.recover, a.page)
	a.echo.Use(a.pass)
	a.huma = humaecho.New(a.echo, documentConfig(a.Version))
	for _, r := range a.routes() {
		r.register(a)
		a.gates[gateKey{r.op.Method, echoPath(r.op.Path)}] = r.gate
	}
	a.document = sync.OnceValues(a.finishDocument)
	return a
}

func (c Config) withDefaults() Config {
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = DefaultMaxUpload
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = DefaultHeartbeat
	}
	if c.Beat == 0 {
		c.Beat = DefaultBeat
	}
	if c.WriteWithin == 0 {
		c.WriteWithin = DefaultWriteWithin
	}
	if c.ExecIdle == 0 {
		c.ExecIdle = DefaultExecIdle
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	return c
}

// ServeHTTP serves one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }
