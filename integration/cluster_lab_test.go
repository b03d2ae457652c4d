//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/integration/lab"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// labCluster is a cluster that `crumpet cluster` looks after, on the hosts of a lab, as an operator has it: a folder with
// cluster.hcl, their key, and the built program.
type labCluster struct {
	t     testing.TB
	lab   *lab.Lab
	dir   string
	db    *pgtest.Cluster
	shape labShape
	// names lead to the routers: Crumpet's own first, then those of apps.
	names []string
}

// labShape is what a cluster is made of.
type labShape struct {
	init             lab.Init
	servers, clients []string                 // hosts; one in both lists is both
	seal             func(*labCluster) string // its block in cluster.hcl
	user             string                   // whom the hosts let in; root unless said
	roots            map[string]string        // of hosts that boot from an image: its root folder
}

// The hosts: a quorum of servers, and two that run apps, so that one of them may be lost.
var (
	labServers = []string{"server-1", "server-2", "server-3"}
	labClients = []string{"client-1", "client-2"}
)

// programs of a cluster, by the names that cluster.hcl has, with what asks each for its version.
var labPrograms = []struct {
	name, command string
	asks          []string
}{
	{"consul", "consul", []string{"version"}},
	{"nomad", "nomad", []string{"version"}},
	{"vault", "bao", []string{"version"}},
	{"fabio", "fabio", []string{"-v"}},
}

// newLabCluster makes empty machines and writes the cluster.hcl that asks for a cluster on them.
func newLabCluster(t testing.TB) *labCluster {
	t.Helper()
	return newLabClusterOf(t, labShape{init: lab.Tini, servers: labServers, clients: labClients, seal: func(*labCluster) string {
		return `seal "shares" {
  shares    = 3
  threshold = 2
}
`
	}})
}

func newLabClusterOf(t testing.TB, shape labShape) *labCluster {
	t.Helper()
	if !proving || stack != "real" {
		t.Skip("a cluster of real programs on five hosts is made only with PROVE=1 STACK=real (make prove STORY=cluster STACK=real)")
	}
	var programs strings.Builder
	for _, p := range labPrograms {
		path, err := exec.LookPath(p.command)
		if err != nil && p.command == "bao" {
			p.command = "vault"
			path, err = exec.LookPath(p.command)
		}
		if err != nil {
			t.Skipf("a cluster needs the program %q on PATH", p.command)
		}
		fmt.Fprintf(&programs, "program %q {\n  command = %q\n  version = %q\n  source  = %q\n}\n", p.name, p.command, versionOf(t, path, p.asks), path)
	}
	c := &labCluster{t: t, db: pgtest.Own(t), names: []string{"crumpet.apps.lab"}, shape: shape}
	c.lab = lab.New(t, lab.Config{Hosts: shape.hosts(), Init: shape.init, Roots: shape.roots})
	c.dir = t.TempDir()
	known := c.lab.KnownHosts()
	var text strings.Builder
	fmt.Fprintf(&text, `name   = "lab"
domain = "apps.lab"
init   = %q
ssh {
  user        = %q
  key_file    = %q
  known_hosts = %q
}
%skeeper "operator" {
  public_key = %q
}
store {
  url_file = "store.url"
}
ports {
  router = 80
}
`, labInits[shape.init], orElse(shape.user, "root"), c.lab.Key(), known, shape.seal(c), c.lab.PublicKey())
	for _, h := range c.lab.Hosts() {
		fmt.Fprintf(&text, "machine %q {\n  address = %q\n  roles   = [%s]\n}\n", h.Name, h.Address, strings.Join(shape.roles(h.Name), ", "))
	}
	text.WriteString(programs.String())
	c.write("cluster.hcl", text.String())
	c.write("store.url", c.store()+"\n")
	t.Cleanup(func() {
		if t.Failed() {
			c.tails()
		}
	})
	return c
}

// labInits are the words of cluster.hcl for what starts a host.
var labInits = map[lab.Init]string{lab.Tini: "process", lab.Systemd: "systemd"}

func (s labShape) hosts() []string {
	more := slices.DeleteFunc(slices.Clone(s.clients), func(name string) bool { return slices.Contains(s.servers, name) })
	return slices.Concat(s.servers, more)
}

// roles are those of a host, quoted.
func (s labShape) roles(name string) []string {
	var roles []string
	if slices.Contains(s.servers, name) {
		roles = append(roles, `"server"`)
	}
	if slices.Contains(s.clients, name) {
		roles = append(roles, `"client"`)
	}
	return roles
}

