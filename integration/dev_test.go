package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
)

// dev is a running `crumpet dev`.
type dev struct {
	t    testing.TB
	dir  string // its data folder
	args []string
	more []string // of the environment of crumpet dev, NAME=VALUE
	home string   // of the users who talk to it
	cmd  *exec.Cmd
	out  *buffer
	done chan struct{} // closed when it has ended
	info struct {
		Addr, Nomad, Consul, Vault, Router, Fabio, Token, User, Password string
		Pids                                                             map[string]int
		Stack                                                            map[string]string
		Nodes                                                            []machine
	}
}

// caches are shared by the stacks of one run, so that the Go toolchain compiles the standard library
// once.
var caches = sync.OnceValue(func() string {
	dir := os.Getenv("CRUMPET_TEST_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			base = os.TempDir()
		}
		dir = filepath.Join(base, "crumpet-integration")
	}
	_ = os.MkdirAll(dir, 0o700) // the first build says so if it can't be made
	return dir
})

// startDev starts a stack on free ports and ends it with the test. Args are further flags of crumpet dev.
func startDev(t testing.TB, args ...string) *dev {
	t.Helper()
	return startDevWith(t, nil, args...)
}

// startDevWith is startDev with more of an environment for crumpet dev.
func startDevWith(t testing.TB, more []string, args ...string) *dev {
	t.Helper()
	if securing != nil {
		return securing.story(t)
	}
	d := &dev{t: t, args: args, more: more, dir: filepath.Join(t.TempDir(), "dev"), home: t.TempDir()}
	shareCache(t, d.dir)
	d.start()
	t.Cleanup(d.stop)
	t.Cleanup(func() {
		if t.Failed() {
			d.tellLogs()
		}
	})
	return d
}

// shareCache makes the build cache of a data folder a link to the common one.
func shareCache(t testing.TB, dir string) {
	t.Helper()
	data := filepath.Join(dir, "crumpet", "cache")
	if err := errors.Join(os.MkdirAll(data, 0o700), os.Symlink(caches(), filepath.Join(data, "go"))); err != nil {
		t.Fatal(err)
	}
}

// start starts crumpet dev, again where somebody else took a port between its choice and its use: many stacks start
// at once here, and dev keeps the ports that are free and chooses the others anew.
func (d *dev) start() {
	d.t.Helper()
	for range 3 {
		d.begin()
		ended := false
		d.until(time.Minute, "dev.json is written", func() bool {
			select {
			case <-d.done:
				ended = true
			default:
			}
			return ended || d.read() == nil && d.info.Pids["dev"] == d.cmd.Process.Pid // a dev that was killed leaves its own behind
		})
		if !ended {
			return
		}
		if !strings.Contains(d.out.String(), "address already in use") {
			break
		}
	}
	d.t.Fatalf("crumpet dev ended:\n%s", d.out)
}

func (d *dev) begin() {
	d.t.Helper()
	d.out = &buffer{}
	// A database takes seconds to make: stories that need one say --postgres auto after this.
	args := append([]string{"dev", "--stack", stack, "--data", d.dir, "--listen", "127.0.0.1:0", "--router", "127.0.0.1:0", "--postgres", "off"}, d.args...)
	d.cmd = exec.Command(crumpet, args...)
	d.cmd.Env = append(d.env(), d.more...)
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan struct{})
	go func() {
		_ = d.cmd.Wait() // its output says why it ended
		close(d.done)
	}()
}

