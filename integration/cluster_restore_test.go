//go:build linux

package integration_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// restored is a cluster that is lost as a whole, and made again out of a backup by its operator, who has cluster.hcl, a
// key and the backup, and does what docs/backup.md says.
type restored struct {
	*labCluster
	backups string // what the page calls /backups
	token   string // of Crumpet
	// populated is when all was there that has to come back.
	populated time.Time
}

// The apps of the story: one is greeted by its spec, the other by a secret.
const (
	plainApp  = "plain"
	secretApp = "secretive"
)

// TestClusterRestore: three servers and two clients are backed up while people work on them, then every host is killed
// and wiped and the database emptied. On new hosts the commands of docs/backup.md bring back apps, routes, secrets, teams
// and audit, and all that was acknowledged before the backup's moment; how long it took, and what was lost, is printed.
func TestClusterRestore(t *testing.T) {
	r := &restored{labCluster: newLabCluster(t), backups: t.TempDir()}
	r.story()
}

func (r *restored) story() {
	r.t.Helper()
	blocks := commandsOf(r.t, "../docs/backup.md", 9)[:4]
	r.operator()
	r.timed(r.events(r.ok("up", "--json")))
	r.login()
	r.token = strings.TrimSpace(r.ok("token"))
	r.populate()
	before := r.whole()

	stop, writes := writingTo(r.t, makesBots(r.client()))
	began := time.Now()
	r.page(blocks[0])
	r.t.Logf("backup, while bots were made: %.1f s", time.Since(began).Seconds())
	r.until(time.Minute, "more was written after the backup", func() bool { return writes.after(time.Now().Add(-2 * time.Second)) })
	stop()
	said := r.page(blocks[1])
	for _, text := range []string{"is whole", "of cluster lab", "nomad", "consul", "vault", "artifacts", "state", "PostgreSQL"} {
		if !strings.Contains(said, text) {
			r.t.Errorf("verify and list say nothing of %q:\n%s", text, said)
		}
	}

	r.lost()
	began = time.Now()
	r.killed(blocks[2])
	again := time.Now()
	told := r.page(blocks[2])
	r.t.Logf("the cluster was made again out of the backup in %.1f s, and %.1f s in a run before that was killed:\n%s", time.Since(again).Seconds(), again.Sub(began).Seconds(), told)
	r.until(3*time.Minute, "the apps answer", r.appsAnswer)
	r.t.Logf("the apps answered by every router %.1f s after the first restore began, on hosts that had nothing", time.Since(began).Seconds())
	r.t.Logf("the page's last commands:\n%s", r.page(blocks[3]))
	if diff := cmp.Diff(before, r.whole()); diff != "" {
		r.t.Errorf("what was there before the backup (-) is now (+):\n%s", diff)
	}
	writes.counted(r.t, r.bots(), told)

	// It is a cluster again, to its operator and to those who push.
	r.unchanged()
	r.verified()
	r.greets(plainApp, "hello again")
	r.until(time.Minute, "the new release answers", func() bool { return r.answer(plainApp) == "hello again" })
	if more := r.page(blocks[2]); !strings.Contains(more, "was put back at") {
		r.t.Errorf("the same restore again says\n%s", more)
	}
	r.vaultAlone()
	r.nowhere()
}

// vaultAlone puts Vault's part back over what a cluster that serves has in it. What runs there has tokens that Vault does
// not know any more, so it is the story's last act: docs/backup.md says what has to be started again.
func (r *restored) vaultAlone() {
	r.t.Helper()
	if _, err := r.run("restore", filepath.Join(r.backups, "monday.age"), "--file", "cluster.hcl", "--only", "vault", "--journal", "vault.restore"); err == nil || !strings.Contains(err.Error(), "--force") {
		r.t.Errorf("over a Vault that holds something, without --force: %v", err)
	}
	began := time.Now()
	r.ok("restore", filepath.Join(r.backups, "monday.age"), "--file", "cluster.hcl", "--only", "vault", "--force", "--journal", "vault.restore")
	r.t.Logf("Vault alone was put back in %.1f s", time.Since(began).Seconds())
}

// operator gives them their key where the page has it.
func (r *restored) operator() {
	r.t.Helper()
	key, err := os.ReadFile(r.lab.Key())
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(r.dir, ".ssh"), 0o700); err != nil {
		r.t.Fatal(err)
	}
	r.write(".ssh/id_ed25519", string(key))
	if err := os.Mkdir(filepath.Join(r.dir, "bin"), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(crumpet, filepath.Join(r.dir, "bin", "crumpet")); err != nil {
		r.t.Fatal(err)
	}
}

// killed has a restore die when it has initialized Vault, by a key that nobody knows from then on.
func (r *restored) killed(restore string) {
	r.t.Helper()
	cmd := r.operates(r.t.Context(), restore)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(10 * time.Minute); !r.vaultInitialized(); {
		select {
		case err := <-ended:
			r.t.Fatalf("restore ended before it could be killed: %v\n%s", err, &out)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("restore does not come to Vault:\n%s", &out)
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	if err := <-ended; err == nil {
		r.t.Fatalf("a restore that was to be killed ended well:\n%s", out.String())
	}
	r.t.Logf("a restore was killed when Vault was initialized; its last line: %s", lastLine(out.String()))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// vaultInitialized asks the first server.
func (r *restored) vaultInitialized() bool {
	address := "https://" + r.lab.Host(r.shape.servers[0]).Address + ":8200/v1/sys/seal-status"
	direct := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // of a lab, and nothing secret is said
	}}
	answer, err := direct.Get(address)
	if err != nil {
		return false
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	var is struct{ Initialized bool }
	return json.NewDecoder(answer.Body).Decode(&is) == nil && is.Initialized
}

// page runs commands of the page as the operator.
func (r *restored) page(block string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 15*time.Minute)
	defer cancel()
	out, err := r.operates(ctx, block).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s\n%v\n%s", block, err, out)
	}
	return string(out)
}

