package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
)

// TestBackupOfOneMachine backs up a store in SQLite and its artifacts, and restores them into a new folder: programs
// without snapshots are left out, as was asked for.
func TestBackupOfOneMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, other := makeKey(t, dir, "ann"), makeKey(t, dir, "bob")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	from, digest := filledData(t, filepath.Join(dir, "from"))
	file := filepath.Join(dir, "monday.age")
	backup := []string{"cluster", "backup", "--config", from, "--to", file, "--keeper", string(public)}
	without := append(backup, "--without", "vault", "--without", "consul", "--without", "nomad")

	wants(t, 2, "--to FILE", "cluster", "backup", "--keeper", "x")
	wants(t, 2, "--keeper KEY", "cluster", "backup", "--to", file)
	wants(t, 2, `no command "backup verfy"`, "cluster", "backup", "verfy", file)
	wants(t, 1, "is not a public key", "cluster", "backup", "--config", from, "--to", file, "--keeper", "age1nonsense")
	wants(t, 1, "does not answer", backup...)
	wants(t, 1, `without "everything"`, append(backup, "--without", "everything")...)
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) > 0 {
		t.Errorf("a backup that failed leaves %v, %v", left, err)
	}
	wants(t, 0, "sealed to 1 keepers", append(without, "--identity", key)...)
	wants(t, 1, "never replaces another", without...)

	wants(t, 0, "is whole: 2 parts", "cluster", "backup", "verify", file, "--identity", key)
	wants(t, 0, "vault      left out", "cluster", "backup", "list", file, "--identity", key)
	wants(t, 0, `"last_event": 1`, "cluster", "backup", "list", file, "--identity", key, "--json")
	wants(t, 1, "sealed to others", "cluster", "backup", "verify", file, "--identity", other)
	wants(t, 1, "no state file in it", "cluster", "backup", "state", file, "--identity", key, "--to", filepath.Join(dir, "state"))
	wants(t, 0, "cluster.hcl", "cluster", "init", "lab", "--file", filepath.Join(dir, "cluster.hcl"), "--init", "process", "--domain", "lab.example.com",
		"--server", "one=10.0.0.1", "--client", "one=10.0.0.1", "--keeper", "ann="+key+".pub")
	state := filepath.Join(dir, "lab.cluster.age")
	if err := os.WriteFile(state, []byte("sealed already"), 0o600); err != nil {
		t.Fatal(err)
	}
	tuesday := filepath.Join(dir, "tuesday.age")
	wants(t, 0, "sealed to 1 keepers", "cluster", "backup", "--config", from, "--to", tuesday, "--file", filepath.Join(dir, "cluster.hcl"),
		"--without", "vault", "--without", "consul", "--without", "nomad", "--without", "artifacts")
	wants(t, 0, "of cluster lab", "cluster", "backup", "list", tuesday, "--identity", key)
	wants(t, 0, "", "cluster", "backup", "state", tuesday, "--identity", key, "--to", state+".back")
	if text, err := os.ReadFile(state + ".back"); err != nil || string(text) != "sealed already" {
		t.Errorf("the state that is taken out is %q, %v", text, err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{"cut": whole[:len(whole)-100], "changed": bytes.Replace(whole, whole[len(whole)-50:], bytes.Repeat([]byte{7}, 50), 1)} {
		bad := filepath.Join(dir, name)
		if err := os.WriteFile(bad, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, 1, "use another one", "cluster", "backup", "verify", bad, "--identity", key)
		wants(t, 1, "use another one", "cluster", "restore", bad, "--identity", key, "--config", emptyData(t, filepath.Join(dir, "to-"+name)))
	}

	to := emptyData(t, filepath.Join(dir, "to"))
	restore := []string{"cluster", "restore", file, "--identity", key, "--config", to}
	wants(t, 1, `has no "nomad"`, append(restore, "--only", "nomad")...)
	wants(t, 0, "events to 1,", restore...)
	wants(t, 0, "was put back at", restore...)
	wants(t, 1, "is not empty: it has 1 apps", append(restore, "--journal", filepath.Join(dir, "another"), "--config", from)...)
	s, err := store.OpenAsIs(t.Context(), store.Config{Path: filepath.Join(dir, "to", "crumpet.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was read
	if apps, err := s.Apps(t.Context(), paas.AppFilter{}); err != nil || len(apps) != 1 || apps[0].Name != "shop" {
		t.Errorf("apps %+v, %v", apps, err)
	}
	content, _, err := blob.NewView(filepath.Join(dir, "to", "blobs")).Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	_ = content.Close() // it is there
}

// wants runs a command line, and holds it to its exit code and a text in what it prints.
func wants(t *testing.T, code int, text string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if got := cli.Run(args, strings.NewReader(""), &out, &out); got != code || !strings.Contains(out.String(), text) {
		t.Errorf("crumpet %s: exit %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, text, out.String())
	}
}

func makeKey(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen is missing or fails: %v %s", err, out)
	}
	return path
}

// emptyData writes the configuration of a server whose programs are not there.
func emptyData(t *testing.T, dir string) (config string) {
	t.Helper()
	config = dir + ".hcl"
	text := "data = \"" + dir + "\"\nnomad { address = \"http://127.0.0.1:1\" }\nconsul { address = \"http://127.0.0.1:1\" }\nvault { address = \"http://127.0.0.1:1\" }\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// filledData makes a data folder with an app, whose release has an artifact.
func filledData(t *testing.T, dir string) (config, digest string) {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if digest, _, err = blobs.Put(t.Context(), strings.NewReader("an artifact")); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "crumpet.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), 0, paas.Change{
		Ref: paas.AppRef{Team: "default", App: "shop"}, App: &paas.App{Team: "default", Name: "shop", Release: 1},
		Releases: []paas.Release{{Team: "default", App: "shop", Number: 1, Artifact: digest, CreatedAt: time.Now()}},
		Events:   []paas.Event{{Time: time.Now(), Team: "default", App: "shop", Message: "made"}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return emptyData(t, dir), digest
}
