package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// secretValue is looked for where it must not be.
const secretValue = "only-the-app-may-know-this"

// TestBackup runs docs/backup.md. A control plane of real programs, with apps, teams, secrets and people at work, is
// backed up, destroyed with all its folders, and restored on a new one: what was acknowledged before the backup is
// back, what was acknowledged later is told of.
func TestBackup(t *testing.T) {
	if stack != "real" {
		t.Skip("STACK=embedded: the stand-ins have no snapshots, and cli tests the backup of a store and its artifacts alone; try STACK=real")
	}
	planePrograms(t)
	blocks := commandsOf(t, "../docs/backup.md", 9)[4:] // TestClusterRestore runs the first four
	folder, home := t.TempDir(), t.TempDir()
	sshKey(t, home)
	ports := planePorts(t)

	old := newPlatform(t, ports, home)
	old.up()
	old.initVault(3, 2)
	old.tenants()
	config := old.configure()
	old.beginCrumpet(config)
	old.info.Token = old.rootToken()
	book := &runbook{t: t, p: old, folder: folder, config: config}
	before := old.populate()

	stop, writes := writingTo(t, makesTeams(old.api()))
	began := time.Now()
	book.run(blocks[0])
	t.Logf("backup, while teams were made: %.1f s", time.Since(began).Seconds())
	old.until(time.Minute, "more was written after the backup", func() bool { return writes.after(time.Now().Add(-2 * time.Second)) })
	stop()
	said := book.run(blocks[1])
	for _, text := range []string{"is whole", "nomad", "consul", "vault", "artifacts", "PostgreSQL"} {
		if !strings.Contains(said, text) {
			t.Errorf("verify and list say nothing of %q:\n%s", text, said)
		}
	}
	secretIsNowhere(t, folder)

	began = time.Now()
	old.destroy()
	t.Logf("the plane was destroyed with all its folders in %.1f s", time.Since(began).Seconds())
	began = time.Now()
	plane := newPlatform(t, ports, home)
	plane.server, plane.info.Token = old.server, old.info.Token
	plane.up()
	t.Logf("a new one, empty: %.1f s", time.Since(began).Seconds())

	restoring := time.Now()
	config = plane.configure()
	book = &runbook{t: t, p: plane, folder: folder, config: config, shares: old.shares}
	told := book.restore(blocks[2], blocks[3])
	t.Logf("restore, unsealing included: %.1f s\n%s", time.Since(restoring).Seconds(), told)
	plane.admin["vault"] = old.admin["vault"]
	plane.beginCrumpet(config)
	t.Logf("Crumpet served %.1f s after the restore began", time.Since(restoring).Seconds())
	plane.until(3*time.Minute, "the apps serve again", func() bool { return plane.showsSecret() && plane.answers("hello") })
	t.Logf("apps served %.1f s after the restore began, %.1f s after the new plane's start", time.Since(restoring).Seconds(), time.Since(began).Seconds())
	t.Logf("the runbook's last commands:\n%s", book.run(blocks[4]))

	if diff := cmp.Diff(before, plane.whole()); diff != "" {
		t.Errorf("what was there before the backup (-) is now (+):\n%s", diff)
	}
	writes.counted(t, plane.teams(), told)
	secretIsNowhere(t, folder)

	// It is a platform again: a push, a secret, and the same restore again does nothing.
	plane.ok(filepath.Join(old.apps, "looking"), "config", "set", "AGAIN=yes")
	if got := plane.seen("looking")["AGAIN"]; got != "yes" {
		t.Errorf("AGAIN is %q after a change", got)
	}
	if again := book.run(blocks[2]); !strings.Contains(again, "was put back at") {
		t.Errorf("the same restore again says\n%s", again)
	}
}

// populate makes apps, a team, a user and a secret, and gives what a restore must bring back.
func (p *platform) populate() map[string]any {
	p.t.Helper()
	p.ok("", "teams", "create", "red", "--description", "of the story")
	hello := newHello(p.t, p.dev)
	p.ok(hello, "push")
	looking := filepath.Join(p.apps, "looking")
	if err := os.Rename(writeLooking(p.t, "looking", ""), looking); err != nil {
		p.t.Fatal(err)
	}
	p.ok(looking, "secret", "set", "API_KEY", "--file", p.write("value", secretValue))
	p.ok(looking, "push")
	p.ok(hello, "scale", "web=3")
	p.until(time.Minute, "the apps serve", func() bool { return p.showsSecret() && p.answers("hello") })
	return p.whole()
}

