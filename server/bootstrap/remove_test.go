package bootstrap_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
)

// destroyIn runs the scripts of a destroy in a folder that stands for a machine's root, and gives what is left there.
func destroyIn(t *testing.T, root string) []string {
	t.Helper()
	script := bootstrap.Removing([]string{agents.Config + "/nomad", agents.Data + "/nomad", "/etc/systemd/system/crumpet-nomad.service", agents.Programs}) + bootstrap.Relinking()
	for _, folder := range []string{"/etc/", "/opt/", "/var/"} {
		script = strings.ReplaceAll(script, folder, root+folder)
	}
	for range 2 { // it may be said again
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var left []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root)
		if to, _ := os.Readlink(path); to != "" {
			name += " -> " + to
		}
		if err == nil && (!d.IsDir() || name == agents.Data+"/nomad") && name != agents.ImagePaths {
			left = append(left, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// usedMachine is one whose Nomad was upgraded, with what a cluster writes there.
func usedMachine(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{
		"/etc/crumpet/nomad/10-image.hcl", "/etc/crumpet/nomad/consul.hcl", "/etc/crumpet/nomad/.hidden", "/etc/systemd/system/crumpet-nomad.service",
		"/opt/crumpet/bin/nomad-1.9.0", "/opt/crumpet/bin/nomad-1.10.0", "/opt/crumpet/bin/.nomad.next", "/var/lib/crumpet/nomad/client/a b/state.db",
	} {
		if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nomad-1.10.0", root+"/opt/crumpet/bin/nomad"); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestDestroyLeavesNothingOnAMachineWithoutAnImage(t *testing.T) {
	t.Parallel()
	if left := destroyIn(t, usedMachine(t)); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}

func TestDestroyLeavesWhatTheImageBrought(t *testing.T) {
	t.Parallel()
	root := usedMachine(t)
	brought := []string{
		"/etc/crumpet/nomad", "/etc/crumpet/nomad/10-image.hcl", "/etc/systemd/system/crumpet-nomad.service", "/opt/crumpet/bin",
		"/opt/crumpet/bin/nomad", "/opt/crumpet/bin/nomad -> nomad-1.9.0", "/opt/crumpet/bin/nomad-1.9.0", "/var/lib/crumpet/nomad",
	}
	if err := os.MkdirAll(filepath.Dir(root+agents.ImagePaths), 0o755); err != nil {
		t.Fatal(err)
	}
	list := root + strings.Join(brought, "\n"+root) + "\n"
	if err := os.WriteFile(root+agents.ImagePaths, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/etc/crumpet/nomad/10-image.hcl", "/etc/systemd/system/crumpet-nomad.service", "/opt/crumpet/bin/nomad -> nomad-1.9.0",
		"/opt/crumpet/bin/nomad-1.9.0", "/var/lib/crumpet/nomad",
	}
	if diff := cmp.Diff(want, destroyIn(t, root)); diff != "" {
		t.Error(diff)
	}
}
