package fleet

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const longestName = 24

var (
	word    = regexp.MustCompile(`^[a-z]([a-z0-9]|-[a-z0-9])*$`)
	metaKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	user    = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
)

// Validate gives every fault at once, each at its key path. Code: invalid.
func (f Fleet) Validate() error {
	if faults := f.faults(); len(faults) > 0 {
		return faulty("The cluster", faults)
	}
	return nil
}

// checked gathers faults.
type checked struct{ faults []paas.Fault }

func (c *checked) fault(location, format string, args ...any) {
	c.faults = append(c.faults, paas.Fault{Location: location, Message: fmt.Sprintf(format, args...)})
}

func (f Fleet) faults() []paas.Fault {
	c := &checked{}
	c.name("name", f.Name)
	c.name("region", f.Region)
	if problem := paas.CheckRoute(paas.Route{Host: "app." + f.Domain, Path: "/"}); problem != "" {
		c.fault("domain", "domain = %q can't hold the routes of apps. %s", f.Domain, problem)
	}
	if f.Init != Systemd && f.Init != Process {
		c.fault("init", "init = %q; write \"systemd\", or \"process\" for machines without it.", f.Init)
	}
	c.ssh(f.SSH)
	c.machines(f.Machines)
	c.programs(f.Programs)
	c.seal(f.Seal)
	c.keepers(f.Keepers)
	if f.Store.URLFile == "" {
		c.fault("store", "There is no store: name a file that holds the URL of a PostgreSQL database, store { url_file = \"store.url\" }.")
	}
	c.ports(f)
	c.clients(f.Clients)
	return c.faults
}

func (c *checked) name(key, text string) {
	if !word.MatchString(text) || len(text) > longestName {
		c.fault(key, "%s = %q; write a word of lower-case letters, digits and single dashes that begins with a letter, at most %d.", key, text, longestName)
	}
}

func (c *checked) ssh(s SSH) {
	if !user.MatchString(s.User) {
		c.fault("ssh.user", "ssh.user = %q is not the name of a user.", s.User)
	}
	if s.Port < 1 || s.Port > 65535 {
		c.fault("ssh.port", "ssh.port = %d is not a port.", s.Port)
	}
	if s.Timeout < time.Second || s.Timeout > 5*time.Minute {
		c.fault("ssh.timeout", "ssh.timeout = %s; use from 1s to 5m.", s.Timeout)
	}
}

// numbered tells the second of two things with one name apart.
func numbered(key string, n int) string {
	if n < 2 {
		return key
	}
	return key + "#" + strconv.Itoa(n)
}

func (c *checked) machines(list []Machine) {
	seen, addresses := map[string]int{}, map[string]string{}
	roles := map[Role]int{}
	for _, m := range list {
		seen[m.Name]++
		key := numbered("machine."+m.Name, seen[m.Name])
		if seen[m.Name] > 1 {
			c.fault(key, "There is a machine %q already: each has a name of its own.", m.Name)
		}
		if !word.MatchString(m.Name) || len(m.Name) > 63 {
			c.fault(key, "machine %q; a name has lower-case letters, digits and single dashes, and begins with a letter.", m.Name)
		}
		c.address(key, m, addresses, len(list) == 1)
		if len(m.Roles) == 0 {
			c.fault(key+".roles", "machine %q has no role: write roles = [\"server\"], [\"client\"] or both.", m.Name)
		}
		for i, r := range m.Roles {
			switch {
			case r != Server && r != Client:
				c.fault(key+".roles", "machine %q has the role %q; there are \"server\" and \"client\".", m.Name, r)
			case slices.Contains(m.Roles[:i], r):
				c.fault(key+".roles", "machine %q has the role %q twice.", m.Name, r)
			}
			roles[r]++
		}
		if !path.IsAbs(m.Root) {
			c.fault(key+".root", "machine %q has the root %q; write an absolute path, or leave it out.", m.Name, m.Root)
		}
		for name := range m.Meta {
			if !metaKey.MatchString(name) {
				c.fault(key+".meta", "machine %q has the meta key %q; use letters, digits, _, - and dots.", m.Name, name)
			}
		}
	}
	if roles[Server] == 0 {
		c.fault("machine", "No machine has the role \"server\": three of them survive the loss of one.")
	}
	if roles[Client] == 0 {
		c.fault("machine", "No machine has the role \"client\": there would be none to run apps on.")
	}
}

