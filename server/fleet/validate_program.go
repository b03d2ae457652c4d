package fleet

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	digest  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	version = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.+-]+)?$`)
)

// commands are the file names that a program may have.
var commands = map[Name][]string{Consul: {"consul"}, Nomad: {"nomad"}, Vault: {"vault", "bao"}, Fabio: {"fabio"}, Crumpet: {"crumpet"}}

// drivers are Nomad's task drivers that up knows how to allow.
var drivers = []string{"exec", "raw_exec", "docker"}

// taken are the ports that programs have by default, by what has them.
var taken = map[int]string{
	4646: "Nomad's API", 4647: "Nomad's servers", 4648: "Nomad's gossip", 8200: "Vault", 8201: "Vault's cluster",
	8300: "Consul's servers", 8301: "Consul's gossip", 8302: "Consul's gossip between datacenters", 8500: "Consul's API",
	8501: "Consul's API", 8502: "Consul's gRPC", 8503: "Consul's gRPC", 8600: "Consul's DNS",
}

func (c *checked) programs(list []Program) {
	seen := map[Name]int{}
	for _, p := range list {
		seen[p.Name]++
		key := numbered("program."+string(p.Name), seen[p.Name])
		if seen[p.Name] > 1 {
			c.fault(key, "There is a program %q already.", p.Name)
		}
		allowed, known := commands[p.Name]
		if !known {
			c.fault(key, "program %q; there are %s.", p.Name, quoted(Names))
			continue
		}
		if !slices.Contains(allowed, p.Command) {
			c.fault(key+".command", "program %q has the command %q; it may be %s.", p.Name, p.Command, quoted(allowed))
		}
		if !version.MatchString(p.Version) {
			c.fault(key+".version", "program %q has the version %q; write it as the program says itself, such as \"1.20.0\".", p.Name, p.Version)
		}
		c.source(key, p)
	}
	for _, name := range Names {
		if seen[name] == 0 && name != Crumpet {
			c.fault("program", "There is no program %q: say which version, and where it comes from.", name)
		}
	}
}

func (c *checked) source(key string, p Program) {
	u, err := url.Parse(p.Source)
	remote := err == nil && u.Scheme == "https"
	switch {
	case p.Source == "":
		c.fault(key+".source", "program %q has no source: write a folder, a file or a URL.", p.Name)
	case err == nil && u.Scheme != "" && u.Scheme != "https" && u.Scheme != "file":
		c.fault(key+".source", "program %q comes from %s; use https://, file://, a folder or a file.", p.Name, u.Scheme+"://")
	case remote && (u.Host == "" || u.User != nil):
		c.fault(key+".source", "program %q has a source without a host, or with a password in it.", p.Name)
	case remote && p.SHA256 == "" && p.Sums == "":
		c.fault(key+".source", "program %q comes from a URL: say what it must be, with sha256, or with sums and key.", p.Name)
	}
	if p.SHA256 != "" && !digest.MatchString(p.SHA256) {
		c.fault(key+".sha256", "program %q has a sha256 of %d characters; it is 64 hexadecimal digits.", p.Name, len(p.SHA256))
	}
	if p.SHA256 != "" && p.Sums != "" {
		c.fault(key+".sums", "program %q has both sha256 and sums: keep one.", p.Name)
	}
	if p.Key != "" && p.Sums == "" {
		c.fault(key+".key", "program %q has a key and nothing that is signed: name the SHA256SUMS with sums.", p.Name)
	}
}

func (c *checked) ports(f Fleet) {
	mine := map[int]string{f.SSH.Port: "SSH"}
	maps.Copy(mine, taken)
	for _, p := range []struct {
		key  string
		port int
		what string
	}{{"router", f.Ports.Router, "the router"}, {"admin", f.Ports.Admin, "Fabio's API"}, {"jwks", f.Ports.JWKS, "Nomad's public keys"}} {
		key := "ports." + p.key
		if p.port < 1 || p.port > 65535 {
			c.fault(key, "%s = %d is not a port.", key, p.port)
			continue
		}
		other, inUse := mine[p.port]
		if inUse {
			c.fault(key, "%s = %d is the port of %s already.", key, p.port, other)
		}
		if p.port >= f.Clients.MinPort && p.port <= f.Clients.MaxPort {
			c.fault(key, "%s = %d lies in the range of the apps' ports, %d to %d.", key, p.port, f.Clients.MinPort, f.Clients.MaxPort)
		}
		if !inUse {
			mine[p.port] = p.what
		}
	}
	for _, port := range slices.Sorted(maps.Keys(mine)) {
		if what := mine[port]; (taken[port] != "" || what == "SSH") && port >= f.Clients.MinPort && port <= f.Clients.MaxPort {
			c.fault("clients.min_port", "The range of the apps' ports, %d to %d, holds %d, the port of %s.", f.Clients.MinPort, f.Clients.MaxPort, port, what)
		}
	}
}

func (c *checked) clients(b ClientBase) {
	for _, d := range b.Drivers {
		if !slices.Contains(drivers, d) {
			c.fault("clients.drivers", "clients.drivers names %q; there are %s.", d, quoted(drivers))
		}
	}
	if b.MinPort < 1024 || b.MaxPort > 65535 || b.MinPort >= b.MaxPort {
		c.fault("clients.min_port", "The range of the apps' ports is %d to %d; it must lie within 1024 to 65535.", b.MinPort, b.MaxPort)
	}
	if b.ReservedMB < 0 {
		c.fault("clients.reserved_mb", "clients.reserved_mb = %d is less than nothing.", b.ReservedMB)
	}
	for _, from := range slices.Sorted(maps.Keys(b.ChrootEnv)) {
		if !path.IsAbs(from) || !path.IsAbs(b.ChrootEnv[from]) {
			c.fault("clients.chroot_env", "clients.chroot_env maps %q to %q; both are absolute paths.", from, b.ChrootEnv[from])
		}
	}
}

// quoted lists words: "a", "b" and "c".
func quoted[T ~string](list []T) string {
	var parts []string
	for _, w := range list {
		parts = append(parts, fmt.Sprintf("%q", string(w)))
	}
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}
