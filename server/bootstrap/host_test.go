package bootstrap_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// fakeHost is a machine in memory. Scripts are run by the first of its commands that knows them.
type fakeHost struct {
	name  string
	death *death

	mu       sync.Mutex
	files    map[string]bootstrap.File
	notes    map[string]string // what commands keep
	commands []command
	heldBy   string
	lost     chan struct{} // of who holds the lock
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// command runs scripts that contain a text.
type command struct {
	has string
	run func(h *fakeHost, script string, input []byte) ([]byte, error)
}

// death ends a run at one of the calls that it makes: none is answered from then on. With after, the call itself
// still has its effect, of which the run never hears.
type death struct {
	mu    sync.Mutex
	calls int
	at    int // 0 for never
	after bool
	ends  func() // told at each call of a run that is dead; may be nil
}

func (d *death) call(do func() error) error {
	d.mu.Lock()
	d.calls++
	n, at, after := d.calls, d.at, d.after
	d.mu.Unlock()
	gone := paas.Errorf(paas.Unavailable, "The run was killed.")
	if at > 0 && (n > at || n == at && !after) {
		if d.ends != nil {
			d.ends()
		}
		return gone
	}
	err := do()
	if at > 0 && n == at {
		return gone
	}
	return err
}

// revive lets calls through until the next one numbered at.
func (d *death) revive(at int, after bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls, d.at, d.after = 0, at, after
}

func (d *death) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

func (h *fakeHost) on(has string, run func(h *fakeHost, script string, input []byte) ([]byte, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commands = append(h.commands, command{has, run})
}

func (h *fakeHost) Run(_ context.Context, script string, input []byte) (output []byte, err error) {
	err = h.death.call(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range h.commands {
			if strings.Contains(script, c.has) {
				output, err = c.run(h, script, input)
				return err
			}
		}
		return paas.Errorf(paas.Internal, "A command on machine %q ended with status 127: %s: not found", h.name, script)
	})
	return output, err
}

func (h *fakeHost) Read(_ context.Context, name string) (content []byte, err error) {
	err = h.death.call(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		f, ok := h.files[path.Clean(name)]
		if !ok {
			return paas.Errorf(paas.NotFound, "Machine %q has no file %s.", h.name, name)
		}
		content = slices.Clone(f.Content)
		return nil
	})
	return content, err
}

func (h *fakeHost) Write(_ context.Context, f bootstrap.File) error {
	return h.death.call(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.put(f)
		return nil
	})
}

// put writes a file; the lock is held.
func (h *fakeHost) put(f bootstrap.File) {
	f.Content = slices.Clone(f.Content)
	h.files[path.Clean(f.Path)] = f
}

func (h *fakeHost) Upload(ctx context.Context, name string, content io.Reader, size int64, mode fs.FileMode) error {
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if int64(len(text)) != size {
		return fmt.Errorf("%d bytes came, not %d", len(text), size)
	}
	return h.Write(ctx, bootstrap.File{Path: name, Content: text, Mode: mode})
}

func (h *fakeHost) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = h.death.call(func() error {
		if h.dial == nil {
			return paas.Errorf(paas.Unavailable, "Nothing answers at %s on machine %q.", address, h.name)
		}
		conn, err = h.dial(ctx, network, address)
		return err
	})
	return conn, err
}

// Hold gives its lock back when the run dies, as the real one does.
func (h *fakeHost) Hold(_ context.Context, _, holder string) (<-chan struct{}, func(), error) {
	lost := make(chan struct{})
	err := h.death.call(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.heldBy != "" {
			return paas.Errorf(paas.Conflict, "Another run holds the lock of machine %q: %s.", h.name, h.heldBy)
		}
		h.heldBy, h.lost = holder, lost
		return nil
	})
	release := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.heldBy = ""
	}
	if paas.CodeOf(err) == paas.Unavailable {
		release()
	}
	return lost, release, err
}

// lose breaks the connection of who holds the lock.
func (h *fakeHost) lose() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heldBy = ""
	close(h.lost)
}

// state is all that a machine holds.
func (h *fakeHost) state() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := maps.Clone(h.notes)
	for name, f := range h.files {
		all[name] = fmt.Sprintf("%s %s %s", f.Mode, f.Owner, f.Content)
	}
	return all
}

// fakeWorld has machines in memory, and keeps secrets in a map that outlives runs.
type fakeWorld struct {
	fleet fleet.Fleet
	hosts map[string]*fakeHost
	death *death
	kept  map[string]string
	saves int
	open  func(ctx context.Context, source string) (io.ReadCloser, error)
}

// newWorld makes one of 3 servers and 2 clients.
func newWorld(t testing.TB) *fakeWorld {
	t.Helper()
	f := fleet.Fleet{Name: "prod", Region: "global", Domain: "apps.example.com", Init: fleet.Systemd, SSH: fleet.SSH{User: "root", Port: 22}}
	for i := range 3 {
		f.Machines = append(f.Machines, fleet.Machine{Name: fmt.Sprintf("server-%d", i+1), Address: fmt.Sprintf("10.77.0.%d", 11+i), Roles: []fleet.Role{fleet.Server}, Root: "/"})
	}
	for i := range 2 {
		f.Machines = append(f.Machines, fleet.Machine{Name: fmt.Sprintf("client-%d", i+1), Address: fmt.Sprintf("10.77.0.%d", 21+i), Roles: []fleet.Role{fleet.Client}, Root: "/"})
	}
	w := &fakeWorld{fleet: f, hosts: map[string]*fakeHost{}, death: &death{}, kept: map[string]string{}}
	for _, m := range f.Machines {
		w.hosts[m.Name] = &fakeHost{name: m.Name, death: w.death, files: map[string]bootstrap.File{}, notes: map[string]string{}}
	}
	return w
}

// run gives the world as a new process finds it.
func (w *fakeWorld) run() *bootstrap.World {
	world := &bootstrap.World{
		Fleet: w.fleet, Hosts: map[string]bootstrap.Host{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Say: func(string, ...any) {}, Open: w.open,
		Seal: func(k fleet.Keeper, plain []byte) ([]byte, error) {
			return []byte("sealed to " + k.Name + ": " + string(plain)), nil
		},
	}
	for name, h := range w.hosts {
		world.Hosts[name] = h
	}
	world.Kept = bootstrap.NewKept(w.kept, func(_ context.Context, values map[string]string) error {
		return w.death.call(func() error {
			w.kept = maps.Clone(values)
			w.saves++
			return nil
		})
	})
	return world
}

// state is all that the machines hold, and what is kept.
func (w *fakeWorld) state() map[string]map[string]string {
	all := map[string]map[string]string{"kept": maps.Clone(w.kept)}
	for name, h := range w.hosts {
		all[name] = h.state()
	}
	return all
}
