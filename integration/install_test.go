package integration_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// TestInstall: on a bare Nomad, Consul and Vault with ACLs on, install says what it will write, is killed in the middle,
// goes on when it is run again, and changes nothing when run once more. Then it upgrades itself, under load on apps and on
// its own API by way of the router, while an app is restarted by way of that API. A router that Nomad has given up comes back
// by itself. A version that can't start on the store
// leaves the one that serves alone.
func TestInstall(t *testing.T) {
	b := startBare(t)
	b.build("0.7.0", "0.7.1")
	b.program("crumpet-0.7.0", b.built("0.7.0"))
	b.program("crumpet-0.7.1", b.built("0.7.1"))
	secret, password := filepath.Join(b.dir, "database"), filepath.Join(b.dir, "password")
	write(t, secret, b.database+"\n")
	write(t, password, "a long password of ann\n")
	first := []string{
		"install", "--domain", "apps.test", "--database-file", secret, "--admin", "ann", "--admin-file", password,
		"--router-port", portOf(b.at["router"]), "--admin-port", portOf(b.at["router-admin"]), "--router-address", "127.0.0.1",
	}

	// Everything is said beforehand, and nothing is written.
	var plan struct{ Objects []map[string]string }
	b.decode(&plan, b.operate("0.7.0", append(first, "--plan", "--json")...))
	if n := len(plan.Objects); n != 21 {
		t.Errorf("the plan has %d objects, want 21: %v", n, plan.Objects)
	}
	if code, _ := b.ask("vault", http.MethodGet, "/v1/auth/jwt-nomad/config", nil, nil); code == http200 {
		t.Error("--plan has written")
	}

	began := time.Now()
	b.cut(append(first, "--json"), "nomad job crumpet")
	var done struct {
		Objects []map[string]string
		Admin   string
	}
	b.decode(&done, b.operate("0.7.0", append(first, "--json")...))
	t.Logf("installed within %.1f s, one kill included; the second run wrote %d objects", time.Since(began).Seconds(), len(done.Objects))
	if done.Admin != "ann" || len(done.Objects) > 2 {
		t.Errorf("the run after the kill made admin %q and %v", done.Admin, done.Objects)
	}
	before := b.running("crumpet")
	b.decode(&done, b.operate("0.7.0", "install", "--json"))
	if after := b.running("crumpet"); len(done.Objects) != 0 || strings.Join(before, " ") != strings.Join(after, " ") || len(after) != 2 {
		t.Errorf("installed once more: %v, servers %v, before %v", done.Objects, after, before)
	}
	b.nothingTold("database", pgtest.Password)

	b.info.Addr = b.named("crumpet.apps.test")
	var kept struct {
		Data struct{ Data struct{ Token string } }
	}
	b.manage("vault", http.MethodGet, "/v1/crumpet/data/platform/first-token", nil, &kept)
	b.info.Token = kept.Data.Data.Token
	b.nothingTold("first token", b.info.Token)
	b.serverVersions("0.7.0", 2)
	apps := []string{b.app("one"), b.app("two")}

	// The upgrade, from an archive this time.
	source, sum := b.archive("0.7.1")
	rate, _ := size()
	var loads []*load
	for _, host := range []string{"one.apps.test", "two.apps.test"} {
		loads = append(loads, startLoad(t, b.info.Router, host, rate/2, 100_000))
	}
	api := startMixed(t, b.info.Router, "crumpet.apps.test", 20, 100_000, []string{"/", "/healthz", "/readyz"})
	began = time.Now()
	upgrade := b.operator("0.7.1", "install", "--source", source, "--checksum", sum, "--json")
	var out, said buffer
	upgrade.Stdout, upgrade.Stderr = &out, &said
	if err := upgrade.Start(); err != nil {
		t.Fatal(err)
	}
	if !b.eventually(time.Minute, func() bool { return strings.Contains(said.String(), "nomad job crumpet: runs 0.7.0, not 0.7.1") }) {
		t.Fatalf("the upgrade does not begin:\n%s", &said)
	}
	b.ok(apps[1], "restart")
	if err := upgrade.Wait(); err != nil {
		t.Fatalf("upgrade: %v\n%s%s", err, &out, &said)
	}
	took := time.Since(began)
	b.serverVersions("0.7.1", 2)
	for n, l := range loads {
		t.Logf("app %d:", n+1)
		l.end(t)
	}
	t.Log("Crumpet's own API:")
	api.end(t)
	t.Logf("upgraded from 0.7.0 to 0.7.1, two servers, within %.1f s", took.Seconds())

	b.routerGivenUp("one.apps.test", "hello of one")
	b.refusesOlder(apps[0])
}

// refusesOlder has a store that is newer than a program, whose servers then can't start.
func (b *bare) refusesOlder(app string) {
	b.t.Helper()
	before := b.running("crumpet")
	pgtest.Exec(b.t.Context(), b.t, b.database, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	cmd := b.operator("0.7.0", "install")
	text, err := cmd.CombinedOutput()
	for _, want := range []string{"Crumpet 0.7.0 does not start", "The database has version 9999, written by a newer Crumpet", "Version 0.7.1 serves on"} {
		if err == nil || !strings.Contains(string(text), want) {
			b.t.Errorf("install of an older one: %v, want %q in\n%s", err, want, text)
		}
	}
	b.serverVersions("0.7.1", 2)
	if after := b.running("crumpet"); strings.Join(after, " ") != strings.Join(before, " ") {
		b.t.Errorf("servers are %v after it, %v before", after, before)
	}
	b.ok(app, "status")
}

// build makes programs that differ by what they say of their version.
func (b *bare) build(versions ...string) {
	b.t.Helper()
	for _, v := range versions {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X github.com/crumpet-paas/crumpet/cli.version="+v, "-o", filepath.Join(b.dir, "crumpet-"+v), "github.com/crumpet-paas/crumpet")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.t.Fatalf("build crumpet %s: %v\n%s", v, err, out)
		}
	}
}

