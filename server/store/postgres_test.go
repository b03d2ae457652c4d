package store_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

func openURL(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	return s
}

// must is for calls that have nothing to fail for.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s until %s", limit, what)
		}
	}
}

// heard collects what a store was told.
type heard struct {
	mu     sync.Mutex
	refs   map[paas.AppRef]int
	builds int
}

func (h *heard) config(address string) store.Config {
	h.refs = map[paas.AppRef]int{}
	return store.Config{
		URL:          address,
		Notify:       func(ref paas.AppRef) { h.mu.Lock(); h.refs[ref]++; h.mu.Unlock() },
		NotifyBuilds: func() { h.mu.Lock(); h.builds++; h.mu.Unlock() },
	}
}

func (h *heard) of(app string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refs[paas.AppRef{Team: "default", App: app}]
}

func (h *heard) ofBuilds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.builds
}

// listen runs a store until the test ends.
func listen(t testing.TB, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = s.Run(ctx) // ends with ctx only
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func addApp(t testing.TB, s *store.Store, app string) {
	t.Helper()
	ref := paas.AppRef{Team: "default", App: app}
	must(t, s.Save(t.Context(), 0, paas.Change{
		Ref: ref, App: &paas.App{Team: ref.Team, Name: ref.App}, Events: []paas.Event{{Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged}},
	}))
}

func TestServersHearOfEachOthersCommits(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	address := cluster.Database(t)
	var ours, theirs heard
	a, b := openURL(t, ours.config(address)), openURL(t, theirs.config(address))
	addApp(t, a, "early")
	listen(t, a)
	listen(t, b)
	within(t, 20*time.Second, "b is told of what was there before it listened", func() bool { return theirs.of("early") > 0 && theirs.ofBuilds() > 0 })
	within(t, 20*time.Second, "a listens as well, and is told of everything", func() bool { return ours.of("early") > 1 })
	addApp(t, a, "shop")
	within(t, 20*time.Second, "b is told of a's app", func() bool { return theirs.of("shop") > 0 })
	if n := ours.of("shop"); n != 1 {
		t.Errorf("a was told %d times of its own commit, want once", n)
	}
	before := theirs.ofBuilds()
	must(t, a.PutBuild(t.Context(), paas.BuildJob{ID: "b1", Team: "default", App: "shop"}))
	within(t, 20*time.Second, "b is told of a's build", func() bool { return theirs.ofBuilds() > before })

	began := time.Now()
	for n := range 10 { // by looking alone each would take two seconds
		before := theirs.of("shop")
		must(t, a.Emit(t.Context(), paas.Event{Team: "default", App: "shop", Kind: paas.EventDrift, Message: fmt.Sprint(n)}))
		within(t, 20*time.Second, "b is told of a's event", func() bool { return theirs.of("shop") > before })
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("ten commits were told after %s: not announced, but found by looking", took)
	}
	before = theirs.of("shop")
	var last time.Time
	within(t, 30*time.Second, "b finds commits that are not announced", func() bool {
		if time.Since(last) > 3*time.Second { // while announcements come it trusts them
			pgtest.Exec(t.Context(), t, address, "UPDATE counters SET value = value + 1 WHERE name = 'version'")
			last = time.Now()
		}
		return theirs.of("shop") > before
	})

	var many paas.Observation // of more apps than one announcement holds
	for n := range 600 {
		app := fmt.Sprint("app-with-a-long-name-", n)
		many.Events = append(many.Events, paas.Event{Team: "default", App: app, Kind: paas.EventDrift})
	}
	before = theirs.of("shop")
	must(t, a.Observe(t.Context(), 0, many))
	within(t, 20*time.Second, "b is told of everything", func() bool { return theirs.of("shop") > before })

	must(t, cluster.Halt())
	before = theirs.of("shop") // while nobody can tell it anything
	must(t, cluster.Restart())
	within(t, 30*time.Second, "b listens again, and is told of everything", func() bool { return theirs.of("shop") > before })
	addApp(t, a, "late")
	within(t, 20*time.Second, "b is told of an app made after the restart", func() bool { return theirs.of("late") > 0 })
}

func TestADeadConnectionCostsNoCall(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	address := cluster.Database(t)
	s := openURL(t, store.Config{URL: address})
	u, err := url.Parse(address)
	must(t, err)
	for round := range 5 {
		addApp(t, s, fmt.Sprint("app", round))
		pgtest.Exec(t.Context(), t, cluster.URL("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+strings.TrimPrefix(u.Path, "/")+"'")
		ref := paas.AppRef{Team: "default", App: fmt.Sprint("app", round)}
		snap, err := s.Snapshot(t.Context(), ref)
		must(t, err)
		must(t, s.Save(t.Context(), 0, paas.Change{Ref: ref, Version: snap.Version}))
		must(t, s.Ping(t.Context()))
	}
}

// TestACommitWhoseAnswerIsLostIsNotRepeated: between the server and its database something cuts the line
// within a transaction, which is run again, and just as a commit is answered.
func TestACommitWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	straight := openURL(t, store.Config{URL: address})
	cut := newCutter(t, address)
	s := openURL(t, store.Config{URL: cut.url})
	cut.arm("insert into")
	must(t, s.Emit(t.Context(), paas.Event{Team: "default", App: "shop", Kind: paas.EventDrift, Message: "before"})) // in time to be repeated
	if !cut.used() {
		t.Fatal("no insert was cut")
	}
	cut.arm("commit\x00")
	err := s.Emit(t.Context(), paas.Event{Team: "default", App: "shop", Kind: paas.EventDrift, Message: "once"})
	if paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("Emit = %v, want unavailable: nobody knows whether it happened", err)
	}
	if !cut.used() {
		t.Fatal("no commit was cut")
	}
	must(t, s.Emit(t.Context(), paas.Event{Team: "default", App: "shop", Kind: paas.EventDrift, Message: "after"}))
	events, err := straight.Events(t.Context(), paas.EventFilter{})
	must(t, err)
	var messages []string
	for _, e := range events {
		messages = append(messages, e.Message)
	}
	if got := strings.Join(messages, " "); got != "before once after" {
		t.Errorf("events %q, want each once", got)
	}
}

// cutter is a proxy before a database that, once armed, passes one message on and drops its answer.
type cutter struct {
	url string

	mu    sync.Mutex
	armed string // guarded by mu: in lower case, part of the message; "" for none
}

func newCutter(t testing.TB, address string) *cutter {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	database := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	u.Host = l.Addr().String()
	u.RawQuery = "sslmode=disable"
	c := &cutter{url: u.String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(client, database)
		}
	}()
	return c
}

