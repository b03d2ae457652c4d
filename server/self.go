package server

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/leader"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	presentEvery = 5 * time.Second  // between signs of life
	lostAfter    = 20 * time.Second // without one
	farewell     = 3 * time.Second  // for saying goodbye
)

// self is what others know of this server.
type self struct {
	id, name, version string
	now               func() time.Time
	epoch             atomic.Int64  // of our lead, 0 without one
	moved             chan struct{} // has room for one: the lead was won or lost
	known             chan struct{} // closed when Consul knows us

	mu      sync.Mutex
	address string     // guarded by mu
	started time.Time  // guarded by mu
	ledAt   *time.Time // guarded by mu
}

// identify reads who this server is: its id stays with its data folder, so that one that was killed takes
// its own place again.
func (s *Server) identify() error {
	path := filepath.Join(s.cfg.Data, "server-id")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(newID())
		err = writeSecret(path, string(text))
	}
	if err != nil {
		return paas.Wrap(paas.Internal, err, "The id of this server can't be kept in %s.", path)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "crumpet"
	}
	s.self.id, s.self.name = strings.TrimSpace(string(text)), cmp.Or(s.cfg.Name, host)
	s.self.moved, s.self.known = make(chan struct{}, 1), make(chan struct{})
	return nil
}

// lead runs the loops whenever this server leads: always, unless others may use the store as well.
func (s *Server) lead(ctx context.Context, loops ...leader.Loop) {
	cfg := leader.Config{Epochs: s.store, Log: s.log, Changed: s.ledChanged}
	if s.cfg.Shared() {
		select {
		case <-ctx.Done():
			return
		case <-s.self.known: // the lock hangs on our check
		}
		cfg.Lock = s.consul.Lock(consul.LockConfig{
			Key: s.cfg.Consul.Lock, Holder: s.self.name + " " + s.self.id, Check: consul.CheckOf(s.serviceID()),
		})
	}
	leader.Run(ctx, cfg, loops...)
}

func (s *Server) ledChanged(epoch int64) {
	s.self.mu.Lock()
	s.self.ledAt = nil
	if epoch != 0 {
		now := s.self.now()
		s.self.ledAt = &now
	}
	s.self.mu.Unlock()
	s.self.epoch.Store(epoch)
	select {
	case s.self.moved <- struct{}{}:
	default:
	}
}

// Leading says whether this server leads.
func (s *Server) Leading() bool { return s.self.epoch.Load() != 0 }

// Servers lists the servers on the store, by name.
func (s *Server) Servers(ctx context.Context) ([]paas.Server, error) {
	if !s.cfg.Shared() {
		return []paas.Server{s.describe()}, nil
	}
	list, err := s.store.Servers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if s.self.now().Sub(list[i].SeenAt) > lostAfter {
			list[i].State = paas.ServerLost
		}
	}
	return list, nil
}

func (s *Server) describe() paas.Server {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	one := paas.Server{
		ID: s.self.id, Name: s.self.name, Address: s.self.address, Version: s.self.version, Store: s.store.Engine(),
		State: paas.ServerFollower, Epoch: s.self.epoch.Load(), LedAt: s.self.ledAt, StartedAt: s.self.started, SeenAt: s.self.now(),
	}
	if one.Epoch != 0 {
		one.State = paas.ServerLeader
	}
	return one
}

func (s *Server) serviceID() string { return s.cfg.Consul.Service + "-" + s.self.id }

// present keeps this server known to Consul and to the other servers until ctx ends, and then says goodbye.
func (s *Server) present(ctx context.Context, at net.Addr) {
	me := s.service(ctx, at)
	s.self.mu.Lock()
	s.self.started, s.self.address = s.self.now(), at.String()
	if host := me.Address; host != "" {
		s.self.address = net.JoinHostPort(host, strconv.Itoa(me.Port))
	}
	s.self.mu.Unlock()
	ticker := time.NewTicker(presentEvery)
	defer ticker.Stop()
	var consulSaid, storeSaid error
	for ctx.Err() == nil {
		s.told(ctx, &consulSaid, "registration in Consul", s.register(ctx, me))
		if s.cfg.Shared() {
			s.told(ctx, &storeSaid, "row in the store", s.store.PutServer(ctx, s.describe()))
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-s.self.moved:
		}
	}
	leaving, end := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer end()
	s.told(leaving, &consulSaid, "deregistration in Consul", s.consul.Deregister(leaving, me.ID))
	if s.cfg.Shared() {
		s.told(leaving, &storeSaid, "end of its row in the store", s.store.DropServer(leaving, s.self.id))
	}
}

// told logs a fault when it begins, not each time it is met.
func (s *Server) told(ctx context.Context, before *error, what string, err error) {
	if err != nil && *before == nil && ctx.Err() == nil {
		s.log.Warn("server not made known", "what", what, "err", err)
	}
	*before = err
}

// register makes Consul know us, unless it does: an agent that lost its data forgets.
func (s *Server) register(ctx context.Context, me consul.Self) error {
	select {
	case <-s.self.known:
		if known, err := s.consul.Registered(ctx, me.ID); known || err != nil {
			return err
		}
		return s.consul.Register(ctx, me)
	default:
	}
	// A process before this one may have been killed while it led, and started again before its check failed:
	// its lock goes with its check.
	if err := s.consul.Deregister(ctx, me.ID); err != nil {
		return err
	}
	if err := s.consul.Register(ctx, me); err != nil {
		return err
	}
	close(s.self.known)
	return nil
}

// service is this server as Consul is to know it. One that listens everywhere is reached at its node's
// address, and probed at the one that leads to the agent.
func (s *Server) service(ctx context.Context, at net.Addr) consul.Self {
	host, port := "127.0.0.1", 0
	if tcp, ok := at.(*net.TCPAddr); ok {
		host, port = tcp.IP.String(), tcp.Port
		if tcp.IP.IsUnspecified() {
			host = s.towardsConsul(ctx)
		}
	}
	me := consul.Self{
		ID: s.serviceID(), Name: s.cfg.Consul.Service, Address: host, Port: port, Tags: s.cfg.Consul.Tags,
		Meta:  map[string]string{"version": s.self.version, "name": s.self.name},
		Probe: "http://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/healthz",
	}
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() && net.ParseIP(host).IsLoopback() {
		me.Address = ""
	}
	return me
}

// towardsConsul is our own address as the Consul agent sees it. Nothing is sent.
func (s *Server) towardsConsul(ctx context.Context) string {
	const local = "127.0.0.1"
	u, err := url.Parse(s.cfg.Consul.Address)
	if err != nil {
		return local // Validate has seen that it can be parsed
	}
	dialer := net.Dialer{Timeout: farewell}
	conn, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "8500")))
	if err != nil {
		return local
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	if udp, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		return udp.IP.String()
	}
	return local
}