func (b *bare) built(v string) []byte {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "crumpet-"+v))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// operator is a run of a version's program with the operator's rights.
func (b *bare) operator(v string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.t.Context(), filepath.Join(b.dir, "crumpet-"+v), args...)
	cmd.Env = append(b.dev.env(), b.env...)
	return cmd
}

func (b *bare) operate(v string, args ...string) string {
	b.t.Helper()
	cmd := b.operator(v, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("crumpet %s: %v\n%s%s", strings.Join(args, " "), err, &out, &said)
	}
	for _, secret := range []string{pgtest.Password, b.admin["vault"], b.admin["nomad"]} {
		if strings.Contains(out.String()+said.String(), secret) {
			b.t.Errorf("crumpet %s shows a secret:\n%s%s", strings.Join(args, " "), &out, &said)
		}
	}
	return out.String()
}

func (b *bare) decode(into any, text string) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		b.t.Fatalf("no JSON: %v\n%s", err, text)
	}
}

// cut kills a run once it has said something.
func (b *bare) cut(args []string, after string) {
	b.t.Helper()
	cmd := b.operator("0.7.0", args...)
	var said buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.until(3*time.Minute, "install says "+after, func() bool { return strings.Contains(said.String(), after) })
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()         // by the signal
}

// running are the ids of the allocations of a job of the platform that run.
func (b *bare) running(job string) (ids []string) {
	for _, a := range b.allocs(job) {
		if a.ClientStatus == "running" && a.DesiredStatus == "run" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// nothingTold checks that a secret is in no job of the platform.
func (b *bare) nothingTold(what, secret string) {
	b.t.Helper()
	for _, job := range []string{"fabio", "crumpet"} {
		if _, text := b.ask("nomad", http.MethodGet, "/v1/job/"+job+"?namespace=crumpet--platform", nil, nil); strings.Contains(text, secret) || !strings.Contains(text, job) {
			b.t.Errorf("the job %s shows the %s, or nothing", job, what)
		}
	}
}

// named gives an address that leads to the router under a host's name, as another machine's resolver would.
func (b *bare) named(host string) string {
	b.t.Helper()
	to, err := url.Parse(b.info.Router)
	if err != nil {
		b.t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{FlushInterval: -1, ErrorLog: nil, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = host + ":" + to.Port()
	}})
	b.t.Cleanup(front.Close)
	return front.URL
}

// serverVersions waits until Crumpet lists n servers, all of a version, and one of them leads.
func (b *bare) serverVersions(version string, n int) {
	b.t.Helper()
	var list struct {
		Items []struct{ Name, State, Version string }
	}
	b.until(time.Minute, fmt.Sprintf("%d servers are %s and one leads", n, version), func() bool {
		code, body := b.get(b.info.Addr+"/v1/servers", b.info.Token)
		list.Items = nil
		if code != http.StatusOK || json.Unmarshal([]byte(body), &list) != nil {
			return false
		}
		of, leaders := 0, 0
		for _, s := range list.Items {
			if s.Version == version && s.State != "lost" {
				of++
			}
			if s.State == "leader" {
				leaders++
			}
		}
		return of == n && len(list.Items) == n && leaders == 1
	})
}

// app pushes one of two instances.
func (b *bare) app(name string) string {
	b.t.Helper()
	dir := filepath.Join(b.t.TempDir(), name)
	greeter(b.t, dir, name, name+".apps.test", "hello of "+name)
	b.ok(dir, "push")
	if code, page := b.page(name+".apps.test", "/"); code != http.StatusOK || page != "hello of "+name {
		b.t.Fatalf("%s answers %d %q", name, code, page)
	}
	return dir
}

// greeter writes an app of two instances that answers with a text; its program is built the first time.
func greeter(t testing.TB, dir, name, host, text string) {
	t.Helper()
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app %q {
  build { builder = "none" }
  env = { GREETING = %q }
  process "web" {
    command   = ["./task"]
    instances = 2
    memory    = "32MiB"
    port "http" {}
    route "%s/" {}
    health { path = "/health" }
  }
}
`, name, text, host))
	program := filepath.Join(dir, "task")
	if _, err := os.Stat(program); err == nil {
		return
	}
	build := exec.Command("go", "build", "-o", program, "./task")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the app: %v\n%s", err, out)
	}
}

// archive serves a program as a .tar.gz, and gives its address and checksum.
func (b *bare) archive(v string) (source, sum string) {
	b.t.Helper()
	program := b.built(v)
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	list := tar.NewWriter(zip)
	if err := list.WriteHeader(&tar.Header{Name: "crumpet", Mode: 0o755, Size: int64(len(program))}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := io.Copy(list, bytes.NewReader(program)); err != nil {
		b.t.Fatal(err)
	}
	if err := list.Close(); err != nil {
		b.t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		b.t.Fatal(err)
	}
	digest := sha256.Sum256(file.Bytes())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "crumpet.tar.gz", time.Time{}, bytes.NewReader(file.Bytes()))
	}))
	b.t.Cleanup(server.Close)
	return server.URL + "/crumpet-" + v + ".tar.gz", "sha256:" + hex.EncodeToString(digest[:])
}