func (c *cutter) arm(word string) { c.mu.Lock(); c.armed = word; c.mu.Unlock() }

func (c *cutter) used() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.armed == ""
}

// cuts says whether a message to the database is the one to be cut at.
func (c *cutter) cuts(message string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed == "" || !strings.Contains(strings.ToLower(message), c.armed) {
		return false
	}
	c.armed = ""
	return true
}

func (c *cutter) pass(client net.Conn, database string) {
	defer client.Close() //nolint:errcheck // a proxy of a test
	server, err := net.Dial("tcp", database)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // as above
	dropping := make(chan struct{})
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			select {
			case <-dropping: // it has been answered: it is done
				_ = client.Close()
				return
			default:
			}
			if err != nil {
				_ = client.Close()
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if c.cuts(string(buffer[:n])) {
			close(dropping)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestSeveralServersOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := store.Open(context.Background(), store.Config{URL: address})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	all.Wait()
}

func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	good := cluster.Database(t)
	const secret = "s3cret-of-somebody"
	with := func(change func(u *url.URL)) string {
		u, err := url.Parse(good)
		must(t, err)
		u.User = url.UserPassword("crumpet", secret)
		change(u)
		return u.String()
	}
	for name, test := range map[string]struct {
		address string
		code    paas.Code
	}{
		"a wrong password":        {with(func(*url.URL) {}), paas.Forbidden},
		"nobody listens":          {with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), paas.Unavailable},
		"no URL":                  {"postgres://crumpet:" + secret + "@127.0.0.1:port%/x", paas.Invalid},
		"an unknown setting":      {with(func(u *url.URL) { u.RawQuery = "sslmode=" + secret }), paas.Invalid},
		"a host that is not here": {with(func(u *url.URL) { u.Host = "database.invalid:5432" }), paas.Unavailable},
		"no such database": {func() string {
			u, err := url.Parse(good)
			must(t, err)
			u.Path = "/nothing"
			return u.String()
		}(), paas.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := store.Open(t.Context(), store.Config{URL: test.address})
			if paas.CodeOf(err) != test.code {
				t.Errorf("Open = %v (%s), want code %s", err, paas.CodeOf(err), test.code)
			}
			for _, text := range []string{fmt.Sprintf("%+v", err), paas.MessageOf(err)} {
				if strings.Contains(text, secret) || strings.Contains(text, pgtest.Password) {
					t.Errorf("the error shows the password: %s", text)
				}
			}
		})
	}
}

