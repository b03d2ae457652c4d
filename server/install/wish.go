package install

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Wish is the platform that is to be. It holds no secret, and is kept in Vault as JSON.
type Wish struct {
	Domain     string `json:"domain,omitempty"`      // of the apps
	Host       string `json:"host,omitempty"`        // of Crumpet's API and UI; crumpet.DOMAIN unless said
	URL        string `json:"url,omitempty"`         // at which browsers reach it; http://HOST[:PORT] unless said
	Count      int    `json:"count,omitempty"`       // servers; 2 unless said
	RouterPort int    `json:"router_port,omitempty"` // 80 unless said
	AdminPort  int    `json:"admin_port,omitempty"`  // 9998 unless said
	Listen     string `json:"listen,omitempty"`      // address that routers listen on; every one unless said

	Crumpet Program `json:"crumpet"`
	Fabio   Program `json:"fabio"`
	Driver  string  `json:"driver,omitempty"` // of both: exec unless said, or raw_exec
	Folder  string  `json:"folder,omitempty"` // with raw_exec: on the nodes, holds NAME-VERSION; /opt/crumpet/bin unless said
	Volume  string  `json:"volume,omitempty"` // with exec: host volume of that folder; crumpet-programs unless said

	Toolchain string `json:"toolchain,omitempty"` // host volume with a Go toolchain
	GoProxy   string `json:"goproxy,omitempty"`
	Drivers   string `json:"drivers,omitempty"` // that apps may use, joined by commas; exec unless said
	Memory    int    `json:"memory,omitempty"`  // of a server, MB; 512 unless said

	Datacenters []string `json:"datacenters,omitempty"`
	Pool        string   `json:"pool,omitempty"`
	Proxies     []string `json:"proxies,omitempty"` // addresses of routers; those of Nomad's nodes unless said

	NomadURL  string `json:"nomad_url,omitempty"`  // as the servers reach it: http://127.0.0.1:4646 unless said
	ConsulURL string `json:"consul_url,omitempty"` // likewise: http://127.0.0.1:8500
	VaultURL  string `json:"vault_url,omitempty"`  // likewise
	NomadTLS  bool   `json:"nomad_tls,omitempty"`  // servers show Nomad the certificate of Secrets
	VaultTLS  bool   `json:"vault_tls,omitempty"`  // servers believe the authority of Secrets
	JWKS      string `json:"jwks,omitempty"`       // URL at which Vault reads Nomad's keys; NomadURL + /.well-known/jwks.json unless said
	JWKSCA    string `json:"jwks_ca,omitempty"`    // PEM of who signed its certificate
}

// Program is one of the two that run as jobs.
type Program struct {
	Version  string `json:"version,omitempty"`
	Source   string `json:"source,omitempty"`   // URL; "" for one that the nodes have
	Checksum string `json:"checksum,omitempty"` // sha256:HEX, of what Source names
}

// Default is a Wish that says nothing.
func Default() Wish {
	return Wish{
		Count: 2, RouterPort: 80, AdminPort: 9998, Driver: "exec", Folder: "/opt/crumpet/bin", Volume: "crumpet-programs",
		Fabio: Program{Version: "1.7.3"}, Drivers: "exec", Memory: 512, Datacenters: []string{"*"}, Pool: "default",
		NomadURL: "http://127.0.0.1:4646", ConsulURL: "http://127.0.0.1:8500",
	}
}

// Over lays what over says over w. A program of another version is not where the one before came from.
func (w Wish) Over(over Wish) (Wish, error) {
	for _, p := range []struct{ was, said *Program }{{&w.Crumpet, &over.Crumpet}, {&w.Fabio, &over.Fabio}} {
		if p.said.Source != "" || p.said.Version != "" && p.said.Version != p.was.Version {
			p.was.Source, p.was.Checksum = "", ""
		}
	}
	text, err := json.Marshal(over)
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	return w, err
}

var (
	checksum = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	// word is what may stand in a job, a file's name or a rule without being anything else there.
	word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)
	path = regexp.MustCompile(`^(/[A-Za-z0-9._+-]+)+$`)
)

