package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Ports are picked from a range below both the kernel's ephemeral ports and Nomad's dynamic ones, so that no
// outgoing connection takes a child's port while the child restarts.
const (
	firstPort = 10_000
	lastPort  = 19_999

	firstTaskPort = 20_000 // tasks get a block of their own: those of two stacks on one machine must not meet
	taskBlock     = 1000   // the last port of a block is held by the dev that has the block
	taskBlocks    = 12
)

// Ports are the loopback ports of one stack. They are chosen once: agents write some of them into their state,
// and running tasks know their addresses.
type Ports struct {
	Server       int `json:"server"`  // only when --listen asks for port 0
	Router       int `json:"router"`  // only when --router asks for port 0
	Admin        int `json:"admin"`   // of the router
	Metrics      int `json:"metrics"` // of the router
	Nomad        int `json:"nomad"`
	NomadRPC     int `json:"nomad_rpc"`
	NomadSerf    int `json:"nomad_serf"`
	Consul       int `json:"consul"`
	ConsulServer int `json:"consul_server"`
	ConsulSerf   int `json:"consul_serf"`
	Vault        int `json:"vault"`
	VaultCluster int `json:"vault_cluster"`
	Postgres     int `json:"postgres"` // kept also while it is taken: databases are known by it
	Tasks        int `json:"tasks"`    // the first of taskBlock ports for tasks

	Further []NodePorts `json:"further,omitempty"` // of the nodes after the first
}

// NodePorts are those of a real client and of the Consul agent beside it.
type NodePorts struct {
	Nomad      int `json:"nomad"`
	Consul     int `json:"consul"`
	ConsulSerf int `json:"consul_serf"`
}

// taskPorts are the ports for the tasks of one of several nodes: each has its part of the block.
func (p Ports) taskPorts(node, nodes int) (first, last int) {
	size := (taskBlock - 1) / nodes
	return p.Tasks + node*size, p.Tasks + (node+1)*size - 1
}

// claimTasks takes a block of ports for tasks that no other dev on this machine has, the one of last time if it
// can be had: its running tasks are there. The claim is a listener on the block's last port, so it ends with
// the process, however that ends.
func claimTasks(dir string, p *Ports) (net.Listener, error) {
	blocks := rand.Perm(taskBlocks)
	if last := (p.Tasks - firstTaskPort) / taskBlock; p.Tasks >= firstTaskPort && last < taskBlocks {
		blocks = append([]int{last}, blocks...)
	}
	for _, block := range blocks {
		first := firstTaskPort + block*taskBlock
		held, err := new(net.ListenConfig).Listen(context.Background(), "tcp", local(first+taskBlock-1))
		if err != nil {
			continue // another dev's
		}
		p.Tasks = first
		if err := writeJSON(filepath.Join(dir, "ports.json"), p); err != nil {
			_ = held.Close() // the error of the file is the one to report
			return nil, err
		}
		return held, nil
	}
	return nil, fmt.Errorf("each of the %d blocks of %d ports for tasks above %d is taken by another crumpet dev: stop one of them", taskBlocks, taskBlock, firstTaskPort)
}

// choosePorts reads DIR/ports.json, keeps the ports that are free, replaces the others, and writes the file.
func choosePorts(dir string, nodes int) (Ports, error) {
	var p Ports
	path := filepath.Join(dir, "ports.json")
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return p, fmt.Errorf("read ports: %w", err)
	default:
		if err := json.Unmarshal(text, &p); err != nil {
			return p, fmt.Errorf("read ports: %s: %w. Remove it to choose new ports", path, err)
		}
	}
	ports := []*int{
		&p.Server, &p.Router, &p.Admin, &p.Metrics, &p.Nomad, &p.NomadRPC, &p.NomadSerf,
		&p.Consul, &p.ConsulServer, &p.ConsulSerf, &p.Vault, &p.VaultCluster,
	}
	for len(p.Further) < nodes-1 {
		p.Further = append(p.Further, NodePorts{})
	}
	for i := range nodes - 1 {
		ports = append(ports, &p.Further[i].Nomad, &p.Further[i].Consul, &p.Further[i].ConsulSerf)
	}
	taken := map[int]bool{}
	if p.Postgres != 0 {
		taken[p.Postgres] = true
	} else {
		ports = append(ports, &p.Postgres)
	}
	for _, port := range ports {
		if *port == 0 || taken[*port] || !stillFree(*port) {
			if *port, err = pickPort(taken); err != nil {
				return p, err
			}
		}
		taken[*port] = true
	}
	return p, writeJSON(path, p)
}

func pickPort(taken map[int]bool) (int, error) {
	size := lastPort - firstPort + 1
	start := rand.IntN(size)
	for i := range size {
		port := firstPort + (start+i)%size
		if !taken[port] && free(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d", firstPort, lastPort)
}

// stillFree looks again where somebody listens: it may be another dev that looks for free ports.
func stillFree(port int) bool {
	for range 5 {
		if free(port) {
			return true
		}
		pause(context.Background(), 20*time.Millisecond)
	}
	return false
}

// free says whether nobody listens: serf needs UDP as well as TCP.
func free(port int) bool {
	addr := local(port)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = l.Close() }()
	u, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	_ = u.Close()
	return true
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// withPort replaces port 0 of an address by the port chosen for it, and an empty host by the loopback one.
func withPort(addr string, chosen int) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("address %q is not HOST:PORT, such as 127.0.0.1:4780 (port 0 for a free one)", addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "0" {
		port = strconv.Itoa(chosen)
	}
	return net.JoinHostPort(host, port), nil
}

// checkFree tells an address in use from a child that can't start: a stranger on the address would even answer
// the questions whether the child is ready.
func checkFree(flag, addr string) error {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program. Choose another address with %s", addr, flag)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, addr, err)
	}
	return l.Close()
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file by v, mode 0600, so that a reader sees the old or the new text.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	next := path + ".next"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
