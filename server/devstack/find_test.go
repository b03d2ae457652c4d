package devstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

// programs makes a PATH of scripts that print a version.
func programs(t *testing.T, versions map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range versions {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho '"+text+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestFind(t *testing.T) { // not parallel: PATH is the process's
	programs(t, map[string]string{"nomad": "Nomad v2.0.6-dev", "bao": "OpenBao v2.6.2 (abc), committed", "fabio": "1.7.3 go1.26"})
	auto, err := devstack.Find("auto")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"nomad": "2.0.6-dev", "consul": "embedded", "vault": "2.6.2", "fabio": "1.7.3"}
	if diff := cmp.Diff(want, auto.Stack()); diff != "" {
		t.Error(diff)
	}
	if auto.Consul.Real() || !auto.Vault.Real() {
		t.Errorf("got %+v", auto)
	}
	embedded, err := devstack.Find("embedded")
	if err != nil || embedded.Nomad.Real() {
		t.Errorf("%+v %v", embedded, err)
	}
	if _, err := devstack.Find("real"); err == nil || !strings.Contains(err.Error(), "not on PATH: consul.") {
		t.Errorf("got %v", err)
	}
	if _, err := devstack.Find("both"); err == nil {
		t.Error("an unknown stack was taken")
	}
	programs(t, nil)
	if _, err := devstack.Find("real"); err == nil || !strings.Contains(err.Error(), "nomad, consul, vault or bao, fabio") {
		t.Errorf("got %v", err)
	}
}
