package integration_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is a web app that goes wrong in the way its spec's environment says.
const program = `package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	switch os.Getenv("MODE") {
	case "exit":
		fmt.Println("the database is not there")
		os.Exit(1)
	case "deaf":
		time.Sleep(time.Hour)
	case "elsewhere":
		fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("ELSEWHERE"), nil))
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "release", os.Getenv("NUMBER")) })
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

// sick makes the app with an environment and further keys of its web process.
func sick(t testing.TB, dir, env, keys string) {
	t.Helper()
	write(t, filepath.Join(dir, "main.go"), program)
	write(t, filepath.Join(dir, "go.mod"), "module sick\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "crumpet.hcl"), `app "sick" {
  process "web" {
    command = ["./sick"]
    port "http" {}
    `+keys+`
  }
  env = { `+env+` }
}
`)
}

// TestBadReleases: a release that can't serve says why within seconds, or at its startup limit, and the
// release before goes on serving.
func TestBadReleases(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "one"`, "")
	d.ok(app, "push")

	elsewhere := freePort(t)
	tests := []struct {
		name, env, keys string
		limit           time.Duration
		want            []string // in what push says
	}{
		{"an app that exits at once", `MODE = "exit"`, "", 45 * time.Second, []string{"web exited 3 times with code 1", "the database is not there"}},
		{"more memory than any node has", `NUMBER = "two"`, `memory = "4096GiB"`, 45 * time.Second, []string{"no node has", "memory"}},
		{"an app that never listens", `MODE = "deaf"`, `startup = "8s"`, 45 * time.Second, []string{"startup limit of 8s", "did not listen"}},
		{"an app that listens elsewhere", `MODE = "elsewhere", ELSEWHERE = "` + elsewhere + `"`, `startup = "8s"`, 45 * time.Second, []string{"startup limit of 8s", "127.0.0.1:" + elsewhere}},
		{"a program that is missing", `NUMBER = "two"`, `shutdown_delay = "1s"`, 45 * time.Second, []string{"web", "./absent"}},
	}
	for _, tt := range tests {
		sick(t, app, tt.env, tt.keys)
		if strings.Contains(tt.name, "missing") {
			edit(t, filepath.Join(app, "crumpet.hcl"), `["./sick"]`, `["./absent"]`)
		}
		began := time.Now()
		r := d.cli(app, "push")
		if r.code != 1 {
			t.Errorf("%s: %s", tt.name, r)
		}
		if took := time.Since(began); took > tt.limit {
			t.Errorf("%s: said so after %s", tt.name, took)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.out+r.errOut, want) {
				t.Errorf("%s: %q is not said in: %s", tt.name, want, r)
			}
		}
		if code, page := d.page("sick.localhost", "/"); code != http.StatusOK || page != "release one\n" {
			t.Errorf("%s: the release before does not serve: %d %s", tt.name, code, page)
		}
		if s := d.status("sick"); s.Status != "running" || s.Release != 1 {
			t.Errorf("%s: status %s of release %d", tt.name, s.Status, s.Release)
		}
	}
	var last pushed
	r := d.cli(app, "push", "--json")
	if err := json.Unmarshal([]byte(r.out), &last); err != nil || r.code != 1 || last.Status != "reverted" || last.Reason == "" {
		t.Errorf("push --json of a bad release: %v, %s", err, r)
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestBadInput: what can't be pushed is refused before anything is done, with all that is wrong.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	home := t.TempDir()

	t.Run("five faults in one spec are told at once, with lines", func(t *testing.T) {
		d := d.in(t)
		app := filepath.Join(home, "faulty")
		write(t, filepath.Join(app, "crumpet.hcl"), `app "Faulty" {
  process "web" {
    comand    = ["./x"]
    instances = -1
    memory    = "lots"
    port "http" {}
    route "http://shop.example.com/" {}
    helth { path = "/" }
  }
}
`)
		r := d.cli(app, "push")
		for _, want := range []string{"did you mean", "-1", "lots", "scheme", "helth"} {
			if !strings.Contains(strings.ToLower(r.out+r.errOut), want) {
				t.Errorf("%q is not said in: %s", want, r)
			}
		}
		var told struct {
			Valid       bool
			Diagnostics []struct {
				Severity, Summary, Detail string
				Range                     struct {
					Filename string
					Start    struct{ Line, Column int }
				}
			}
		}
		v := d.cli(app, "validate", "crumpet.hcl", "--json")
		if err := json.Unmarshal([]byte(v.out), &told); err != nil || v.code != 1 || told.Valid || len(told.Diagnostics) < 5 {
			t.Errorf("validate --json: %v, %s", err, v)
		}
		for _, f := range told.Diagnostics {
			if f.Range.Filename == "" || f.Range.Start.Line == 0 || f.Range.Start.Column == 0 || f.Summary == "" {
				t.Errorf("a fault without its place: %+v", f)
			}
		}
	})

	t.Run("a route of another app", func(t *testing.T) {
		d := d.in(t)
		first, second := filepath.Join(home, "first"), filepath.Join(home, "second")
		for _, app := range []string{first, second} {
			write(t, filepath.Join(app, "index.html"), "<html>"+filepath.Base(app)+"</html>")
			write(t, filepath.Join(app, "crumpet.hcl"), `app "`+filepath.Base(app)+`" {
  build { builder = "static" }
  process "web" {
    port "http" {}
    route "shared.localhost/" {}
  }
}
`)
		}
		d.ok(first, "push")
		r := d.cli(second, "push")
		if r.code != 1 || !strings.Contains(r.errOut+r.out, `Route shared.localhost/ already belongs to app "first"`) {
			t.Errorf("%s", r)
		}
		if _, page := d.page("shared.localhost", "/"); !strings.Contains(page, "first") {
			t.Errorf("the first app no longer has its route: %s", page)
		}
	})

	t.Run("a source of 2 GB", func(t *testing.T) {
		d := d.in(t)
		app := filepath.Join(home, "huge")
		write(t, filepath.Join(app, "crumpet.hcl"), `app "huge" {
  build { builder = "static" }
}
`)
		write(t, filepath.Join(app, "data", "dump.bin"), "")
		if err := os.Truncate(filepath.Join(app, "data", "dump.bin"), 2<<30); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		r := d.cli(app, "push")
		if r.code != 1 || !strings.Contains(r.errOut+r.out, ".crumpetignore") || !strings.Contains(r.errOut+r.out, "data") {
			t.Errorf("%s", r)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("said so after %s", took)
		}
	})

	t.Run("a link that leaves the folder", func(t *testing.T) {
		d := d.in(t)
		app := filepath.Join(home, "links")
		write(t, filepath.Join(app, "crumpet.hcl"), `app "links" {
  build { builder = "static" }
}
`)
		if err := os.Symlink("/etc/passwd", filepath.Join(app, "passwd")); err != nil {
			t.Fatal(err)
		}
		if r := d.cli(app, "push"); r.code != 1 || !strings.Contains(r.errOut+r.out, "passwd") {
			t.Errorf("%s", r)
		}
	})

	t.Run("an archive with ../ in a name", func(t *testing.T) {
		d := d.in(t)
		var body bytes.Buffer
		zip := gzip.NewWriter(&body)
		archive := tar.NewWriter(zip)
		text := []byte("owned")
		if err := archive.WriteHeader(&tar.Header{Name: "../../owned", Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write(text) // a bytes.Buffer takes everything
		_ = archive.Close()
		_ = zip.Close()
		code, answer := d.post("/v1/blobs", "application/gzip", &body, d.info.Token)
		if code != http.StatusUnprocessableEntity && code != http.StatusBadRequest || !strings.Contains(answer, "owned") {
			t.Errorf("%d %s", code, answer)
		}
	})

	t.Run("an upload that is cut off leaves nothing", func(t *testing.T) {
		d := d.in(t)
		u, err := url.Parse(d.info.Addr)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Write([]byte("POST /v1/blobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + d.info.Token + "\r\nContent-Type: application/gzip\r\nContent-Length: 1000000\r\n\r\n\x1f\x8b\x08"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close() // in the middle of the upload
		d.until(10*time.Second, "no half upload is left", func() bool {
			left, err := filepath.Glob(filepath.Join(d.dir, "crumpet", "blobs", "tmp", "*"))
			return err == nil && len(left) == 0
		})
		if code, _ := d.post("/v1/blobs/missing", "application/json", strings.NewReader(`{"digests":[]}`), d.info.Token); code != http.StatusOK {
			t.Errorf("the server answers %d afterwards", code)
		}
	})

	t.Run("no token", func(t *testing.T) {
		d := d.in(t)
		for _, path := range []string{"/v1/apps", "/v1/nonsense", "/v1/blobs"} {
			if code, answer := d.post(path, "text/nonsense", strings.NewReader("{"), ""); code != http.StatusUnauthorized || !strings.Contains(answer, "request_id") {
				t.Errorf("%s: %d %s", path, code, answer)
			}
		}
	})
}

func (d *dev) post(path, kind string, body io.Reader, token string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.info.Addr+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
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
