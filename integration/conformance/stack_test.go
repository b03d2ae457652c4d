package conformance_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stack is a running `crumpet dev`, or one with a liar in front of a part.
type stack struct {
	kind string // embedded or real
	dir  string // its data folder
	// URLs by part: nomad, consul, vault, router (where requests go in), fabio (its admin API), server.
	at         map[string]string
	token      string        // of the server
	vaultToken string        // may do everything
	driver     string        // for tasks
	patience   time.Duration // with one condition; half of a row's time by default
}

// programs are what the real column needs.
var programs = [][]string{{"nomad"}, {"consul"}, {"vault", "bao"}, {"fabio"}}

// realPath is the PATH where real programs are looked for.
func realPath() string {
	if extra := os.Getenv("CRUMPET_REAL_PATH"); extra != "" {
		return extra + string(os.PathListSeparator) + os.Getenv("PATH")
	}
	return os.Getenv("PATH")
}

// missing names the real programs that are not there.
func missing() (gone []string) {
	dirs := filepath.SplitList(realPath())
	for _, names := range programs {
		found := slices.ContainsFunc(names, func(name string) bool {
			return slices.ContainsFunc(dirs, func(dir string) bool {
				info, err := os.Stat(filepath.Join(dir, name))
				return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
			})
		})
		if !found {
			gone = append(gone, strings.Join(names, " or "))
		}
	}
	return gone
}

// start runs a stack on free ports and ends it with the test. Args are further flags of crumpet dev.
func start(t *testing.T, kind string, args ...string) *stack {
	t.Helper()
	s := &stack{kind: kind, dir: filepath.Join(t.TempDir(), "dev"), driver: "exec"}
	if kind == "real" && os.Geteuid() != 0 {
		s.driver = "raw_exec" // the other one needs root
	}
	var out buffer
	args = append([]string{"dev", "--stack", kind, "--data", s.dir, "--listen", "127.0.0.1:0", "--router", "127.0.0.1:0", "--postgres", "off"}, args...)
	cmd := exec.Command(crumpet, args...)
	cmd.Env = environ(t.TempDir())
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its output says why it ended
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Errorf("crumpet dev did not end within a minute:\n%s", &out)
			_ = cmd.Process.Kill()
			<-done
		}
	})
	var info struct{ Addr, Nomad, Consul, Vault, Router, Fabio, Token string }
	within(t, time.Minute, "dev.json is written", func() bool {
		select {
		case <-done:
			t.Fatalf("crumpet dev --stack %s ended:\n%s", kind, &out)
		default:
		}
		text, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
		return err == nil && json.Unmarshal(text, &info) == nil
	})
	s.token, s.vaultToken = info.Token, s.root(t)
	s.at = map[string]string{
		"server": info.Addr, "nomad": info.Nomad, "consul": info.Consul, "vault": info.Vault, "router": info.Router, "fabio": info.Fabio,
	}
	return s
}

// root is the token of the stack's vault that dev itself sets it up with: the server's own may do less.
func (s *stack) root(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "vault", "*keys.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("keys of the vault: %v, %v", files, err)
	}
	var keys struct {
		Root string `json:"root_token"`
	}
	text, err := os.ReadFile(files[0])
	if err != nil || json.Unmarshal(text, &keys) != nil {
		t.Fatalf("keys of the vault: %v", err)
	}
	return keys.Root
}

// environ is the environment of a user with a home of their own, who is set up for no cluster.
func environ(home string) []string {
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config"), "PATH=" + realPath()}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		own := slices.Contains([]string{"HOME", "XDG_CONFIG_HOME", "PATH", "AWS_CA_BUNDLE"}, name)
		foreign := slices.ContainsFunc([]string{"CRUMPET_", "NOMAD_", "CONSUL_", "VAULT_"}, func(p string) bool { return strings.HasPrefix(name, p) })
		if !own && !foreign {
			env = append(env, kv)
		}
	}
	return env
}

// within waits for something, with a deadline.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s until %s", limit, what)
		}
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
