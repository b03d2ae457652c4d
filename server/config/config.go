package config

import (
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config is the server's whole configuration.
type Config struct {
	Name        string   `hcl:"name,optional"`             // of this server among several; the machine's by default
	Listen      string   `hcl:"listen,optional"`           // address of the HTTP API
	Advertise   string   `hcl:"advertise,optional"`        // URL under which nodes reach this server
	Data        string   `hcl:"data,optional"`             // folder of the store, artifacts and build caches
	URL         string   `hcl:"url,optional"`              // URL at which people's browsers reach Crumpet
	Proxies     []string `hcl:"trusted_proxies,optional"`  // in front of the API, as ranges: theirs is the word on where a call came from
	Domain      string   `hcl:"domain,optional"`           // an app without a route gets APP.DOMAIN/
	Drivers     []string `hcl:"drivers,optional"`          // Nomad task drivers allowed, the first is used
	Datacenters []string `hcl:"datacenters,optional"`      // where jobs may run
	Fragments   []string `hcl:"nomad_fragments,optional"`  // what apps may put into nomad blocks: "group.NAME", "task.NAME", NAME or all *
	LogLevel    string   `hcl:"log_level,optional"`        // debug, info, warn or error
	FirstToken  string   `hcl:"first_token_file,optional"` // file that holds the first token; made in Data by default

	Store  *Store  `hcl:"store,block"`
	Nomad  *Nomad  `hcl:"nomad,block"`
	Consul *Consul `hcl:"consul,block"`
	Vault  *Vault  `hcl:"vault,block"`
	Fabio  *Fabio  `hcl:"fabio,block"`
	Build  *Build  `hcl:"build,block"`

	Retention *Retention `hcl:"retention,block"`

	OIDC    []OIDC   `hcl:"oidc,block"`
	Session *Session `hcl:"session,block"`
	Limits  *Limits  `hcl:"limits,block"`
}

// Store is where wishes, facts and events are kept: in SQLite for one server, in PostgreSQL for several.
type Store struct {
	Path    string `hcl:"path,optional"`     // SQLite file; DATA/crumpet.db by default
	URL     string `hcl:"url,optional"`      // PostgreSQL database in place of a file; it may hold a password
	URLFile string `hcl:"url_file,optional"` // file that holds the URL
}

// Nomad is how to reach a Nomad region.
type Nomad struct {
	Address  string `hcl:"address,optional"`
	Region   string `hcl:"region,optional"`
	Token    string `hcl:"token,optional"`
	CAFile   string `hcl:"ca_file,optional"`
	CertFile string `hcl:"cert_file,optional"`
	KeyFile  string `hcl:"key_file,optional"`
}

// Consul is how to reach a Consul agent.
type Consul struct {
	Address    string `hcl:"address,optional"`
	Datacenter string `hcl:"datacenter,optional"`
	Token      string `hcl:"token,optional"`
	Rules      string `hcl:"rules,optional"` // KV prefix of router rules, ending in a slash

	Service string   `hcl:"service,optional"` // name under which Crumpet's servers are registered
	Tags    []string `hcl:"tags,optional"`    // of that service
	Lock    string   `hcl:"lock,optional"`    // KV key whose holder leads, of several servers
}

// Vault is how to reach Vault or OpenBao.
type Vault struct {
	Address   string `hcl:"address,optional"`
	Token     string `hcl:"token,optional"`
	TokenFile string `hcl:"token_file,optional"`
	Mount     string `hcl:"mount,optional"`    // KV v2 of Crumpet's own keys, and of apps' configuration
	JWT       string `hcl:"jwt,optional"`      // JWT auth that believes Nomad's identities
	Audience  string `hcl:"audience,optional"` // of those identities
	Database  string `hcl:"database,optional"` // database engine, which makes users on database servers
}

// Fabio is how to reach the routers.
type Fabio struct {
	Addresses []string `hcl:"addresses,optional"` // admin APIs; empty: passing instances of Service in Consul
	Service   string   `hcl:"service,optional"`
	URL       string   `hcl:"url,optional"` // where clients' requests go in
}

// Build is how sources become artifacts.
type Build struct {
	Timeout     string `hcl:"timeout,optional"`       // of one build
	Concurrent  int    `hcl:"concurrent,optional"`    // builds at once
	MaxSource   string `hcl:"max_source,optional"`    // size of one source, such as 1GiB
	MaxUpload   string `hcl:"max_upload,optional"`    // size of one upload, compressed
	Platform    string `hcl:"platform,optional"`      // GOOS/GOARCH of the nodes
	MaxLogLines int    `hcl:"max_log_lines,optional"` // of one build that are kept
}

// Retention is how long things are kept. Durations may be in days, such as 90d.
type Retention struct {
	Releases  int    `hcl:"releases,optional"`  // of each app
	Age       string `hcl:"age,optional"`       // of a release
	Rollbacks int    `hcl:"rollbacks,optional"` // the last releases that were healthy, at any age
	Events    string `hcl:"events,optional"`    // events, ended deployments, runs and builds
	Content   string `hcl:"content,optional"`   // uploads and artifacts that nothing names, since they were last used
	Every     string `hcl:"every,optional"`     // between two looks
}

// Default is the configuration of a server that was told nothing: SQLite, and the four programs on
// this machine at their usual ports.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:4780", Data: "/var/lib/crumpet", Domain: "localhost",
		Drivers: []string{"exec"}, Datacenters: []string{"*"}, Fragments: []string{}, LogLevel: "info",
		Store:  &Store{},
		Nomad:  &Nomad{Address: "http://127.0.0.1:4646"},
		Consul: &Consul{Address: "http://127.0.0.1:8500", Rules: "fabio/config/crumpet/", Service: "crumpet", Lock: "crumpet/leader"},
		Vault: &Vault{
			Address: "http://127.0.0.1:8200", Mount: "crumpet", JWT: "jwt-nomad", Audience: "vault.io", Database: "database",
		},
		Fabio: &Fabio{Service: "fabio", URL: "http://127.0.0.1:9999"},
		Build: &Build{
			Timeout: "10m", Concurrent: 1, MaxSource: "1GiB", MaxUpload: "1GiB",
			Platform: "linux/" + runtime.GOARCH, MaxLogLines: 5000,
		},

		Retention: &Retention{Releases: 50, Age: "90d", Rollbacks: 5, Events: "30d", Content: "7d", Every: "10m"},

		Session: &Session{Idle: "2h", Absolute: "24h"},
		Limits:  &Limits{Rate: 50, Burst: 200, LoginRate: 1, LoginBurst: 20},
	}
}

