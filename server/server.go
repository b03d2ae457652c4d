package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/audit"
	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/cluster"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/hub"
	"github.com/crumpet-paas/crumpet/server/launch"
	"github.com/crumpet-paas/crumpet/server/leader"
	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/meter"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/retention"
	"github.com/crumpet-paas/crumpet/server/secret"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/team"
	"github.com/crumpet-paas/crumpet/server/vault"
	"github.com/crumpet-paas/crumpet/server/watch"
	"github.com/crumpet-paas/crumpet/server/why"
	"github.com/crumpet-paas/crumpet/ui"
)

// Each adapter is what its users asked for.
var (
	_ deploy.Scheduler    = (*nomad.Client)(nil)
	_ deploy.Storage      = (*nomad.Client)(nil)
	_ deploy.VolumeKeeper = (*nomad.Client)(nil)
	_ deploy.VolumeStore  = (*store.Store)(nil)
	_ deploy.Rules        = (*consul.Client)(nil)
	_ deploy.Store        = (*store.Store)(nil)
	_ watch.Nomad         = (*nomad.Client)(nil)
	_ watch.Consul        = (*consul.Client)(nil)
	_ watch.Fabio         = (*fabio.Client)(nil)
	_ watch.Store         = (*store.Store)(nil)
	_ build.Store         = (*store.Store)(nil)
	_ build.Blobs         = (*blob.Store)(nil)
	_ build.Blobs         = (*blob.Shared)(nil)
	_ blob.Remote         = (*store.Store)(nil)
	_ retention.Store     = (*store.Store)(nil)
	_ retention.Blobs     = (*blob.Store)(nil)
	_ retention.Blobs     = (*blob.Shared)(nil)
	_ leader.Epochs       = (*store.Store)(nil)
	_ leader.Lock         = (*consul.Lock)(nil)
	_ auth.Store          = (*store.Store)(nil)
	_ auth.UserStore      = (*store.Store)(nil)
	_ api.Auth            = (*auth.Auth)(nil)
	_ api.Tokens          = (*auth.Auth)(nil)
	_ api.Users           = (*auth.Users)(nil)
	_ audit.Store         = (*store.Store)(nil)
	_ api.Audit           = (*audit.Audit)(nil)
	_ api.Store           = (*store.Store)(nil)
	_ why.Store           = (*store.Store)(nil)
	_ why.Rules           = (*consul.Client)(nil)
	_ why.Logs            = (*logs.Logs)(nil)
	_ api.Why             = (*why.Asker)(nil)
	_ api.Deployer        = (*deploy.Deployer)(nil)
	_ api.Launches        = (*launch.Launches)(nil)
	_ api.Meter           = (*meter.Meter)(nil)
	_ api.Overview        = (*cluster.Overview)(nil)
	_ api.Doctor          = (*doctor.Doctor)(nil)
	_ meter.Nomad         = (*nomad.Client)(nil)
	_ launch.Store        = (*store.Store)(nil)
	_ launch.Builds       = (*build.Builds)(nil)
	_ launch.Deployer     = (*deploy.Deployer)(nil)
	_ api.Nodes           = (*cluster.Cluster)(nil)
	_ cluster.Store       = (*store.Store)(nil)
	_ cluster.RouterStore = (*store.Store)(nil)

	_ cluster.RouterScheduler = (*nomad.Client)(nil)
	_ api.Builds              = (*build.Builds)(nil)
	_ api.Blobs               = (*build.Builds)(nil)
	_ api.Artifacts           = (*blob.Store)(nil)
	_ api.Artifacts           = (*blob.Shared)(nil)
	_ api.Servers             = (*Server)(nil)
	_ api.Logs                = (*logs.Logs)(nil)
	_ api.Configs             = (*secret.Secrets)(nil)
	_ logs.Nomad              = (*nomad.Client)(nil)
	_ logs.Store              = (*store.Store)(nil)
)

// contents is what is asked of the store of blobs, be it a folder or shared by several servers.
type contents interface {
	retention.Blobs
	build.Blobs
	deploy.Artifacts
}

