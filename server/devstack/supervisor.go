package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Config describes one `crumpet dev`.
type Config struct {
	Dir      string   // the data folder, made if missing
	Listen   string   // of the server; port 0 is chosen once and kept
	Router   string   // of the router; port 0 as well
	Programs Programs // from Find
	Postgres Postgres // from FindPostgres; the zero value for none
	Nodes    int      // clients of Nomad, 1 unless said
	Vault    VaultSetup
	Self     []string // the command line of Serve without a name: crumpet devstack

	// Server describes the server's child. It is asked when the stack is ready.
	Server func(Stack) (Server, error)
	// Serves is called once, when the server serves and before anybody is told: for what an operator would tell
	// it first. Default: nothing.
	Serves func(ctx context.Context, stack Stack, token string) error
	// Ready is told of each child that serves, again after a restart. Default: nobody.
	Ready func(name string, pid int)
	// Started is told once, when all is ready and dev.json is written.
	Started func(Info)
	// TaskGrace is what tasks get at the end between SIGTERM and SIGKILL; default 5 s.
	TaskGrace time.Duration
	Log       *slog.Logger
}

// Stack is what a server needs to know of the parts below it. Addresses are URLs.
type Stack struct {
	Dir                  string // absolute
	Listen               string // where the server shall listen, host:port
	Addr                 string // the same as a URL
	Nomad, Consul, Vault string
	Router, Fabio        string
	RouterListen         string // host:port of Router
	VaultToken           string // the server's own, of its policy only; never logged
	Programs             Programs
	Postgres             StackPostgres
}

// Server is the server's command, and the token that dev.json names.
type Server struct {
	Argv     []string
	Env      []string // nil: what dev sees
	ReadyURL string   // answers 200 when the server serves; default ADDR/readyz
	Token    string
	User     string // who can sign in at the server's pages, with Password; "" for nobody
	Password string
}

// MaxNodes is how many clients share one machine: each believes to have it for itself.
const MaxNodes = 4

// Supervisor runs one stack.
type Supervisor struct {
	config Config
	log    *slog.Logger
	dir    string
	tasks  net.Listener // holds the block of ports for tasks while Run runs

	mu   sync.Mutex // guards what follows
	pids map[string]int
	info *Info // nil until all is ready, and again once the end began
}

// New checks the configuration and makes the folder.
func New(c Config) (*Supervisor, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // one folder, one mark
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.TaskGrace == 0 {
		c.TaskGrace = 5 * time.Second
	}
	if c.Nodes == 0 {
		c.Nodes = 1
	}
	if c.Nodes < 1 || c.Nodes > MaxNodes {
		return nil, fmt.Errorf("%d nodes: one machine has 1 to %d", c.Nodes, MaxNodes)
	}
	return &Supervisor{config: c, log: c.Log.With("component", "dev"), dir: dir, pids: map[string]int{"dev": os.Getpid()}}, nil
}

// Run starts everything, and stops it when ctx ends. It returns an error if something never got ready, or
// could not be stopped; a child that dies later is started again.
func (s *Supervisor) Run(ctx context.Context) error {
	held, err := lock(ctx, s.dir)
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	if n := sweep(ctx, s.dir, os.Getpid()); n > 0 {
		s.log.Warn("processes left behind by an earlier dev killed", "count", n)
	}
	for node := range MaxNodes {
		for _, name := range []string{"nomad", "consul"} { // of a machine that was dead when dev ended
			if err := os.Remove(builder{dir: s.dir}.holdFile(numbered(name, node))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("start: %w", err)
			}
		}
	}
	// All tasks ended with the dev before this one. What the stand-in's executors noted of that is not told: the
	// tasks are started anew, and did not fail.
	if err := os.RemoveAll(filepath.Join(s.dir, "nomad", "run")); err != nil {
		return fmt.Errorf("forget runs of tasks: %w", err)
	}
	if err := removeInfo(s.dir); err != nil { // of a dev that was killed
		return err
	}
	defer func() {
		if s.tasks != nil {
			_ = s.tasks.Close() // nothing was ever accepted
		}
	}()
	b, children, err := s.plan()
	if err != nil {
		return err
	}
	g, err := startGuard(s.config.Self, s.dir, held)
	if err != nil {
		return err
	}
	err = s.runAll(ctx, b, children, g.cmd.Process.Pid)
	if failure := g.release(); failure != nil { // somebody killed the guard: do its work
		s.log.Warn("guard failed", "err", failure)
		clean(context.WithoutCancel(ctx), s.log, s.dir, os.Getpid())
	}
	return err
}