// leadEnv makes this test binary a leader that writes without end: its value is the URL.
const leadEnv = "CRUMPET_STORE_TEST_LEAD"

// leadOn leads, and writes big observations until it is refused.
func leadOn(address string) {
	s, err := store.Open(context.Background(), store.Config{URL: address})
	if err != nil {
		os.Exit(3)
	}
	epoch, err := s.Lead(context.Background())
	if err != nil {
		os.Exit(4)
	}
	o := paas.Observation{Events: []paas.Event{{Team: "default", App: "shop", Kind: paas.EventDrift, Message: fmt.Sprint(epoch)}}}
	for n := range 500 {
		o.Instances = append(o.Instances, paas.Instance{ID: strconv.Itoa(n), Team: "default", App: "shop"})
	}
	fmt.Println("leading")
	for {
		err := s.Observe(context.Background(), epoch, o)
		if paas.CodeOf(err) == paas.Conflict {
			fmt.Println("refused")
			os.Exit(0)
		}
		if err != nil {
			fmt.Println("trouble:", err)
		}
	}
}

// TestAStoppedLeaderHoldsNobodyUp: a leader is stopped in the middle of a write, which holds locks in the
// database. Another leads within seconds, and when the first goes on it is refused.
func TestAStoppedLeaderHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	s := openURL(t, store.Config{URL: address})
	self, err := os.Executable()
	must(t, err)
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), leadEnv+"="+address)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "leading" {
		t.Fatalf("the child said %q", lines.Text())
	}
	within(t, 30*time.Second, "the child is in the thick of it", func() bool {
		last, err := s.LastEvent(t.Context())
		must(t, err)
		return last >= 3
	})
	must(t, child.Process.Signal(syscall.SIGSTOP))
	began := time.Now()
	epoch, err := s.Lead(t.Context())
	if err != nil {
		t.Fatalf("Lead while the leader before is stopped: %v", err)
	}
	t.Logf("led %.1f s after the leader before was stopped in the middle of a write", time.Since(began).Seconds())
	last, err := s.LastEvent(t.Context())
	must(t, err)
	must(t, child.Process.Signal(syscall.SIGCONT))
	refused := false
	for lines.Scan() {
		t.Logf("the child says %q", lines.Text())
		refused = refused || lines.Text() == "refused"
	}
	must(t, child.Wait())
	if !refused {
		t.Error("the child was not refused")
	}
	if now, err := s.LastEvent(t.Context()); err != nil || now != last {
		t.Errorf("the last event was %d and is %d: the child wrote after another led (%v)", last, now, err)
	}
	must(t, s.Observe(t.Context(), epoch, paas.Observation{}))
}

func TestAKilledWriterLeavesWholeChangesOnlyInPostgreSQL(t *testing.T) {
	t.Parallel()
	killedWriter(t, store.Config{URL: pgtest.Start(t).Database(t)})
}
