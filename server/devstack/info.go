package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Info is DIR/dev.json: where a running stack is reached.
type Info struct {
	Addr   string `json:"addr"` // URL of the server, as are the others
	Nomad  string `json:"nomad"`
	Consul string `json:"consul"`
	Vault  string `json:"vault"`
	Router string `json:"router"` // where routes are served
	Fabio  string `json:"fabio"`  // the admin API of the router
	// Postgres is where the PostgreSQL is that databases are made on; "" without one.
	Postgres string            `json:"postgres,omitempty"`
	Token    string            `json:"token"`          // for the server's API
	User     string            `json:"user,omitempty"` // who can sign in at the server's pages, with Password
	Password string            `json:"password,omitempty"`
	Pids     map[string]int    `json:"pids"` // dev, server, nomad, consul, vault, router; nomad-2, consul-2...
	Nodes    []Node            `json:"nodes"`
	Stack    map[string]string `json:"stack"` // nomad, consul, vault, fabio: "embedded" or a version
}

func infoPath(dir string) string { return filepath.Join(dir, "dev.json") }

func removeInfo(dir string) error {
	if err := os.Remove(infoPath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove dev.json: %w", err)
	}
	return nil
}
