package server_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server"
)

// reads are calls by which nothing outside changes and nothing is half done. Whoever adds a method to a
// store that a deploy uses puts it here, or gives it boundaries.
var reads = []string{
	"store.Snapshot", "store.Refs", "store.Claims", "store.Hosts", "store.Standing", "store.Release", "store.Endings", // deploy
	"vault.Ready", "nomad.Variable",
	"store.Facts", "store.Runs", "store.Traffic", "store.Nodes", "store.Backends", // watch
	"nomad.Volumes", "store.Build", "store.DoneBuild", "store.UnfinishedBuilds", // build
}

func TestEveryCallOfADeployHasItsBoundaries(t *testing.T) {
	t.Parallel()
	for _, calls := range server.BoundaryCalls() {
		for method := range calls.Interface.Methods() {
			name := calls.Name + "." + method.Name
			t.Run(calls.Interface.String()+"."+method.Name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				call(calls.Wrapped(dir).MethodByName(method.Name))
				noted, err := os.ReadFile(filepath.Join(dir, "calls"))
				read := slices.Contains(reads, name)
				switch {
				case read && err == nil:
					t.Errorf("%s is in the list of reads, and has boundaries", name)
				case !read && err != nil:
					t.Errorf("%s has no boundaries: make it by around in deploy/boundary.go or boundary_calls.go, or add it to the list of reads if it changes nothing", name)
				case !read && !strings.HasPrefix(string(noted), "before "+name+"\n"):
					t.Errorf("%s notes %q", name, noted)
				}
			})
		}
	}
}

// call calls a method with zero values. What is wrapped is nil, so it ends in a panic once it is past the
// first boundary.
func call(method reflect.Value) {
	defer func() { _ = recover() }()
	var args []reflect.Value
	for i := range method.Type().NumIn() {
		if method.Type().IsVariadic() && i == method.Type().NumIn()-1 {
			continue
		}
		args = append(args, reflect.Zero(method.Type().In(i)))
	}
	method.Call(args)
}

func TestABoundaryIsNotedBeforeAndAfterItsCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	die := filepath.Join(dir, "die")
	if err := os.WriteFile(die, []byte("before store.Save 3"), 0o600); err != nil {
		t.Fatal(err)
	}
	around := server.Around(dir)
	around("store.Save", func() { around("nomad.Plan", func() {}) })
	around("store.Save", func() {})
	noted, err := os.ReadFile(filepath.Join(dir, "calls"))
	want := "before store.Save\nbefore nomad.Plan\nafter nomad.Plan\nafter store.Save\nbefore store.Save\nafter store.Save\n"
	if err != nil || string(noted) != want {
		t.Errorf("got %q, %v", noted, err)
	}
	left, err := os.ReadFile(die)
	if err != nil || string(left) != "before store.Save 1" {
		t.Errorf("after two of three, %q is left, %v", left, err)
	}
}
