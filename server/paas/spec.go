package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	UncheckedMinHealthy   = 5 * time.Second // a process without a check is healthy once it ran this long
	ProcessWeb            = "web"           // the process that gets APP.DOMAIN/ when no route is given
	MaxInstances          = 1000
	MaxKillTimeout        = 30 * time.Second // Nomad's default max_kill_timeout caps it silently
	MaxProcesses, MaxPort = 20, 65535
)

// Spec is what a developer wants of an app, with every default filled in. Package spec makes it
// from HCL; its JSON form is what a release keeps.
type Spec struct {
	App       string           `json:"app"`
	Build     Build            `json:"build"`
	Processes []Process        `json:"processes"` // in the order of the file
	Env       map[string]Value `json:"env,omitempty"`
}

// Build says how source becomes an artifact.
type Build struct {
	Builder Builder `json:"builder"`
	Main    string  `json:"main,omitempty"` // go: the one main package wanted, such as ./cmd/x
	Dir     string  `json:"dir,omitempty"`  // static, none: the folder below the source, "." unless said
}

// Process is one kind of instance of an app: a task group of its Nomad job.
type Process struct {
	Name          string           `json:"name"`
	Command       []Value          `json:"command,omitempty"` // empty only with the static builder: crumpet serves the folder
	Instances     int              `json:"instances"`
	CPU           int              `json:"cpu"`    // MHz
	Memory        int              `json:"memory"` // MiB
	Ports         []Port           `json:"ports,omitempty"`
	Routes        []Route          `json:"routes,omitempty"`
	Health        *HealthCheck     `json:"health,omitempty"`
	Env           map[string]Value `json:"env,omitempty"` // over the app's
	Startup       time.Duration    `json:"startup"`       // how long an instance may take to become healthy
	Restart       Restart          `json:"restart"`
	ShutdownDelay time.Duration    `json:"shutdown_delay"` // between leaving Consul and the stop signal
	KillTimeout   time.Duration    `json:"kill_timeout"`   // between the stop signal and SIGKILL
	MinHealthy    time.Duration    `json:"min_healthy"`    // how long an instance's checks must have passed
	Strategy      Strategy         `json:"strategy"`
}

// Port is a dynamic port that Nomad assigns.
type Port struct {
	Name string `json:"name"`
}

// HealthCheck is the http check of a port: 2xx passes.
type HealthCheck struct {
	Path     string        `json:"path"`
	Port     string        `json:"port"` // name of the port
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
}

// Restart is the policy of restarts on the same node; past Attempts Nomad places the instance anew,
// with growing delays.
type Restart struct {
	Attempts int           `json:"attempts"`
	Delay    time.Duration `json:"delay"`
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

// Checked says whether the process has a port, and so a check in Consul.
func (p Process) Checked() bool { return len(p.Ports) > 0 }

// HealthyAfter is how long an instance must have been well before it counts as healthy: its checks
// passing where it has any, else running without a restart.
func (p Process) HealthyAfter() time.Duration {
	if p.Checked() {
		return p.MinHealthy
	}
	return max(p.MinHealthy, UncheckedMinHealthy)
}

// WithDefaultRoute gives the process named web, if it has a port and nothing in the app has a
// route, the route APP.DOMAIN/ to its first port.
func (s Spec) WithDefaultRoute(domain string) Spec {
	if len(s.Routes()) > 0 || domain == "" {
		return s
	}
	processes := make([]Process, len(s.Processes))
	copy(processes, s.Processes)
	for i, p := range processes {
		if p.Name == ProcessWeb && len(p.Ports) > 0 {
			processes[i].Routes = []Route{{Host: s.App + "." + domain, Path: "/", Port: p.Ports[0].Name}}
		}
	}
	s.Processes = processes
	return s
}
