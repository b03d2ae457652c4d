package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Builder turns source into an artifact.
type Builder string

// The builders.
const (
	BuilderGo     Builder = "go"     // every main package, each binary at the artifact's root
	BuilderStatic Builder = "static" // a folder, served by crumpet itself
	BuilderNone   Builder = "none"   // the folder as it is
)

// Defaults of the app spec. Times chosen for the two-slot walk: ShutdownDelay covers the way from
// Consul to every router's table (8-11 ms measured), KillTimeout the longest request.
const (
	DefaultInstances      = 1
	DefaultCPU            = 100 // MHz
	DefaultMemory         = 128 // MiB
	DefaultStartup        = 30 * time.Second
	DefaultRestarts       = 2
	DefaultRestartDelay   = 5 * time.Second
	DefaultShutdownDelay  = 2 * time.Second
	DefaultKillTimeout    = 10 * time.Second
	DefaultCheckInterval  = 1 * time.Second
	DefaultCheckTimeout   = 5 * time.Second
	DefaultMinHealthy     = 2 * time.Second
	DefaultReschedule     = 10 * time.Second
	DefaultMaxReschedule  = 5 * time.Minute
	DefaultKillSignal     = "SIGTERM"
	DefaultLogFiles       = 5
	DefaultLogSize        = 10 // MiB
	DefaultTaskTimeout    = 10 * time.Minute
	DefaultTimeZone       = "UTC"
	DefaultDeadline       = 15 * time.Minute
	DefaultCanaryHold     = time.Minute
	DefaultWarm           = 5 * time.Minute
	DefaultSurgePercent   = 25
	DefaultFailures       = 3               // of a liveness probe in a row, before the program is restarted
	UncheckedMinHealthy   = 5 * time.Second // a process without a check is healthy once it ran this long
	ProcessWeb            = "web"           // the process that gets APP.DOMAIN/ when no route is given
	MaxInstances          = 1000
	MaxKillTimeout        = 30 * time.Second // Nomad's default max_kill_timeout caps it silently
	MaxProcesses, MaxPort = 20, 65535
)

// Spec is what a developer wants of an app, with every default filled in. Package spec makes it
// from HCL; its JSON form is what a release keeps.
type Spec struct {
	App         string           `json:"app"`                   // with its environment: NAME or NAME-ENV
	Environment string           `json:"environment,omitempty"` // the one merged in; "" for none
	Build       Build            `json:"build"`
	Processes   []Process        `json:"processes"` // in the order of the file
	Tasks       []Task           `json:"tasks,omitempty"`
	Crons       []Cron           `json:"crons,omitempty"`
	Env         map[string]Value `json:"env,omitempty"` // of every process, sidecar, task and cron
	Deploy      Deploy           `json:"deploy"`
	Placement   Placement        `json:"placement"` // of everything; a process may add to it
	Secrets     []SecretFile     `json:"secrets,omitempty"`
	Services    []ServiceUse     `json:"services,omitempty"`
}

// Build says how source becomes an artifact.
type Build struct {
	Builder Builder `json:"builder"`
	Main    string  `json:"main,omitempty"` // go: the one main package wanted, such as ./cmd/x
	Dir     string  `json:"dir,omitempty"`  // static, none: the folder below the source, "." unless said
}

// Process is one kind of instance of an app: a task group of its Nomad job.
type Process struct {
	Name string `json:"name"`
	Program
	Instances     int           `json:"instances"`
	Disk          int           `json:"disk,omitempty"` // MiB of an instance's own folder, for all its programs; 0 for Nomad's default
	Ports         []Port        `json:"ports,omitempty"`
	Routes        []Route       `json:"routes,omitempty"`
	Health        Probes        `json:"health"`
	Sidecars      []Sidecar     `json:"sidecars,omitempty"`
	Placement     Placement     `json:"placement"` // on top of the app's; never its pool or datacenters
	Startup       time.Duration `json:"startup"`   // how long an instance may take to become healthy
	Restart       Restart       `json:"restart"`
	Reschedule    Reschedule    `json:"reschedule"`
	ShutdownDelay time.Duration `json:"shutdown_delay"` // between leaving Consul and the stop signal
	MinHealthy    time.Duration `json:"min_healthy"`    // how long an instance's checks must have passed
	Strategy      Strategy      `json:"strategy"`       // Rolling: as the app is deployed; StopFirst: never two at once
	Volumes       []Volume      `json:"volumes,omitempty"`
	NomadGroup    Fragment      `json:"nomad_group,omitempty"`
}