func (c *checked) address(key string, m Machine, taken map[string]string, alone bool) {
	key += ".address"
	ip, err := netip.ParseAddr(m.Address)
	switch {
	case err != nil || ip.Zone() != "":
		c.fault(key, "machine %q has the address %q; write an IP address, without a port.", m.Name, m.Address)
		return
	case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip.IsLoopback() && !alone:
		c.fault(key, "machine %q has the address %s, under which the others can't reach it.", m.Name, m.Address)
	}
	if other, ok := taken[ip.Unmap().String()]; ok {
		c.fault(key, "machine %q has the address of machine %q, %s.", m.Name, other, m.Address)
		return
	}
	taken[ip.Unmap().String()] = m.Name
}

func (c *checked) seal(s Seal) {
	switch s.Kind {
	case Shares:
		if s.Shares < 1 || s.Shares > 255 {
			c.fault("seal.shares.shares", "seal.shares = %d; use from 1 to 255.", s.Shares)
		}
		if s.Threshold < 1 || s.Threshold > s.Shares || s.Threshold == 1 && s.Shares > 1 {
			c.fault("seal.shares.threshold", "seal.threshold = %d of %d shares; Vault wants from 2 to as many as there are, or one share alone.", s.Threshold, s.Shares)
		}
		if s.Type != "" || s.TokenFile+s.CAFile != "" || len(s.Settings) > 0 {
			c.fault("seal.shares", "seal \"shares\" has shares and threshold only.")
		}
		return
	case Transit:
		if s.TokenFile == "" {
			c.fault("seal.transit", "seal \"transit\" needs token_file: a file here that holds the token for the other Vault.")
		}
		for _, name := range []string{"address", "key_name", "mount_path"} {
			if s.Settings[name] == "" {
				c.fault("seal.transit.settings", "seal \"transit\" needs %s in its settings.", name)
			}
		}
		if s.Type != "" {
			c.fault("seal.transit.type", "type is that of seal \"kms\".")
		}
		if s.CAFile != "" && s.Settings["tls_ca_cert"] != "" {
			c.fault("seal.transit.ca_file", "ca_file is a file here and tls_ca_cert one on each server: keep one.")
		}
	case KMS:
		if !word.MatchString(s.Type) {
			c.fault("seal.kms.type", "seal \"kms\" needs a type in Vault's words, such as \"awskms\".")
		}
		if s.TokenFile != "" {
			c.fault("seal.kms.token_file", "token_file is that of seal \"transit\"; machines get at a KMS by their own identity.")
		}
		if s.CAFile != "" {
			c.fault("seal.kms.ca_file", "ca_file is that of seal \"transit\".")
		}
	default:
		c.fault("seal", "seal %q; there are \"shares\", \"transit\" and \"kms\".", s.Kind)
	}
	for name := range s.Settings {
		if !metaKey.MatchString(name) || slices.Contains(secretSettings, name) {
			c.fault("seal."+string(s.Kind)+".settings", "The settings of a seal hold %q, and this file holds no secrets.", name)
		}
	}
}

// secretSettings are those of Vault's seals that are secrets.
var secretSettings = []string{"token", "access_key", "secret_key", "client_secret", "pin", "password"}

func (c *checked) keepers(list []Keeper) {
	if len(list) == 0 {
		c.fault("keeper", "There is no keeper: name at least one person who may read what is kept, keeper \"NAME\" { public_key = \"age1...\" }.")
	}
	names, keys := map[string]int{}, map[string]string{}
	for _, k := range list {
		names[k.Name]++
		key := numbered("keeper."+k.Name, names[k.Name])
		if names[k.Name] > 1 {
			c.fault(key, "There is a keeper %q already.", k.Name)
		}
		if !word.MatchString(k.Name) {
			c.fault(key, "keeper %q; a name has lower-case letters, digits and single dashes, and begins with a letter.", k.Name)
		}
		fields := strings.Fields(k.PublicKey)
		switch {
		case strings.Contains(k.PublicKey, "SECRET-KEY") || strings.Contains(k.PublicKey, "PRIVATE KEY"):
			c.fault(key+".public_key", "That is the private key of keeper %q: make a new pair, and write its public key.", k.Name)
			continue
		case len(fields) == 1 && strings.HasPrefix(fields[0], "age1"):
		case len(fields) >= 2 && (fields[0] == "ssh-ed25519" || fields[0] == "ssh-rsa"):
			fields = fields[:2] // the rest is a comment
		default:
			c.fault(key+".public_key", "The public key of keeper %q is none: write age1..., or a line that begins with ssh-ed25519 or ssh-rsa.", k.Name)
			continue
		}
		same := strings.Join(fields, " ")
		if other, ok := keys[same]; ok {
			c.fault(key+".public_key", "Keeper %q has the public key of keeper %q.", k.Name, other)
		}
		keys[same] = k.Name
	}
}
