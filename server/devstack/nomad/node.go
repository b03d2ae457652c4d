package nomad

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// version is the release of Nomad the stand-in behaves like.
const version = "2.0.6"

const signals = "SIGABRT,SIGALRM,SIGBUS,SIGCHLD,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGKILL,SIGPIPE,SIGPROF," +
	"SIGQUIT,SIGSEGV,SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,SIGURG,SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ"

// register puts the server's own node in, or refreshes what the configuration says
// of it. Its id, eligibility and drain stay.
func (s *Server) register() error {
	_, err := s.state.Update("NodeRegistration", func(tx *state.Tx) error {
		if tx.Namespace("default") == nil {
			tx.PutNamespace(&nomadapi.Namespace{
				Name: "default", Description: "Default shared namespace",
				CreateIndex: tx.Index(), ModifyIndex: tx.Index(),
			})
		}
		var old *nomadapi.Node // the first that ever registered is this server's own
		for _, n := range tx.Nodes() {
			if old == nil || n.CreateIndex < old.CreateIndex {
				old = n
			}
		}
		n := s.cfg.node(tx, old)
		s.node = n.ID
		tx.PutNode(n)
		return nil
	})
	return err
}

// node is the node of a client as it registers: new, or what it was with a new fingerprint.
func (c *Config) node(tx *state.Tx, old *nomadapi.Node) *nomadapi.Node {
	n := c.fingerprint()
	if old != nil {
		n.ID, n.CreateIndex, n.Events, n.Meta = old.ID, old.CreateIndex, old.Events, old.Meta
		n.SchedulingEligibility, n.Drain, n.DrainStrategy, n.LastDrain = old.SchedulingEligibility, old.Drain, old.DrainStrategy, old.LastDrain
	} else {
		n.ID, n.CreateIndex = newID(), tx.Index()
		n.Events = []*nomadapi.NodeEvent{{Message: "Node registered", Subsystem: "Cluster", Timestamp: time.Now()}}
	}
	n.Attributes["unique.consul.name"] = n.Name
	n.HostVolumes = hostVolumes(&tx.View, n.ID)
	n.ModifyIndex = tx.Index()
	return n
}

func (c *Config) fingerprint() *nomadapi.Node {
	now := time.Now()
	ip := "127.0.0.1"
	if host, _, err := net.SplitHostPort(c.Advertise); err == nil && net.ParseIP(host) != nil {
		ip = host
	}
	drivers := map[string]*nomadapi.DriverInfo{}
	attributes := map[string]string{
		"consul.datacenter":                 "dc1",
		"consul.version":                    "1.22.0",
		"cpu.arch":                          runtime.GOARCH,
		"cpu.numcores":                      strconv.Itoa(runtime.NumCPU()),
		"cpu.totalcompute":                  strconv.Itoa(c.CPU),
		"cpu.usablecompute":                 strconv.Itoa(c.CPU),
		"kernel.name":                       runtime.GOOS,
		"kernel.arch":                       kernelArch(),
		"memory.totalbytes":                 strconv.FormatInt(int64(c.MemoryMB)<<20, 10),
		"nomad.version":                     version,
		"nomad.region":                      c.Region,
		"os.name":                           "linux",
		"plugins.host_volume.mkdir.version": "0.0.1",
		"os.signals":                        signals,
		"unique.advertise.address":          c.Advertise,
		"unique.hostname":                   c.Name,
		"unique.network.ip-address":         ip,
	}
	for _, name := range []string{"exec", "raw_exec"} {
		attributes["driver."+name] = "1"
		drivers[name] = &nomadapi.DriverInfo{
			Attributes: map[string]string{"driver." + name: "true"}, Detected: true, Healthy: true,
			HealthDescription: "Healthy", UpdateTime: now,
		}
	}
	cpu, memory, disk := c.CPU, c.MemoryMB, diskMB
	network := &nomadapi.NetworkResource{Mode: "host", Device: "lo", CIDR: ip + "/32", IP: ip}
	return &nomadapi.Node{
		Datacenter: c.Datacenter, Name: c.Name, NodePool: "default",
		HTTPAddr: c.Advertise, Attributes: attributes, Drivers: drivers,
		Meta: map[string]string{}, Links: map[string]string{}, HostVolumes: map[string]*nomadapi.HostVolumeInfo{},
		Resources: &nomadapi.Resources{CPU: &cpu, MemoryMB: &memory, DiskMB: &disk, Networks: []*nomadapi.NetworkResource{network}},
		Reserved:  &nomadapi.Resources{CPU: new(0), MemoryMB: new(0), DiskMB: new(0)},
		NodeResources: &nomadapi.NodeResources{
			Cpu:            nomadapi.NodeCpuResources{CpuShares: int64(cpu), TotalCpuCores: uint16(runtime.NumCPU())},
			Memory:         nomadapi.NodeMemoryResources{MemoryMB: int64(memory)},
			Disk:           nomadapi.NodeDiskResources{DiskMB: diskMB},
			Networks:       []*nomadapi.NetworkResource{network},
			MinDynamicPort: c.DynamicPortMin, MaxDynamicPort: c.DynamicPortMax,
		},
		ReservedResources:     &nomadapi.NodeReservedResources{},
		SchedulingEligibility: nomadapi.NodeSchedulingEligible,
		Status:                nomadapi.NodeStatusReady,
		StatusUpdatedAt:       now.Unix(),
	}
}

// diskMB is more than the tasks of a laptop reserve by default: the stand-in
// does not measure disks.
const diskMB = 1 << 20

func kernelArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// machineMHz is the sum of the cores. Where the frequency can't be read, a core
// counts 2000 MHz.
func machineMHz() int {
	total := 0
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			name, value, found := strings.Cut(line, ":")
			if !found || strings.TrimSpace(name) != "cpu MHz" {
				continue
			}
			if mhz, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				total += int(mhz)
			}
		}
	}
	return orDefault(total, 2000*runtime.NumCPU())
}

// machineMemoryMB is the machine's memory; 4096 where it can't be read.
func machineMemoryMB() int {
	const fallback = 4096
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return fallback
	}
	total := fallback
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var kb int
		if n, err := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kb); err == nil && n == 1 {
			total = kb / 1024
			break
		}
	}
	if file.Close() != nil {
		return fallback
	}
	return total
}

// withNodeEvent is a copy of a node with one more event, ten at most as in Nomad.
func withNodeEvent(n *nomadapi.Node, index uint64, subsystem, message string) *nomadapi.Node {
	c := *n
	c.Attributes = maps.Clone(n.Attributes)
	events := append(slices.Clip(n.Events), &nomadapi.NodeEvent{
		Message: message, Subsystem: subsystem, Timestamp: time.Now(), CreateIndex: index,
	})
	c.Events = events[max(0, len(events)-10):]
	c.ModifyIndex = index
	return &c
}
