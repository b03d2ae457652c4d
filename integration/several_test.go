package integration_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// several are Crumpet servers on one PostgreSQL, beside the server of the stack: with rules, keys and a lock
// of their own in its Consul; in Vault they share what its server has.
type several struct {
	*dev
	all      []*one
	database *pgtest.Cluster
}

// one is a Crumpet server.
type one struct {
	name, addr, config string
	data               string
	out                *buffer
	cmd                *exec.Cmd
	done               chan struct{} // closed when it has ended
}

// startSeveral starts n servers and waits until one of them leads. Artifacts are fetched by way of the
// router, which leads to whichever server answers.
func startSeveral(t testing.TB, n int) *several {
	t.Helper()
	cluster := pgtest.Own(t)
	database := cluster.Database(t)
	s := &several{dev: startDev(t), database: cluster}
	secret := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(secret, []byte(database+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s.all = append(s.all, s.configure(fmt.Sprint("server", i+1), secret))
	}
	for _, o := range s.all {
		s.startOne(o)
	}
	t.Cleanup(func() {
		for _, o := range s.all {
			s.stopOne(o)
			if t.Failed() {
				lines := slices.DeleteFunc(strings.Split(o.out.String(), "\n"), func(line string) bool {
					return strings.Contains(line, "path=/v1/servers ") // our own questions
				})
				t.Logf("last lines of %s:\n%s", o.name, strings.Join(lines[max(0, len(lines)-80):], "\n"))
			}
			if strings.Contains(o.out.String(), pgtest.Password) {
				t.Errorf("%s logs the password of the database", o.name)
			}
		}
	})
	for _, o := range s.all {
		s.ready(o)
	}
	s.info.Token = s.firstToken()
	s.use(s.all[0])
	s.leader()
	return s
}

// configure writes a server's configuration.
func (s *several) configure(name, secret string) *one {
	s.t.Helper()
	dir := s.t.TempDir()
	o := &one{name: name, addr: freeAddress(s.t), config: filepath.Join(dir, "server.hcl"), data: filepath.Join(dir, "data"), out: &buffer{}}
	drivers := "exec"
	if stack == "real" && os.Geteuid() != 0 {
		drivers = "raw_exec"
	}
	text := fmt.Sprintf(`
name      = %q
listen    = %q
advertise = %q
data      = %q
drivers   = [%q]
store { url_file = %q }
nomad { address = %q }
consul {
  address = %q
  rules   = "fabio/config/several/"
  service = "crumpet-several"
  tags    = ["urlprefix-/v1/artifacts/"]
  lock    = "several/leader"
}
vault {
  address    = %q
  token_file = %q
}
fabio {
  addresses = [%q]
  url       = %q
}
`, name, o.addr, s.info.Router, o.data, drivers, secret, s.info.Nomad, s.info.Consul,
		s.info.Vault, filepath.Join(s.dir, "crumpet", "vault-token"), s.info.Fabio, s.info.Router)
	if err := errors.Join(os.WriteFile(o.config, []byte(text), 0o600), os.MkdirAll(o.data, 0o700)); err != nil {
		s.t.Fatal(err)
	}
	shareCacheOf(s.t, o.data)
	return o
}

func shareCacheOf(t testing.TB, data string) {
	t.Helper()
	cache := filepath.Join(data, "cache")
	if err := errors.Join(os.MkdirAll(cache, 0o700), os.Symlink(caches(), filepath.Join(cache, "go"))); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the number is all that is wanted
	return l.Addr().String()
}

func (s *several) startOne(o *one) {
	s.t.Helper()
	o.cmd = exec.Command(crumpet, "server", "--config", o.config)
	o.cmd.Env = s.env()
	o.cmd.Stdout, o.cmd.Stderr = o.out, o.out
	if err := o.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	o.done = done
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // its log says why it ended
		close(done)
	}(o.cmd)
}

func (s *several) stopOne(o *one) {
	_ = o.cmd.Process.Signal(syscall.SIGCONT) // it may be stopped, or have ended
	_ = o.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.done:
	case <-time.After(30 * time.Second):
		s.t.Errorf("%s did not end within 30 s", o.name)
		_ = o.cmd.Process.Kill()
		<-o.done
	}
}

func (s *several) kill(o *one) {
	s.t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-o.done
}