// keyWait is how long Open waits for Vault to give the platform keys: longer than a restart of it.
const keyWait = time.Minute

// Server is an open Crumpet server.
type Server struct {
	cfg     config.Config
	log     *slog.Logger
	store   *store.Store
	lock    *os.File
	hub     *hub.Hub
	auth    *auth.Auth
	deploy  *deploy.Deployer
	watch   *watch.Watch
	nodes   *cluster.Cluster
	reviver *cluster.Reviver
	builds  *build.Builds
	launch  *launch.Launches
	logs    *logs.Logs
	audit   *audit.Audit
	api     *api.API
	nomad   *nomad.Client
	consul  *consul.Client
	token   *keeper
	self    self

	retention *retention.Retention
	secrets   *secret.Secrets
	services  *service.Services
	repair    *deploy.Repair
	doctor    *doctor.Doctor
}

// Options are what of a server is not configuration.
type Options struct {
	Log        *slog.Logger
	Version    string
	Executable string           // the crumpet program, which serves static sites on the nodes
	Now        func() time.Time // time.Now by default
	Boundaries string           // folder that the boundaries of deploys are noted in, see boundaries; "" for none
}

// Open opens the store, makes the first token and reads the platform keys. cfg must have passed
// Validate. Codes: conflict when another server has the data folder, unavailable without Vault.
func Open(ctx context.Context, cfg config.Config, opt Options) (*Server, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Server{cfg: cfg, log: opt.Log, hub: &hub.Hub{}}
	s.self.now, s.self.version = opt.Now, opt.Version
	if err := s.open(ctx, opt); err != nil {
		_ = s.Close() // the first error is the one to report
		return nil, err
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, opt Options) (err error) {
	if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
		return paas.Wrap(paas.Internal, err, "The data folder %s can't be made.", s.cfg.Data)
	}
	if s.lock, err = LockFolder(s.cfg.Data); err != nil {
		return err
	}
	if err := s.identify(); err != nil {
		return err
	}
	address, err := s.cfg.StoreURL()
	if err != nil {
		return err
	}
	if s.store, err = store.Open(ctx, store.Config{
		Path: s.cfg.Store.Path, URL: address, Notify: s.notify, NotifyBuilds: s.notifyBuilds,
	}); err != nil {
		return err
	}
	s.auth = auth.New(auth.Config{Store: s.store, Now: opt.Now, Log: s.log, Idle: s.cfg.Idle(), Absolute: s.cfg.Absolute()})
	if err := s.firstToken(ctx); err != nil {
		return err
	}
	clients, err := connect(s.cfg)
	if err != nil {
		return err
	}
	s.nomad, s.consul = clients.nomad, clients.consul
	s.token = &keeper{vault: clients.vault, log: s.log}
	key, err := platformKey(ctx, clients.vault, s.log)
	if err != nil {
		return err
	}
	return s.compose(clients, key, opt)
}

// clients are the adapters to the four programs.
type clients struct {
	nomad  *nomad.Client
	consul *consul.Client
	vault  *vault.Client
	fabio  *fabio.Client
}

func connect(cfg config.Config) (c clients, err error) {
	if c.nomad, err = nomad.New(nomad.Config{
		Address: cfg.Nomad.Address, Region: cfg.Nomad.Region, Token: cfg.Nomad.Token,
		CAFile: cfg.Nomad.CAFile, CertFile: cfg.Nomad.CertFile, KeyFile: cfg.Nomad.KeyFile,
	}); err != nil {
		return c, err
	}
	if c.consul, err = consul.New(consul.Config{
		Address: cfg.Consul.Address, Token: cfg.Consul.Token, Datacenter: cfg.Consul.Datacenter, Prefix: cfg.Consul.Rules,
	}); err != nil {
		return c, err
	}
	if c.vault, err = vault.New(vault.Config{
		Addr: cfg.Vault.Address, Token: cfg.Vault.Token, TokenFile: cfg.Vault.TokenFile, Mount: cfg.Vault.Mount,
		JWT: cfg.Vault.JWT, Audience: cfg.Vault.Audience, Database: cfg.Vault.Database,
	}); err != nil {
		return c, err
	}
	routers := fabio.Config{Addresses: cfg.Fabio.Addresses, RouterURL: cfg.Fabio.URL}
	if len(routers.Addresses) == 0 {
		routers.Discover = func(ctx context.Context) ([]fabio.Router, error) {
			listed, err := c.consul.Services(ctx, cfg.Fabio.Service)
			var found []fabio.Router
			for _, l := range listed {
				found = append(found, fabio.Router(l))
			}
			return found, err
		}
	}
	c.fabio, err = fabio.New(routers)
	return c, err
}

