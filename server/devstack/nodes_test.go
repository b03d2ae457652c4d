package devstack_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

func TestASecondNodeIsAChildThatCanBeHeldBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := config(self(t), dir)
	c.Nodes = 2
	r := start(t, c)
	if names := slices.Sorted(maps.Keys(r.info.Pids)); !slices.Contains(names, "nomad-2") || slices.Contains(names, "consul-2") {
		t.Fatalf("pids of %v", names)
	}
	if len(r.info.Nodes) != 2 {
		t.Fatalf("nodes %+v", r.info.Nodes)
	}
	first, second := r.info.Nodes[0], r.info.Nodes[1]
	if first.Name != "dev" || second.Name != "dev-2" || !slices.Equal(second.Children, []string{"nomad-2"}) {
		t.Errorf("nodes %+v", r.info.Nodes)
	}
	if first.FirstTaskPort > first.LastTaskPort || first.LastTaskPort >= second.FirstTaskPort || second.FirstTaskPort > second.LastTaskPort {
		t.Errorf("ports meet: %+v", r.info.Nodes)
	}

	pid := r.info.Pids["nomad-2"]
	hold := filepath.Join(dir, "nomad-2", "hold")
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is dead", func() bool { return gone(pid) })
	other := r.info.Pids["router"] // is started again after the same time
	if err := syscall.Kill(other, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pidOf := func(name string) int {
		info, err := readInfo(dir)
		if err != nil {
			t.Fatal(err)
		}
		return info.Pids[name]
	}
	eventually(t, "the router is started again", func() bool { return pidOf("router") != other })
	if now := pidOf("nomad-2"); now != pid {
		t.Errorf("it was started again as %d though it is held back", now)
	}
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second client is started again", func() bool { return pidOf("nomad-2") != pid })
	r.end(t)
}

func TestMoreNodesThanAMachineTakesAreRefused(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{-1, devstack.MaxNodes + 1} {
		if _, err := devstack.New(devstack.Config{Dir: t.TempDir(), Nodes: nodes}); err == nil {
			t.Errorf("%d nodes are taken", nodes)
		}
	}
}
