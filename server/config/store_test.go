package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestTheStoreIsOneOfThree(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("postgres://u:hidden@h/from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		hcl, env string
		url      string
		path     string
		faults   string
	}{
		"SQLite unless said":                 {path: "/d/crumpet.db"},
		"a path":                             {hcl: `store { path = "/x.db" }`, path: "/x.db"},
		"a URL":                              {hcl: `store { url = "postgres://u:hidden@h/db" }`, url: "postgres://u:hidden@h/db"},
		"a file that holds a URL":            {hcl: `store { url_file = "` + file + `" }`, url: "postgres://u:hidden@h/from-file"},
		"the environment in place of a path": {hcl: `store { path = "/x.db" }`, env: "postgresql://u:hidden@h/env", url: "postgresql://u:hidden@h/env"},
		"two at once":                        {hcl: "store {\n path = \"/x.db\"\n url = \"postgres://u:hidden@h/db\"\n}", faults: "store"},
		"another database":                   {env: "mysql://u:hidden@h/db", faults: "store.url"},
		"a lock that is no key":              {hcl: "consul { lock = \"a/\" }", env: "postgres://u:hidden@h/db", faults: "consul.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Default().Source([]byte("data = \"/d\"\n"+test.hcl), "server.hcl")
			if err != nil {
				t.Fatal(err)
			}
			c, err = c.Env(func(k string) string { return map[string]string{"CRUMPET_STORE_URL": test.env}[k] }).Validate()
			var at []string
			for _, f := range paas.FaultsOf(err) {
				at = append(at, f.Location)
				if strings.Contains(f.Message, "hidden") {
					t.Errorf("a fault shows the password: %s", f.Message)
				}
			}
			if got := strings.Join(at, " "); got != test.faults {
				t.Fatalf("faults at %q, want %q: %v", got, test.faults, err)
			}
			if err != nil {
				return
			}
			url, err := c.StoreURL()
			if err != nil || url != test.url || c.Store.Path != test.path || c.Shared() != (test.url != "") {
				t.Errorf("url %q, path %q, shared %t, %v; want %q, %q", url, c.Store.Path, c.Shared(), err, test.url, test.path)
			}
		})
	}
}

func TestAFileWithoutAURLIsNotShown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	c := config.Default()
	c.Store = &config.Store{URLFile: file}
	if _, err := c.StoreURL(); paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), file) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(file, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.StoreURL(); paas.CodeOf(err) != paas.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a file that holds no URL: %v", err)
	}
}