// BuildTimeout is Build.Timeout; Validate has seen that it can be read.
func (c Config) BuildTimeout() time.Duration {
	d, err := time.ParseDuration(c.Build.Timeout)
	if err != nil {
		return 0
	}
	return d
}

// MaxSource is Build.MaxSource in bytes.
func (c Config) MaxSource() int64 { n, _ := size(c.Build.MaxSource); return n }

// MaxUpload is Build.MaxUpload in bytes.
func (c Config) MaxUpload() int64 { n, _ := size(c.Build.MaxUpload); return n }

// Shared says that several servers may use the store at once.
func (c Config) Shared() bool { return c.Store.URL != "" || c.Store.URLFile != "" }

// StoreURL is Store.URL, or what is in Store.URLFile. The errors don't repeat it. Code: invalid.
func (c Config) StoreURL() (string, error) {
	if c.Store.URLFile == "" {
		return c.Store.URL, nil
	}
	text, err := os.ReadFile(c.Store.URLFile)
	if err != nil {
		return "", paas.Wrap(paas.Invalid, err, "The URL of the database can't be read from %s. Check store.url_file.", c.Store.URLFile)
	}
	address := strings.TrimSpace(string(text))
	if !isDatabase(address) {
		return "", paas.Errorf(paas.Invalid, "The file %s does not hold the URL of a database, such as %s.", c.Store.URLFile, databaseExample)
	}
	return address, nil
}
