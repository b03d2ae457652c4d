package agents

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// File is one file of configuration.
type File struct {
	Path   string
	Text   string
	Secret bool // only its program may read it
	When   When // the running program is to know of it
}

// When a running program is to know of a file that changed.
type When string

// The times.
const (
	AtRestart When = "restart" // at once, by a restart
	AtReload  When = "reload"  // at once, without one
	AtNext    When = "next"    // whenever it starts next: it only matters to a start
)

// Cert says where the certificate of an agent lies on its machine, and its key.
func Cert(n fleet.Name) (certificate, key string) {
	return TLS + "/" + string(n) + ".pem", TLS + "/" + string(n) + "-key.pem"
}

// Names are what an agent's certificate on a machine speaks for, and who it is called. Only servers have the name that
// others take for a server's: a client's certificate can't pose as one.
func Names(f fleet.Fleet, m fleet.Machine, n fleet.Name) (common string, dns []string, ips []net.IP) {
	role := "client"
	if m.Is(fleet.Server) {
		role = "server"
	}
	common = string(n) + ".service.consul"
	if n == fleet.Consul {
		common = role + "." + f.Name + ".consul"
	}
	if n == fleet.Nomad {
		common = role + "." + region(f) + ".nomad"
	}
	dns = []string{common, "localhost"}
	if n == fleet.Nomad && m.Is(fleet.Server) && m.Is(fleet.Client) {
		dns = append(dns, "client."+region(f)+".nomad")
	}
	if n == fleet.Vault {
		dns = append(dns, "active."+common, "standby."+common)
	}
	ips = []net.IP{net.IPv4(127, 0, 0, 1)}
	if ip := net.ParseIP(m.Address); ip != nil {
		ips = append(ips, ip)
	}
	return common, dns, ips
}

func region(f fleet.Fleet) string {
	if f.Region == "" {
		return "global"
	}
	return f.Region
}

// servers are the addresses of all machines that are servers, in order.
func servers(f fleet.Fleet) []string {
	var all []string
	for _, m := range f.Of(fleet.Server) {
		all = append(all, m.Address)
	}
	slices.Sort(all)
	return all
}

// onLoopback is an address list of a machine's loopback and its own address, for agents that take several.
func onLoopback(m fleet.Machine) string {
	return strings.Join(slices.Compact([]string{"127.0.0.1", m.Address}), " ")
}

func hostPort(address string, port int) string { return net.JoinHostPort(address, strconv.Itoa(port)) }