// operates is a block of commands of the operator, for whom the names of the domain lead to the routers.
func (r *restored) operates(ctx context.Context, block string) *exec.Cmd {
	r.t.Helper()
	block = strings.NewReplacer("/backups", r.backups, "apps.example.com", "apps.lab").Replace(block)
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "sh", "-c", `mount --bind names /etc/hosts && exec bash -eu -o pipefail -c "$0"`, block)
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=" + filepath.Join(r.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + r.dir, "CRUMPET_ADDR=http://" + r.names[0]}
	names := "127.0.0.1 localhost\n"
	for _, name := range r.shape.clients {
		names += r.lab.Host(name).Address + " " + r.names[0] + "\n"
	}
	r.write("names", names)
	return cmd
}

// populate makes a team, and two apps with a route each, of which one has a secret.
func (r *restored) populate() {
	r.t.Helper()
	r.namespace("red")
	r.must("", "teams", "create", "red", "--description", "of the story")
	r.greets(plainApp, "hello")
	r.must(secretValue, "secret", "set", "GREETING", "--app", secretApp, "--file", "-")
	r.greets(secretApp, "the secret is missing")
	r.until(2*time.Minute, "the apps answer", r.appsAnswer)
	r.populated = time.Now()
}

// namespace makes one for a team, as an operator does on a server.
func (r *restored) namespace(team string) {
	r.t.Helper()
	token := strings.TrimSpace(r.ok("token", "nomad"))
	out, err := r.lab.Host(r.shape.servers[0]).Console(`export NOMAD_TOKEN=` + token + ` NOMAD_ADDR=https://127.0.0.1:4646 NOMAD_CACERT=/etc/crumpet/tls/ca.pem
export NOMAD_CLIENT_CERT=/etc/crumpet/tls/nomad.pem NOMAD_CLIENT_KEY=/etc/crumpet/tls/nomad-key.pem
/opt/crumpet/bin/nomad namespace apply ` + team)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, strings.ReplaceAll(out, token, "[redacted]"))
	}
}

func makesBots(c *client.Client) func(ctx context.Context, name string) error {
	return func(ctx context.Context, name string) error {
		_, err := c.CreateBot(ctx, "default", wire.CreateBot{Name: name, Role: paas.Viewer})
		return err
	}
}

// bots are those that are there.
func (r *restored) bots() map[string]bool {
	r.t.Helper()
	list, err := r.client().Bots(r.t.Context(), "default")
	if err != nil {
		r.t.Fatal(err)
	}
	here := map[string]bool{}
	for _, bot := range list.Items {
		here[bot.User] = true
	}
	return here
}

// greets pushes an app that says a text.
func (r *restored) greets(app, text string) {
	r.t.Helper()
	greeter(r.t, filepath.Join(r.dir, app), app, r.host(app), text)
	r.must("", "push", app)
}

func (r *restored) must(input string, args ...string) string {
	r.t.Helper()
	out, err := r.crumpet(input, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *restored) host(app string) string { return app + ".apps.lab" }

func (r *restored) appsAnswer() bool {
	return r.answer(plainApp) == "hello" && r.answer(secretApp) == secretValue
}

// answer is what an app says by every router, "" where they differ or one has no answer.
func (r *restored) answer(app string) (text string) {
	direct := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i, name := range r.shape.clients {
		req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.lab.Host(name).Address+"/", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Host = r.host(app)
		answer, err := direct.Do(req)
		if err != nil {
			return ""
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // read to its end, or broken
		if err != nil || answer.StatusCode != http.StatusOK || i > 0 && string(body) != text {
			return ""
		}
		text = string(body)
	}
	return text
}

// client is the operator's, by the router of the first client.
func (r *restored) client() *client.Client {
	r.t.Helper()
	router := r.lab.Host(r.shape.clients[0]).Address + ":80"
	c, err := client.New(client.Config{Addr: "http://" + r.names[0], Token: r.token, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, router)
		},
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// whole is what of the cluster is held to what was there before: of both apps release, instances and routes, the team,
// and every line of the audit until then.
func (r *restored) whole() map[string]any {
	r.t.Helper()
	c := r.client()
	apps := map[string]any{}
	for _, app := range []string{plainApp, secretApp} {
		st, err := c.Status(r.t.Context(), app)
		if err != nil {
			r.t.Fatal(err)
		}
		var routes []string
		for _, route := range st.Routes {
			routes = append(routes, route.Host+route.Path)
		}
		counts := map[string]int{}
		for _, p := range st.Processes {
			counts[p.Name] = p.Wanted
		}
		apps[app] = map[string]any{"release": st.Release, "routes": routes, "counts": counts}
	}
	red, err := c.ShowTeam(r.t.Context(), "red")
	if err != nil {
		r.t.Fatal(err)
	}
	return map[string]any{"apps": apps, "team": red.Description, "audit": r.audit(c)}
}

// audit are its lines about what the story did before the backup.
func (r *restored) audit(c *client.Client) []string {
	r.t.Helper()
	var lines []string
	for line, err := range c.Audit(r.t.Context(), client.AuditQuery{Team: "*", Until: r.populated}) {
		if err != nil {
			r.t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(line.ID, " ", line.Time.UTC().Format(time.RFC3339Nano), " ", line.Action, " ", line.App, " ", line.Target))
	}
	if len(lines) < 4 {
		r.t.Errorf("the audit has only %q of a team, a secret and two apps", lines)
	}
	return lines
}

func (r *restored) until(limit time.Duration, what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("after %s it is not so that %s", limit, what)
		}
	}
}
