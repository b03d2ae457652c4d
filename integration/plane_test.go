package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plane is a real Consul, Vault and Nomad with ACLs on, single servers on loopback in a folder of their own, and nothing
// of Crumpet: what TestInstall, TestBackup and TestPolicies begin with. To stories it is a dev, once its addresses are
// known.
type plane struct {
	*dev
	at       map[string]string // address by part: "consul", "nomad-rpc"
	admin    map[string]string // management token by program
	shares   []string          // of Vault's key
	programs map[string]*child // by name, with those that have ended
	begun    []string          // their names, in order
	release  func()            // of the guard
}

// child is one running program.
type child struct {
	cmd  *exec.Cmd
	out  *buffer
	done chan struct{} // closed when it has ended
}

// headerOf is where a program looks for a token.
var headerOf = map[string]string{"nomad": "X-Nomad-Token", "consul": "X-Consul-Token", "vault": "X-Vault-Token"}

// startPlane makes the folder of a plane; nothing runs yet but a guard. All of it ends with the test, or with its death.
func startPlane(t testing.TB, at map[string]string) *plane {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dev")
	if err := os.MkdirAll(dir, 0o755); err != nil { // programs of tasks lie there
		t.Fatal(err)
	}
	p := &plane{
		dev: &dev{t: t, home: t.TempDir(), dir: dir, out: &buffer{}}, at: at, admin: map[string]string{}, programs: map[string]*child{},
		release: startGuard(t, dir),
	}
	p.info.Nomad, p.info.Consul, p.info.Vault = "http://"+at["nomad"], "http://"+at["consul"], "http://"+at["vault"]
	p.info.Router, p.info.Fabio, p.info.Addr = "http://"+at["router"], "http://"+at["router-admin"], "http://"+at["crumpet"]
	t.Cleanup(p.end)
	return p
}

// planePorts are addresses of all parts, outside of the ports that tasks get.
func planePorts(t testing.TB) map[string]string {
	t.Helper()
	at := map[string]string{}
	for _, part := range []string{
		"consul", "consul-server", "consul-serf", "vault", "vault-cluster", "nomad", "nomad-rpc", "nomad-serf", "client", "client-rpc", "client-serf",
		"router", "router-admin", "router-metrics", "crumpet",
	} {
		at[part] = freeAddress(t)
	}
	return at
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }

func (p *plane) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// begin starts a program, with more of an environment.
func (p *plane) begin(name string, more []string, argv ...string) {
	p.t.Helper()
	c := &child{cmd: exec.Command(argv[0], argv[1:]...), out: &buffer{}, done: make(chan struct{})}
	c.cmd.Env = append(append(p.env(), "CRUMPET_DEV_DIR="+p.dir), more...) // by which the guard knows them, and the tasks of Nomad
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	if err := c.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // its output says why it ended
		close(c.done)
	}()
	p.programs[name], p.begun = c, append(p.begun, name)
}

// kill ends a program as a crash does.
func (p *plane) kill(name string) {
	if c, runs := p.programs[name]; runs {
		_ = c.cmd.Process.Kill() // it may have ended
		<-c.done
	}
}

// end stops the programs, the last one first, and then has the guard end what they have left.
func (p *plane) end() {
	if p.t.Failed() {
		p.tell()
	}
	for _, name := range slices.Backward(p.begun) {
		c := p.programs[name]
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-c.done:
		case <-time.After(15 * time.Second):
			p.kill(name)
		}
	}
	p.clear()
}

// clear has the guard end what is left of the programs, and removes the folder.
func (p *plane) clear() {
	p.release()
	p.eventually(20*time.Second, func() bool { return os.RemoveAll(p.dir) == nil })
}

// tell shows what the programs said last.
func (p *plane) tell() {
	for name, c := range p.programs {
		lines := strings.Split(c.out.String(), "\n")
		p.t.Logf("last lines of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

// call asks a program with a token; status 0 is one without an answer.
func (p *plane) call(program, token, method, path string, body, into any) (status int, text string) {
	p.t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			p.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, "http://"+p.at[program]+path, &sent) // also when the test's context has ended
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set(headerOf[program], token)
	}
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	read, err := io.ReadAll(answer.Body)
	if err == nil && into != nil && answer.StatusCode/100 == 2 {
		err = json.Unmarshal(read, into)
	}
	if err != nil {
		return 0, fmt.Sprintf("%v in %.200s", err, read)
	}
	return answer.StatusCode, string(read)
}

// ask is call with the management token.
func (p *plane) ask(program, method, path string, body, into any) (status int, text string) {
	p.t.Helper()
	return p.call(program, p.admin[program], method, path, body, into)
}

// manage is ask for what must succeed.
func (p *plane) manage(program, method, path string, body, into any) {
	p.t.Helper()
	if code, text := p.ask(program, method, path, body, into); code/100 != 2 {
		p.t.Fatalf("%s answers %s %s with %d %s", program, method, path, code, text)
	}
}