// started is a child that runs: stop ends it and waits.
type started struct {
	name string
	stop func()
}

func (s *Supervisor) runAll(ctx context.Context, b builder, children []Child, guardPid int) (err error) {
	var up []started
	defer func() {
		s.mu.Lock()
		s.info = nil
		s.mu.Unlock()
		err = errors.Join(err, removeInfo(s.dir))
		s.stopAll(context.WithoutCancel(ctx), up, guardPid)
	}()
	var later []func() error // wait for children in the background
	for _, c := range children {
		child, wait := s.launch(ctx, c)
		up = append(up, child)
		if c.Background {
			later = append(later, wait)
			continue
		}
		if err := wait(); err != nil || ctx.Err() != nil { // asked to end while starting is no failure
			return err
		}
	}
	for _, wait := range later {
		if err := wait(); err != nil { // it is the one that the others can do without
			s.log.Warn("postgres did not start", "err", err)
			b.stack.Postgres = StackPostgres{Missing: fmt.Sprintf("The PostgreSQL of this machine did not start. %s says why; then start crumpet dev again.", b.logFile("postgres"))}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	stack := b.stack
	if stack.VaultToken, err = b.vault.setUp(ctx, stack.Vault, stack.Nomad, s.config.Vault); err != nil {
		if ctx.Err() != nil {
			return nil // asked to end while starting is no failure
		}
		return fmt.Errorf("set up vault: %w", err)
	}
	server, err := s.config.Server(stack)
	if err != nil {
		return err
	}
	child, wait := s.launch(ctx, serverChild(s.dir, stack, server))
	up = append(up, child)
	if err := wait(); err != nil || ctx.Err() != nil {
		return err
	}
	if s.config.Serves != nil {
		if err := s.config.Serves(ctx, stack, server.Token); err != nil || ctx.Err() != nil {
			return err
		}
	}
	if err := s.publish(stack, server, b.describeNodes()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// launch runs a child; wait returns when it serves, or never will, or ctx ended.
func (s *Supervisor) launch(ctx context.Context, c Child) (child started, wait func() error) {
	// Children are stopped one by one, in reverse order, so ctx must not stop them all at once.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &minder{Child: c, log: s.log, dir: s.dir, ready: s.childReady}
	ready, done := make(chan struct{}), make(chan struct{})
	var failure error
	go func() {
		defer close(done)
		failure = m.run(own, ready)
	}()
	return started{name: c.Name, stop: func() { cancel(); <-done }}, func() error {
		select {
		case <-ready:
			return nil
		case <-done:
			return failure
		case <-ctx.Done():
			return nil
		}
	}
}

// stopAll ends the children in reverse order, and the tasks once Nomad can't start them again.
func (s *Supervisor) stopAll(ctx context.Context, up []started, guardPid int) {
	for _, child := range slices.Backward(up) {
		child.stop()
		s.log.Debug("child stopped", "name", child.name)
		if child.name == "nomad" {
			s.mu.Lock()
			except := []int{os.Getpid(), guardPid, s.pids["vault"], s.pids["postgres"]}
			for node := range s.config.Nodes {
				except = append(except, s.pids[numbered("consul", node)])
			}
			s.mu.Unlock()
			endTasks(ctx, s.dir, s.config.TaskGrace, except...)
		}
	}
}

// childReady notes the pid of a child that serves; once dev.json exists, it follows.
func (s *Supervisor) childReady(name string, pid int) {
	s.mu.Lock()
	s.pids[name] = pid
	if s.info != nil {
		s.info.Pids = maps.Clone(s.pids)
		if err := writeJSON(infoPath(s.dir), s.info); err != nil {
			s.log.Error("dev.json not written", "err", err)
		}
	}
	s.mu.Unlock()
	if s.config.Ready != nil {
		s.config.Ready(name, pid)
	}
}

// publish writes dev.json and tells the caller.
func (s *Supervisor) publish(stack Stack, server Server, nodes []Node) error {
	s.mu.Lock()
	info := Info{
		Addr: stack.Addr, Nomad: stack.Nomad, Consul: stack.Consul, Vault: stack.Vault, Router: stack.Router, Fabio: stack.Fabio,
		Postgres: stack.Postgres.URL(), Token: server.Token, User: server.User, Password: server.Password,
		Nodes: nodes, Pids: maps.Clone(s.pids), Stack: s.config.Programs.Stack(),
	}
	published := info
	s.info = &published
	err := writeJSON(infoPath(s.dir), info)
	s.mu.Unlock()
	if err == nil && s.config.Started != nil {
		s.config.Started(info)
	}
	return err
}