// pinged are the programs whose health is a fact.
func (c clients) pinged() []watch.Pinged {
	return []watch.Pinged{
		{Name: paas.BackendNomad, Ping: func(ctx context.Context) error { _, err := c.nomad.Ping(ctx); return err }},
		{Name: paas.BackendConsul, Ping: c.consul.Ping},
		{Name: paas.BackendVault, Ping: c.vault.Ping},
		{Name: paas.BackendFabio, Ping: c.fabio.Ping},
	}
}

func (s *Server) compose(c clients, key []byte, opt Options) error {
	cfg := s.cfg
	folder, err := blob.Open(filepath.Join(cfg.Data, "blobs"))
	if err != nil {
		return err
	}
	var blobs contents = folder
	if cfg.Shared() {
		blobs = blob.NewShared(folder, s.store)
	}
	at := newBoundaries(opt.Boundaries)
	goos, goarch, _ := strings.Cut(cfg.Build.Platform, "/")
	if s.builds, err = build.New(build.Config{
		Store: at.buildStore(s.store), Blobs: blobs, Dir: filepath.Join(cfg.Data, "build"), Cache: filepath.Join(cfg.Data, "cache", "go"),
		Executable: opt.Executable, OS: goos, Arch: goarch, Parallel: cfg.Build.Concurrent, Timeout: cfg.BuildTimeout(),
		MaxBytes: cfg.MaxSource(), MaxLines: cfg.Build.MaxLogLines, Now: opt.Now, Log: s.log,
	}); err != nil {
		return err
	}
	s.secrets = s.newSecrets(c, key, opt)
	s.services = s.newServices(c, opt, at)
	scheduler, rules := deploy.Led(c.nomad, c.consul, s.leads)
	s.deploy = deploy.New(at.deploy(deploy.Config{
		Store: s.store, Scheduler: scheduler, Rules: rules, Artifacts: blobs, Fragments: cfg.Fragments, Domain: cfg.Domain, Own: ownHost(cfg.URL), Port: s.routerPort(), Now: opt.Now,
		NewID: newID, Configs: s.secrets, Access: access{c.vault}, Variables: c.nomad, Services: s.services, Log: s.log, Render: s.renderer(key), RenderSide: s.sideRenderer(key),
		Storage: deploy.LedStorage(c.nomad, s.leads), Nodes: s.store, Driver: cfg.Drivers[0],
	}))
	s.launch = launch.New(launch.Config{Store: s.store, Builds: s.builds, Blobs: blobs, Deployer: s.deploy, Log: s.log, Now: opt.Now})
	s.repair = s.newRepair(c, opt)
	s.retention = newRetention(cfg, s.store, blobs, opt.Now, s.log)
	s.nodes = cluster.New(cluster.Config{Store: s.store, Scheduler: cluster.Led(c.nomad, s.leads), Rooms: c.nomad, Deployer: s.deploy, Log: s.log, Now: opt.Now})
	s.reviver = cluster.NewReviver(cluster.ReviverConfig{Scheduler: cluster.LedRouters(c.nomad, s.leads), Store: s.store, Log: s.log, Now: opt.Now})
	s.doctor = s.newDoctor(c, opt)
	s.watch = watch.New(watch.Config{
		Nomad: c.nomad, Consul: c.consul, Fabio: c.fabio, Store: at.watchStore(s.store), Log: s.log, Now: opt.Now, Epoch: s.self.epoch.Load,
		Pinged: c.pinged(),
	})
	s.logs = logs.New(logs.Config{
		Nomad: c.nomad, Store: s.store, Dir: filepath.Join(cfg.Data, "logs"), Wake: s.hub.Subscribe, Log: s.log, Now: opt.Now,
	})
	s.audit = audit.New(s.store, s.log, opt.Now)
	passwords := auth.NewPasswords(auth.DefaultCost())
	s.api = api.New(api.Config{
		Log: s.log, Auth: s.auth, Store: s.store, Deployer: s.deploy, Blobs: s.builds, Builds: s.builds, Artifacts: blobs,
		Logs: s.logs, Audit: s.audit, Limits: api.Limits{Rate: cfg.Limits.Rate, Burst: cfg.Limits.Burst, LoginRate: cfg.Limits.LoginRate, LoginBurst: cfg.Limits.LoginBurst}, Proxies: cfg.TrustedProxies(),
		Commands: c.nomad, Instances: c.nomad, Hub: s.hub, Tell: s.store.Emit, Why: why.New(why.Config{Store: s.store, Rules: c.consul, Logs: s.logs, Now: opt.Now}),
		Repairs: s.repair, Configs: s.secrets, Services: s.services, Bindings: s.services, Providers: s.services,
		Logins:  s.newLogins(passwords, opt),
		Volumes: deploy.Kept{Store: s.store, Nomad: c.nomad, Now: opt.Now},
		Teams:   team.New(team.Config{Store: s.store, Namespaces: c.nomad, Now: opt.Now, Log: s.log}),
		Tokens:  s.auth, Users: auth.NewUsers(s.store, s.auth, passwords, opt.Now),
		Backends: []api.Backend{
			{Name: "store", Ping: s.store.Ping},
			{Name: "nomad", Ping: func(ctx context.Context) error { _, err := c.nomad.Ping(ctx); return err }},
			{Name: "consul", Ping: c.consul.Ping},
			{Name: "vault", Ping: c.vault.Ping},
			{Name: "fabio", Ping: c.fabio.Ping},
		},
		Launches: s.launch, Meter: meter.New(c.nomad, opt.Now), Overview: s.overview(c, opt), Doctor: s.doctor, Servers: s, Nodes: s.nodes, RouteURL: s.routeURL(), UI: ui.Files(), Version: opt.Version, ArtifactKey: key, Metrics: s.metrics(), MaxUpload: cfg.MaxUpload(),
	})
	return nil
}