// whole is what of the plane is held to what was there before.
func (p *platform) whole() map[string]any {
	p.t.Helper()
	var apps []map[string]any
	for _, app := range []string{"hello", "looking"} {
		st := p.status(app)
		counts := map[string]int{}
		for _, process := range st.Processes {
			counts[process.Name] = process.Wanted
		}
		var routes []string
		for _, r := range st.Routes {
			routes = append(routes, r.Host+r.Path)
		}
		apps = append(apps, map[string]any{"app": app, "release": st.Release, "counts": counts, "routes": routes})
	}
	var audit, events []map[string]any
	p.lines(&audit, "audit", "--all-teams", "-n", "1000")
	p.lines(&events, "events", "hello", "-n", "1000")
	red, err := p.api().ShowTeam(p.t.Context(), "red")
	if err != nil {
		p.t.Fatal(err)
	}
	deployed := 0
	for _, e := range events {
		if id, ok := e["id"].(float64); ok && int(id) < 100_000 {
			deployed++
		}
	}
	var lines []string
	for _, line := range audit {
		if action := fmt.Sprint(line["action"]); strings.Contains(fmt.Sprint(line["time"]), "T") && len(lines) < 3 {
			lines = append(lines, fmt.Sprint(line["id"], " ", line["time"], " ", action, " ", line["target"]))
		}
	}
	return map[string]any{"apps": apps, "team": red.Description, "audit": lines, "events": deployed > 5}
}

// lines reads JSON lines that the CLI prints.
func (p *platform) lines(into *[]map[string]any, args ...string) {
	p.t.Helper()
	for d := json.NewDecoder(strings.NewReader(p.ok("", append(args, "--json")...))); ; {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			return
		}
		if items, ok := line["items"].([]any); ok {
			for _, item := range items {
				*into = append(*into, item.(map[string]any)) //nolint:forcetypeassert // a list of objects
			}
			continue
		}
		*into = append(*into, line)
	}
}

func (p *platform) answers(app string) bool {
	code, _ := p.page(app+".localhost", "/")
	return code == http.StatusOK
}

func (p *platform) showsSecret() bool {
	code, text := p.page("looking.localhost", "/")
	return code == http.StatusOK && strings.Contains(text, secretValue)
}

func (p *platform) api() *client.Client {
	p.t.Helper()
	c, err := client.New(client.Config{Addr: p.info.Addr, Token: p.info.Token})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// writing is what was acknowledged, and when.
type writing struct {
	mu    sync.Mutex
	names []string
	times []time.Time
}

func (w *writing) after(t time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.times) > 10 && w.times[len(w.times)-1].After(t)
}

