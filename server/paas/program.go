package paas

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Program is what runs as one task: of a process, a sidecar, a task or a cron.
type Program struct {
	Command     []Value          `json:"command,omitempty"` // the program and its arguments; empty only with the static builder: crumpet serves the folder
	CPU         int              `json:"cpu,omitempty"`     // MHz; 0 with Cores
	Cores       int              `json:"cores,omitempty"`   // whole cores of its own, instead of CPU
	Memory      int              `json:"memory"`            // MiB
	MemoryMax   int              `json:"memory_max,omitempty"`
	User        string           `json:"user,omitempty"`        // whom it runs as; "" for the driver's default
	WorkingDir  string           `json:"working_dir,omitempty"` // below the artifact's folder; "" for that folder
	Env         map[string]Value `json:"env,omitempty"`         // over the app's
	Files       []ConfigFile     `json:"files,omitempty"`
	Logs        Logs             `json:"logs"`
	KillSignal  string           `json:"kill_signal,omitempty"` // "" is SIGTERM
	KillTimeout time.Duration    `json:"kill_timeout"`          // between the stop signal and SIGKILL
	NomadTask   Fragment         `json:"nomad_task,omitempty"`
}

// Logs limits what Nomad keeps of each of a program's two streams.
type Logs struct {
	MaxFiles int `json:"max_files"`
	MaxSize  int `json:"max_size"` // MiB of one file
}

// ConfigFile is written into the artifact's folder before the program starts.
type ConfigFile struct {
	Path     string     `json:"path"`               // below the artifact's folder
	Content  Value      `json:"content,omitempty"`  // literal text with references, or
	Template string     `json:"template,omitempty"` // a template that Nomad renders with consul-template, again whenever its data change
	Mode     string     `json:"mode"`               // octal, such as 0644
	Change   ChangeMode `json:"change"`             // what is done with the running program when the text changes
	Signal   string     `json:"signal,omitempty"`   // with ChangeSignal
}

// ChangeMode is what happens when a file's text changes. Nomad's own default, a restart, is not among
// them: it restarts every instance at once.
type ChangeMode string

// The modes.
const (
	ChangeNoop   ChangeMode = "noop"
	ChangeSignal ChangeMode = "signal"
)

// Fragment is a piece of a Nomad job in the words of its API, a JSON object with sorted keys: merged
// over what Crumpet made, objects key by key, all else replaced.
type Fragment = json.RawMessage

// Sidecar is a program beside a process's own, in the same allocation: it shares its network and
// folder, starts before it and ends after it.
type Sidecar struct {
	Name string `json:"name"`
	Program
}

// Phase is when a task runs by itself.
type Phase string

// The phases.
const (
	PhaseBefore Phase = "before" // a deployment's first step: its failure ends the deployment
	PhaseAfter  Phase = "after"  // its last step: its failure turns the deployment back
	PhaseManual Phase = "manual" // only by `crumpet run`
)

// Task is a program that runs once and ends: job APP.task.NAME.RELEASE in its phase, APP.run.ID on
// demand.
type Task struct {
	Name string `json:"name"`
	Program
	Phase    Phase         `json:"phase"`
	Attempts int           `json:"attempts"` // how often it is started again after a failure
	Timeout  time.Duration `json:"timeout"`  // then it is killed, and has failed
}

// Cron is a program that runs on a schedule: the periodic job APP.cron.NAME.
type Cron struct {
	Name string `json:"name"`
	Program
	Schedule string        `json:"schedule"`  // five or more fields, as Nomad's periodic block has it (hashicorp/cronexpr)
	TimeZone string        `json:"time_zone"` // IANA name
	Overlap  bool          `json:"overlap"`   // may start while the one before still runs
	Attempts int           `json:"attempts"`
	Timeout  time.Duration `json:"timeout"`
}

// UserNumber gives the id of whom a program runs as, where it is known without asking a node: that of
// nobody, as whom Nomad's exec driver runs what names no user, and one given by number.
func UserNumber(user string) (id int, known bool) {
	if user == "" || user == "nobody" {
		return nobody, true
	}
	user, _, _ = strings.Cut(user, ":")
	id, err := strconv.Atoi(user)
	return id, err == nil && id >= 0
}

// nobody is the id of that user on Linux.
const nobody = 65534