// read reads dev.json again: pids change when a child is started again.
func (d *dev) read() error {
	text, err := os.ReadFile(filepath.Join(d.dir, "dev.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &d.info)
}

func (d *dev) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-d.done:
	case <-time.After(time.Minute):
		d.t.Errorf("crumpet dev did not end within a minute:\n%s", d.out)
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

func (d *dev) env() []string {
	env := []string{"HOME=" + d.home, "XDG_CONFIG_HOME=" + filepath.Join(d.home, ".config")}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name != "HOME" && name != "XDG_CONFIG_HOME" && name != "AWS_CA_BUNDLE" && !strings.HasPrefix(name, "CRUMPET_") {
			env = append(env, kv)
		}
	}
	return env
}

func (d *dev) tellLogs() {
	d.t.Logf("dev said:\n%s", d.out)
	for _, name := range []string{"crumpet", "nomad", "router"} {
		text, err := os.ReadFile(filepath.Join(d.dir, name, name+".log"))
		if err == nil {
			lines := strings.Split(string(text), "\n")
			d.t.Logf("last lines of %s.log:\n%s", name, strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
	}
}

// in gives the same stack for a subtest, so that its failures are its own.
func (d *dev) in(t testing.TB) *dev {
	of := *d
	of.t = t
	return &of
}

// until waits for something, with a deadline.
func (d *dev) until(limit time.Duration, what string, ok func() bool) {
	d.t.Helper()
	if !d.eventually(limit, ok) {
		d.t.Fatalf("waited %s until %s", limit, what)
	}
}

// eventually asks ever less often, as what is not so at once mostly takes seconds, and asking is work: for at most
// limit, and says whether it came to be.
func (d *dev) eventually(limit time.Duration, ok func() bool) bool {
	pause := 20 * time.Millisecond
	for deadline := time.Now().Add(limit); !ok(); pause = min(pause*3/2, 200*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// result is how one run of the CLI ended.
type result struct {
	code   int
	out    string // stdout
	errOut string
}

func (r result) String() string {
	return fmt.Sprintf("exit %d\n--- stdout\n%s--- stderr\n%s", r.code, r.out, r.errOut)
}

// cli runs the program in a folder, as a user of this stack.
func (d *dev) cli(dir string, args ...string) result {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), 4*time.Minute)
	defer stop()
	cmd := d.command(ctx, dir, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatalf("crumpet %s: %v", strings.Join(args, " "), err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

func (d *dev) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, crumpet, args...)
	cmd.Dir = dir
	cmd.Env = append(d.env(), "CRUMPET_ADDR="+d.info.Addr, "CRUMPET_TOKEN="+d.info.Token)
	return cmd
}

// ok is cli for a run that must succeed.
func (d *dev) ok(dir string, args ...string) string {
	d.t.Helper()
	r := d.cli(dir, args...)
	if r.code != 0 {
		d.t.Fatalf("crumpet %s: %s", strings.Join(args, " "), r)
	}
	return r.out
}

// json is ok for a run that prints JSON.
func (d *dev) json(into any, dir string, args ...string) {
	d.t.Helper()
	out := d.ok(dir, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		d.t.Fatalf("crumpet %s --json printed no JSON: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// page fetches a path of a host through the router.
func (d *dev) page(host, path string) (status int, body string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.info.Router+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Host = host + ":" + req.URL.Port() // as a browser sends it
	return answerTo(req)
}

// answerTo gives the answer to a request, or status 0 and why there is none.
func answerTo(req *http.Request) (status int, body string) {
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(text)
}

// get fetches a URL of the stack, with a token or without.
func (d *dev) get(url, token string) (status int, body string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// artifact is the digest of what a release runs.
func (d *dev) artifact(app string, release int) string {
	d.t.Helper()
	var r struct{ Artifact string }
	code, body := d.get(fmt.Sprintf("%s/v1/apps/%s/releases/%d", d.info.Addr, app, release), d.info.Token)
	if err := json.Unmarshal([]byte(body), &r); err != nil || code != http.StatusOK || len(r.Artifact) != 64 {
		d.t.Fatalf("release %d of %s: %d %s", release, app, code, body)
	}
	return r.Artifact
}

// status is what `crumpet status APP --json` prints.
type status struct {
	App, Team, Status, Reason, Slot string
	Release                         int
	Processes                       []struct {
		Name                     string
		Wanted, Running, Healthy int
	}
	Instances []struct {
		ID, Process, Slot, State, Health, Node, Reason string
		Release                                        int
		Since                                          time.Time
	}
	Routes []struct{ Host, Path, URL, State string }
}

func (d *dev) status(app string) status {
	d.t.Helper()
	var s status
	d.shown(&s, app)
	return s
}

// shown decodes the status of an app, as the CLI prints it: a story that waits asks many times, and to start the program
// each time would be most of its work.
func (d *dev) shown(into any, app string) {
	d.t.Helper()
	c, err := client.New(client.Config{Addr: d.info.Addr, Token: d.info.Token, FirstPatience: time.Minute, Transport: http.DefaultTransport})
	if err != nil {
		d.t.Fatal(err)
	}
	shown, err := c.Status(d.t.Context(), app)
	if err != nil {
		d.t.Fatalf("status of %s: %v", app, err)
	}
	text, err := json.Marshal(shown)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// edit replaces a text in a file of an app.
func edit(t testing.TB, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%s does not hold %q", path, from)
	}
	write(t, path, strings.ReplaceAll(string(text), from, to))
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}