// writingTo has names made, one after the other, until it is stopped.
func writingTo(t testing.TB, makes func(ctx context.Context, name string) error) (stop func(), w *writing) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w = &writing{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			name := fmt.Sprintf("w%d", n)
			if makes(ctx, name) == nil {
				w.mu.Lock()
				w.names, w.times = append(w.names, name), append(w.times, time.Now())
				w.mu.Unlock()
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { cancel(); <-done }, w
}

// counted holds what is back to what was acknowledged: all until the moment that restore named, nothing with a hole.
func (w *writing) counted(t testing.TB, here map[string]bool, told string) {
	t.Helper()
	found := regexp.MustCompile(`as it was at (\S+),`).FindStringSubmatch(told)
	if found == nil {
		t.Fatalf("restore names no moment:\n%s", told)
	}
	moment, err := time.Parse(time.RFC3339, found[1])
	if err != nil {
		t.Fatal(err)
	}
	back, lost := 0, 0
	for i, name := range w.names {
		switch {
		case here[name] && lost > 0:
			t.Errorf("%s is back, and one that was made before it is not", name)
		case here[name]:
			back++
		default:
			if lost++; w.times[i].Before(moment) { // of whole seconds: none before it may be lost
				t.Errorf("%s was acknowledged at %s and is lost, the backup is of %s", name, w.times[i].UTC().Format(time.RFC3339Nano), found[1])
			}
		}
	}
	if back == 0 || lost == 0 {
		t.Errorf("%d writes are back and %d are lost: the backup was not made among the writes", back, lost)
	}
	t.Logf("written while the backup was made: %d acknowledged before its moment, all back; %d acknowledged after it, lost, as restore says; acknowledged before and lost: 0", back, lost)
}

func makesTeams(c *client.Client) func(ctx context.Context, name string) error {
	return func(ctx context.Context, name string) error {
		_, err := c.CreateTeam(ctx, wire.CreateTeam{Name: name})
		return err
	}
}

// teams are those that are there.
func (p *platform) teams() map[string]bool {
	p.t.Helper()
	list, err := p.api().Teams(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	here := map[string]bool{}
	for _, team := range list.Items {
		here[team.Name] = true
	}
	return here
}

// secretIsNowhere looks into everything that backup and restore left on disks.
func secretIsNowhere(t testing.TB, folder string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "crumpet-restore-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("restore leaves %v, %v", left, err)
	}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secretValue) || strings.Contains(string(text), planeNomadToken) {
			t.Errorf("a secret stands in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// runbook runs the commands of the document.
type runbook struct {
	t      testing.TB
	p      *platform
	folder string // what the document calls /backups
	config string // and /etc/crumpet/server.hcl
	shares []string
}

// commandsOf gives the blocks of shell commands of a document.
func commandsOf(t testing.TB, path string, want int) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) != want {
		t.Fatalf("%s has %d blocks of commands, and the story runs %d", path, len(blocks), want)
	}
	return blocks
}

func (r *runbook) command(block string) (*exec.Cmd, *buffer) {
	r.t.Helper()
	bin := filepath.Join(r.p.dir, "bin")
	bao, err := exec.LookPath("bao")
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := os.Stat(bin); err != nil {
		if err := errors.Join(os.Mkdir(bin, 0o700), os.Symlink(crumpet, filepath.Join(bin, "crumpet")), os.Symlink(bao, filepath.Join(bin, "vault"))); err != nil {
			r.t.Fatal(err)
		}
	}
	block = strings.NewReplacer("/etc/crumpet/server.hcl", r.config, "/backups", r.folder).Replace(block)
	cmd := exec.CommandContext(r.t.Context(), "bash", "-eu", "-c", block)
	env := slices.DeleteFunc(r.p.env(), func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	cmd.Env = append(env, "PATH="+bin+":"+os.Getenv("PATH"), "CRUMPET_ADDR="+r.p.info.Addr, "CRUMPET_TOKEN="+r.p.info.Token,
		"NOMAD_ADDR="+r.p.info.Nomad, "NOMAD_TOKEN="+planeNomadToken, "CONSUL_HTTP_ADDR="+r.p.info.Consul, "CONSUL_HTTP_TOKEN="+planeConsulToken,
		"VAULT_ADDR="+r.p.info.Vault, "VAULT_TOKEN="+r.p.admin["vault"])
	for i, share := range r.shares {
		cmd.Env = append(cmd.Env, fmt.Sprintf("SHARE_%d=%s", i+1, share))
	}
	out := &buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func (r *runbook) run(block string) string {
	r.t.Helper()
	cmd, out := r.command(block)
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("%s\n%v\n%s", block, err, out)
	}
	return out.String()
}

// restore runs the restore, and the unsealing in a second terminal when it is asked for.
func (r *runbook) restore(restore, unseal string) string {
	r.t.Helper()
	cmd, out := r.command(restore)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	unsealed := false
	for {
		select {
		case err := <-done:
			if err != nil {
				r.t.Fatalf("%s\n%v\n%s", restore, err, out)
			}
			if !unsealed {
				r.t.Errorf("restore did not ask for Vault to be unsealed:\n%s", out)
			}
			return out.String()
		case <-time.After(100 * time.Millisecond):
			if !unsealed && strings.Contains(out.String(), "is sealed") {
				r.run(unseal)
				unsealed = true
			}
		}
	}
}

// sshKey makes a key as an operator has one.
func sshKey(t testing.TB, home string) {
	t.Helper()
	path := filepath.Join(home, ".ssh", "id_ed25519")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen is missing or fails: %v %s", err, out)
	}
}
