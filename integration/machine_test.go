package integration_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// machine is one client of Nomad, as dev.json describes it.
type machine struct {
	Name     string
	Children []string
}

// startNodes starts a stack with several clients: dev, dev-2... The first one lives with Nomad's server; each of the
// others can be taken away alone.
func startNodes(t testing.TB, nodes int) *dev {
	t.Helper()
	return startDev(t, "--nodes", strconv.Itoa(nodes))
}

// node is what Nomad knows of a client.
func (d *dev) node(name string) *nomadapi.NodeListStub {
	d.t.Helper()
	var nodes []*nomadapi.NodeListStub
	d.askNomad("/v1/nodes", &nodes)
	i := slices.IndexFunc(nodes, func(n *nomadapi.NodeListStub) bool { return n.Name == name })
	if i < 0 {
		d.t.Fatalf("Nomad has no node %s", name)
	}
	return nodes[i]
}

func (d *dev) nomad() *nomadapi.Client {
	d.t.Helper()
	client, err := nomadapi.NewClient(&nomadapi.Config{Address: d.info.Nomad})
	if err != nil {
		d.t.Fatal(err)
	}
	return client
}

// drain has Nomad empty a node and returns when it is empty.
func (d *dev) drain(name string) {
	d.t.Helper()
	id := d.node(name).ID
	if _, err := d.nomad().Nodes().UpdateDrain(id, &nomadapi.DrainSpec{Deadline: 5 * time.Minute}, false, nil); err != nil {
		d.t.Fatal(err)
	}
	d.until(5*time.Minute, name+" is drained", func() bool { return !d.node(name).Drain })
}

// eligible lets Nomad place instances on a node, or not.
func (d *dev) eligible(name string, on bool) {
	d.t.Helper()
	if _, err := d.nomad().Nodes().ToggleEligibility(d.node(name).ID, on, nil); err != nil {
		d.t.Fatal(err)
	}
}

// killClient kills the process of a further client, which is not started again before reviveNode. Its tasks live on,
// and so does the Consul agent beside it: that is what the death of a client process is.
func (d *dev) killClient(name string) {
	d.t.Helper()
	for _, child := range d.machine(name).Children {
		if strings.HasPrefix(child, "nomad") {
			d.killChild(child)
		}
	}
}

// killNode kills a further machine: its client, the Consul agent beside it, and all tasks.
func (d *dev) killNode(name string) {
	d.t.Helper()
	allocs, _, err := d.nomad().Nodes().Allocations(d.node(name).ID, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, child := range d.machine(name).Children {
		d.killChild(child)
	}
	for _, p := range d.processes() {
		if slices.ContainsFunc(allocs, func(a *nomadapi.Allocation) bool { return p.belongs(a.ID) }) {
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have ended with another one
		}
	}
}

// givenUp waits until Nomad has not heard of a node for too long. It is down then, or disconnected where instances on it ask to
// go on when it is back, which the stand-in knows nothing of.
func (d *dev) givenUp(name string) {
	d.t.Helper()
	d.until(time.Minute, "Nomad has given "+name+" up", func() bool {
		status := d.node(name).Status
		return status == nomadapi.NodeStatusDown || status == nomadapi.NodeStatusDisconnected
	})
}

// reviveNode starts again what was killed of a machine, and returns when Nomad has its node back.
func (d *dev) reviveNode(name string) {
	d.t.Helper()
	for _, child := range d.machine(name).Children {
		if err := os.Remove(d.hold(child)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.t.Fatal(err)
		}
	}
	d.until(time.Minute, name+" is back", func() bool { return d.node(name).Status == "ready" })
}

func (d *dev) machine(name string) machine {
	d.t.Helper()
	i := slices.IndexFunc(d.info.Nodes, func(m machine) bool { return m.Name == name })
	if i < 1 {
		d.t.Fatalf("%s is no further node: %+v", name, d.info.Nodes)
	}
	return d.info.Nodes[i]
}

func (d *dev) hold(child string) string { return filepath.Join(d.dir, child, "hold") }

func (d *dev) killChild(name string) {
	d.t.Helper()
	if err := d.read(); err != nil { // its pid may be another one since
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.hold(name), nil, 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := syscall.Kill(d.info.Pids[name], syscall.SIGKILL); err != nil {
		d.t.Fatalf("kill %s: %v", name, err)
	}
}

// belongs tells the processes of an allocation: the task by its environment, its executor by its arguments.
func (p process) belongs(alloc string) bool {
	if slices.ContainsFunc(p.args, func(arg string) bool { return strings.Contains(arg, alloc) }) {
		return true
	}
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "environ"))
	return err == nil && slices.Contains(strings.Split(string(environ), "\x00"), "NOMAD_ALLOC_ID="+alloc)
}