// Port is a dynamic port that Nomad assigns.
type Port struct {
	Name     string   `json:"name"`
	Protocol Protocol `json:"protocol,omitempty"` // "" is http
}

// Protocol is what is spoken at a port: it decides what can be routed there, and how it is checked
// where no probe says otherwise.
type Protocol string

// The protocols. Only http can have a route; udp has no check.
const (
	HTTP Protocol = "http"
	H2C  Protocol = "h2c" // HTTP/2 without TLS
	GRPC Protocol = "grpc"
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
)

// Checkable says whether a connection can show that somebody listens on the port.
func (p Port) Checkable() bool { return p.Protocol != UDP }

// Routable says whether a route may lead to the port: shared routers forward HTTP/1.1.
func (p Port) Routable() bool { return p.Protocol == "" || p.Protocol == HTTP }

// Restart is the policy of restarts on the same node; past Attempts Nomad places the instance anew,
// as Reschedule says.
type Restart struct {
	Attempts int           `json:"attempts"`
	Delay    time.Duration `json:"delay"`
}

// Reschedule is how an instance that failed for good is placed anew: without end, after a Delay that
// doubles up to MaxDelay, so that a flapping app is never silently down for an hour.
type Reschedule struct {
	Delay    time.Duration `json:"delay"`
	MaxDelay time.Duration `json:"max_delay"`
}

// Route sends requests for Host and every path below Path to a port of a process.
type Route struct {
	Host string `json:"host"` // lower case; may begin with *.
	Path string `json:"path"` // begins and ends with /
	Port string `json:"port"` // name of the port
}

// String gives HOST/PATH.
func (r Route) String() string { return r.Host + r.Path }

// Digest is the SHA-256 of the spec's JSON, in hex: equal for equal specs, as maps are sorted.
func (s Spec) Digest() string {
	b, err := json.Marshal(s)
	if err != nil { // no field of a Spec can fail to marshal
		panic(fmt.Sprintf("paas: marshal spec: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Process gives the process of that name.
func (s Spec) Process(name string) (Process, bool) {
	for _, p := range s.Processes {
		if p.Name == name {
			return p, true
		}
	}
	return Process{}, false
}

// Routes gives the routes of all processes, in the order of the file.
func (s Spec) Routes() []Route {
	var routes []Route
	for _, p := range s.Processes {
		routes = append(routes, p.Routes...)
	}
	return routes
}

// Checked says whether the process has a check in Consul: one of a port, or a probe.
func (p Process) Checked() bool {
	return slices.ContainsFunc(p.Ports, Port.Checkable) || len(p.Health.All()) > 0
}

// Port gives the port of that name.
func (p Process) Port(name string) (Port, bool) {
	for _, port := range p.Ports {
		if port.Name == name {
			return port, true
		}
	}
	return Port{}, false
}

// HealthyAfter is how long an instance must have been well before it counts as healthy: its checks
// passing where it has any, else running without a restart.
func (p Process) HealthyAfter() time.Duration {
	if p.Checked() {
		return p.MinHealthy
	}
	return max(p.MinHealthy, UncheckedMinHealthy)
}

// WithDefaultRoute gives the process named web, if it has a port and nothing in the app has a
// route, the route APP.DOMAIN/ to its first port that can have one.
func (s Spec) WithDefaultRoute(domain string) Spec {
	if len(s.Routes()) > 0 || domain == "" {
		return s
	}
	processes := make([]Process, len(s.Processes))
	copy(processes, s.Processes)
	for i, p := range processes {
		at := slices.IndexFunc(p.Ports, Port.Routable)
		if p.Name == ProcessWeb && at >= 0 {
			processes[i].Routes = []Route{{Host: s.App + "." + domain, Path: "/", Port: p.Ports[at].Name}}
		}
	}
	s.Processes = processes
	return s
}