// complete fills in what follows from the rest, and finds every fault.
func (w Wish) complete() (Wish, []paas.Fault) {
	var faults []paas.Fault
	fault := func(key, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: key, Message: fmt.Sprintf(format, args...)})
	}
	if problem := paas.CheckRoute(paas.Route{Host: "app." + w.Domain, Path: "/"}); problem != "" {
		fault("domain", "The domain %q can't hold the routes of apps. Say --domain apps.example.com.", w.Domain)
	}
	if w.Host == "" {
		w.Host = "crumpet." + w.Domain
	}
	if problem := paas.CheckRoute(paas.Route{Host: w.Host, Path: "/"}); problem != "" {
		fault("host", "The host %q can't be Crumpet's. %s", w.Host, problem)
	}
	if w.URL == "" {
		w.URL = "http://" + w.hostPort()
	}
	for _, u := range []struct{ key, text string }{
		{"url", w.URL}, {"nomad_url", w.NomadURL}, {"consul_url", w.ConsulURL}, {"vault_url", w.VaultURL},
	} {
		if !isURL(u.text) {
			fault(u.key, "%s = %q is not a URL, such as http://127.0.0.1:8500, without user, query and path.", u.key, u.text)
		}
	}
	if strings.HasPrefix(w.ConsulURL, "https:") {
		fault("consul_url", "consul_url = %q: Fabio and Crumpet reach their node's Consul agent on its loopback, without TLS. Say http://127.0.0.1:8500.", w.ConsulURL)
	}
	if strings.HasPrefix(w.NomadURL, "https:") && !w.NomadTLS {
		fault("nomad_url", "nomad_url = %q: the servers need what they show to that Nomad. Set NOMAD_CACERT, NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY.", w.NomadURL)
	}
	if w.JWKS == "" {
		w.JWKS = w.NomadURL + "/.well-known/jwks.json"
	}
	if w.Count < 1 {
		fault("count", "count = %d must be at least 1; 2 and more go on when a machine is lost.", w.Count)
	}
	for key, n := range map[string]int{"router_port": w.RouterPort, "admin_port": w.AdminPort} {
		if n < 1 || n > 65535 {
			fault(key, "%s = %d is no port.", key, n)
		}
	}
	if w.RouterPort == w.AdminPort {
		fault("admin_port", "admin_port = %d is the router's own port as well. Choose another.", w.AdminPort)
	}
	if w.Listen != "" && net.ParseIP(w.Listen) == nil {
		fault("listen", "listen = %q is no address.", w.Listen)
	}
	if w.Driver != "exec" && w.Driver != "raw_exec" {
		fault("driver", "driver = %q; the platform's jobs run under exec, or raw_exec where nodes allow that.", w.Driver)
	}
	if !path.MatchString(w.Folder) {
		fault("folder", "folder = %q is no path, such as /opt/crumpet/bin.", w.Folder)
	}
	if !word.MatchString(w.Volume) {
		fault("volume", "volume = %q is no name of a host volume.", w.Volume)
	}
	w.Crumpet.check("crumpet", fault)
	w.Fabio.check("fabio", fault)
	for _, d := range w.drivers() {
		if d != "exec" && d != "raw_exec" {
			fault("drivers", "drivers names %q; apps run under exec, or raw_exec where you allow it.", d)
		}
	}
	for _, p := range w.Proxies {
		if _, _, err := net.ParseCIDR(p); err != nil && net.ParseIP(p) == nil {
			fault("proxies", "proxies names %q, which is no address and no range.", p)
		}
	}
	slices.SortFunc(faults, func(a, b paas.Fault) int { return strings.Compare(a.Location, b.Location) })
	return w, faults
}

func (p Program) check(name string, fault func(key, format string, args ...any)) {
	if !word.MatchString(p.Version) {
		fault(name+".version", "%s.version = %q is no version, such as 1.7.3.", name, p.Version)
	}
	u, err := url.Parse(p.Source)
	switch {
	case p.Source == "" && p.Checksum == "":
	case p.Source == "":
		fault(name+".checksum", "%s.checksum is of a source, and there is none.", name)
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil:
		fault(name+".source", "%s.source is not the URL of a program or of an archive, such as https://example.com/%s.tar.gz. It may hold no password.", name, name)
	case !checksum.MatchString(p.Checksum):
		fault(name+".checksum", "%s.checksum = %q is not sha256: and 64 hex digits: nodes run nothing that can't be told from another.", name, p.Checksum)
	}
}

// command is where the task finds a program.
func (w Wish) command(name string, p Program) (command, volume string) {
	switch {
	case p.Source != "":
		return "local/program/" + name, ""
	case w.Driver == "exec":
		return "/programs/" + name + "-" + p.Version, w.Volume
	}
	return w.Folder + "/" + name + "-" + p.Version, ""
}

func (w Wish) drivers() []string { return strings.Split(w.Drivers, ",") }

// hostPort is Crumpet's host as clients name it.
func (w Wish) hostPort() string {
	if w.RouterPort == 80 {
		return w.Host
	}
	return w.Host + ":" + strconv.Itoa(w.RouterPort)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && strings.Trim(u.Path, "/") == ""
}
