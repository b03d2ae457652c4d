package integration_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// strangers are Go programs that nobody here wrote, each with a six-line spec and a page it serves.
var strangers = []struct {
	module, app, path, want string
	spec                    string
}{
	{
		"github.com/mccutchen/go-httpbin/v2@v2.26.0", "httpbin", "/user-agent", "user-agent", `app "httpbin" {
  process "web" {
    command = ["./go-httpbin"]
    port "http" {}
  }
}
`,
	},
	{ // nine main packages
		"github.com/prometheus/client_golang@v1.25.0", "metrics", "/metrics", "rpc_durations_seconds", `app "metrics" {
  process "web" {
    command = ["./random", "-listen-address", "${host.http}:${port.http}"]
    port "http" {}
  }
}
`,
	},
	{
		"github.com/nats-io/nats-server/v2@v2.15.2", "nats", "/varz", "server_id", `app "nats" {
  process "web" {
    command = ["./nats-server", "-a", "${host.http}", "-p", "-1", "-m", "${port.http}"]
    port "http" {}
  }
}
`,
	},
}

// TestModules: programs taken as modules from the registry are pushed as they are, and serve.
func TestModules(t *testing.T) {
	if !proving {
		t.Skip("builds programs from the module registry: run `make prove STORY=modules`")
	}
	d := startDev(t)
	for _, s := range strangers {
		dir := filepath.Join(t.TempDir(), s.app)
		fetchModule(t, s.module, dir)
		write(t, filepath.Join(dir, "crumpet.hcl"), s.spec)
		if n := strings.Count(s.spec, "\n"); n != 6 {
			t.Errorf("the spec of %s has %d lines", s.app, n)
		}
		t.Logf("%s:\n%s", s.module, d.ok(dir, "push"))
		code, page := d.page(s.app+".localhost", s.path)
		if code != http.StatusOK || !strings.Contains(page, s.want) {
			t.Errorf("%s: %d %s", s.app, code, page)
		}
	}
}

// fetchModule copies a module of the registry to a folder that can be written to.
func fetchModule(t *testing.T, module, dir string) {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // outside our own module
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil || got.Dir == "" {
		t.Fatalf("go mod download %s: %v %s", module, err, got.Error)
	}
	if err := os.CopyFS(dir, os.DirFS(got.Dir)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