var versionWord = regexp.MustCompile(`v?(\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?)`)

// versionOf is what a program says that it is.
func versionOf(t testing.TB, path string, asks []string) string {
	t.Helper()
	out, err := exec.Command(path, asks...).Output()
	found := versionWord.FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(asks, " "), err, out)
	}
	return string(found[1])
}

func (c *labCluster) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// store is the URL of a new database, as the hosts reach it: PostgreSQL listens on loopback only, and a port of the
// gateway leads there.
func (c *labCluster) store() string {
	c.t.Helper()
	u, err := url.Parse(c.db.Database(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	l, err := net.Listen("tcp", c.lab.Gateway()+":0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = l.Close() }) // ends the loop below
	target := u.Host
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go join(conn, target)
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

// join passes bytes between a connection and an address until one side ends.
func join(conn net.Conn, target string) {
	defer conn.Close() //nolint:errcheck // the end of either side is the end
	to, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return
	}
	defer to.Close() //nolint:errcheck // the end of either side is the end
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{conn, to}, {to, conn}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // a broken connection is broken on both sides
			done <- struct{}{}
		}()
	}
	<-done
}

// command is `crumpet cluster ...` of the operator, who has nothing but the folder and the key.
func (c *labCluster) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, crumpet, append([]string{"cluster"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "CRUMPET_IDENTITY=" + c.lab.Key()}
	return cmd
}

// crumpet is the CLI of a developer or an admin, for whom the names of the apps' domain lead to both routers.
func (c *labCluster) crumpet(input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Minute)
	defer cancel()
	hosts := "127.0.0.1 localhost\n"
	for _, name := range c.shape.clients {
		hosts += c.lab.Host(name).Address + " " + strings.Join(c.names, " ") + "\n"
	}
	c.write("hosts", hosts)
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "sh", "-c", `mount --bind hosts /etc/hosts && exec "$0" "$@"`, crumpet}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "CRUMPET_ADDR=http://" + c.names[0]}
	cmd.Stdin = strings.NewReader(input)
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("crumpet %s: %w\n%s%s", strings.Join(args, " "), err, out, faults.String())
	}
	return string(out), err
}

// login makes the operator one of Crumpet as well.
func (c *labCluster) login() {
	c.t.Helper()
	if _, err := c.crumpet(c.ok("token"), "login", "http://"+c.names[0]); err != nil {
		c.t.Fatal(err)
	}
}

// verified has a canary go through everything.
func (c *labCluster) verified() {
	c.t.Helper()
	c.login()
	out, err := c.crumpet("", "cluster", "verify")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Logf("verify:\n%s", out)
}

// run runs one and gives what it printed, and its error.
func (c *labCluster) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 15*time.Minute)
	defer cancel()
	var out, faults bytes.Buffer
	cmd := c.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &faults
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("crumpet cluster %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), faults.String())
	}
	return out.String(), err
}

func (c *labCluster) ok(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// stepEvent is one line of `up --json`.
type stepEvent struct {
	Step, State, Reason string
	Changes             []struct{ Machine, Text string }
	TookMS              int64 `json:"took_ms"`
}

// plan counts what up would change.
func (c *labCluster) plan() (steps, changes int) {
	c.t.Helper()
	out, err := c.run("up", "--plan", "--json")
	if failed, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || failed.ExitCode() != 1) { // 1: there are changes
		c.t.Fatal(err)
	}
	var plan struct{ Steps []stepEvent }
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		c.t.Fatalf("%v in\n%s", err, out)
	}
	for _, e := range plan.Steps {
		if changes += len(e.Changes); len(e.Changes) > 0 {
			steps++
		}
	}
	return steps, changes
}

// events reads the lines of a command with --json.
func (c *labCluster) events(out string) []stepEvent {
	c.t.Helper()
	var all []stepEvent
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var e stepEvent
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			c.t.Fatalf("%v in\n%s", err, out)
		}
		all = append(all, e)
	}
}

// tails prints the last lines of what each program wrote on each host that is on.
func (c *labCluster) tails() {
	for _, h := range c.lab.Hosts() {
		ask := "tail -n 15 /var/log/crumpet/*.log"
		if c.shape.init == lab.Systemd {
			ask = "for unit in $(systemctl list-units --plain --no-legend 'crumpet-*' | cut -d' ' -f1); do journalctl -q -n 15 -u $unit; done"
		}
		out, err := h.Console(ask)
		if err != nil {
			out = err.Error()
		}
		c.t.Logf("on %s:\n%s", h.Name, out)
	}
}