// overview looks at the machinery under all apps.
func (s *Server) overview(c clients, opt Options) *cluster.Overview {
	return cluster.NewOverview(cluster.OverviewConfig{
		Nodes: s.nodes.Nodes, Store: s.store, Rooms: c.nomad, Routers: c.fabio, Now: opt.Now,
		Versions: map[string]func(context.Context) (string, error){paas.BackendNomad: c.nomad.Ping},
	})
}

// metrics are those of this process, its memory, goroutines and open files, and what the doctor found.
func (s *Server) metrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), health{s.doctor})
	return registry
}

// notify passes a commit, of this server or another, on to all who may have to act or to show it. A ref
// of no app speaks to readers of events, of nodes, of services and of who may do what.
func (s *Server) notify(ref paas.AppRef) {
	s.hub.Notify()
	if s.services != nil {
		s.services.Wake(ref)
	}
	if ref.App == "" {
		if s.auth != nil { // it may tell of who may do what
			s.auth.Wake()
		}
		if s.nodes != nil { // it may tell of a node that is to be drained
			s.nodes.Wake()
		}
		return
	}
	if s.deploy != nil {
		s.deploy.Wake(ref)
	}
	if s.watch != nil {
		s.watch.Notify(ref)
	}
}

func (s *Server) notifyBuilds() {
	if s.builds != nil {
		s.builds.Wake()
	}
	if s.launch != nil {
		s.launch.Wake()
	}
}

// Close closes what Open opened.
func (s *Server) Close() error {
	if s.nomad != nil {
		s.nomad.Close()
	}
	var err error
	if s.store != nil {
		err = s.store.Close()
	}
	if s.lock != nil {
		_ = s.lock.Close() // ends the lock; nothing was written through it
	}
	return err
}

func newID() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}