func (s *several) signal(o *one, sig syscall.Signal) {
	s.t.Helper()
	if err := o.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *several) ready(o *one) {
	s.t.Helper()
	s.until(2*time.Minute, o.name+" is ready", func() bool {
		select {
		case <-o.done:
			s.t.Fatalf("%s ended:\n%s", o.name, o.out)
		default:
		}
		answer, err := http.Get("http://" + o.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// firstToken is in the data folder of one server, and of one only.
func (s *several) firstToken() string {
	s.t.Helper()
	var tokens []string
	for _, o := range s.all {
		if text, err := os.ReadFile(filepath.Join(o.data, "root-token")); err == nil {
			tokens = append(tokens, strings.TrimSpace(string(text)))
		}
	}
	if len(tokens) != 1 {
		s.t.Fatalf("%d servers have made a first token, want 1", len(tokens))
	}
	return tokens[0]
}

// use has the command line talk to a server.
func (s *several) use(o *one) { s.info.Addr = "http://" + o.addr }

// list is what a server says of all of them; nil if it does not answer.
func (s *several) list(o *one) []paas.Server {
	s.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+o.addr+"/v1/servers", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.info.Token)
	answer, err := client.Do(req)
	if err != nil {
		return nil
	}
	defer answer.Body.Close() //nolint:errcheck // read below
	var list struct{ Items []paas.Server }
	if json.NewDecoder(answer.Body).Decode(&list) != nil {
		return nil
	}
	return list.Items
}

// leader waits until some server leads, other than those named.
func (s *several) leader(but ...*one) *one {
	s.t.Helper()
	var found *one
	s.until(time.Minute, "a server leads", func() bool {
		for _, asked := range s.all {
			if slices.Contains(but, asked) {
				continue
			}
			for _, told := range s.list(asked) {
				for _, o := range s.all {
					if told.State == paas.ServerLeader && told.Name == o.name && !slices.Contains(but, o) {
						found = o
					}
				}
			}
		}
		return found != nil
	})
	return found
}

func (s *several) follower(but ...*one) *one {
	for _, o := range s.all {
		if !slices.Contains(but, o) {
			return o
		}
	}
	s.t.Fatal("there is no other server")
	return nil
}

// reader follows the events of all teams, from the first on, at one server after the other: when a stream
// breaks it goes on at the next with the last id it has seen.
type reader struct {
	mu      sync.Mutex
	events  []paas.Event // guarded by mu
	resumed int          // guarded by mu: streams begun
	stop    func()
}

func (s *several) follow(order ...*one) *reader {
	s.t.Helper()
	r := &reader{}
	end, done := make(chan struct{}), make(chan struct{})
	r.stop = sync.OnceFunc(func() { close(end); <-done })
	s.t.Cleanup(r.stop)
	go func() {
		defer close(done)
		last := ""
		for n := 0; ; n++ {
			last = s.stream(r, order[n%len(order)], last, end)
			select {
			case <-end:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return r
}

// stream reads one stream until it breaks, and gives the last id.
func (s *several) stream(r *reader, at *one, last string, end <-chan struct{}) string {
	req, err := http.NewRequest(http.MethodGet, "http://"+at.addr+"/v1/events?team=*", nil)
	if err != nil {
		return last
	}
	req.Header.Set("Authorization", "Bearer "+s.info.Token)
	req.Header.Set("Last-Event-ID", cmp.Or(last, "0"))
	answer, err := (&http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 5 * time.Second}}).Do(req)
	if err != nil {
		return last
	}
	defer answer.Body.Close() //nolint:errcheck // closed to end it
	if answer.StatusCode != http.StatusOK {
		return last
	}
	r.mu.Lock()
	r.resumed++
	r.mu.Unlock()
	quiet := time.AfterFunc(30*time.Second, func() { _ = answer.Body.Close() }) // two heartbeats: the server hangs
	defer quiet.Stop()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-end:
			_ = answer.Body.Close() // ends the reading below
		case <-over:
		}
	}()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		quiet.Reset(30 * time.Second)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e paas.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			s.t.Errorf("no event: %s", data)
			return last
		}
		last = strconv.FormatInt(e.ID, 10)
		r.mu.Lock()
		r.events = append(r.events, e)
		r.mu.Unlock()
	}
	return last
}

func (r *reader) seen() (events []paas.Event, streams int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]paas.Event(nil), r.events...), r.resumed
}
