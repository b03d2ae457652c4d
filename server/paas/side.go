package paas

import (
	"strings"
	"time"
)

// Side is the wish for a job that stands in no slot: a cron of the live release, a task of a
// deployment's phase, a run on demand. SideJob names it.
//
//	cron         stands as long as the live release has it
//	task, run    registered once, never again, whatever becomes of it; taken away when it is over
type Side struct {
	Team       string
	App        string
	Job        string // its id in Nomad
	Kind       JobKind
	Name       string   // of the task or cron in the spec
	Release    int      // whose artifact and environment it has
	Deployment string   // of a task: the one it is a phase of
	Args       []string // of a run: appended to the command
	By         string   // of a run: who asked for it
	CreatedAt  time.Time

	Text   []byte // the rendered Nomad job, JSON
	Index  uint64 // the job's modify index after our last write of it; 0 before the first
	Stands bool   // that write was of Text
	// Refused says why Nomad will never take the job, a sentence; "" unless it said so.
	Refused string
	// Stop says why the job is to go, a sentence without its full stop; "" while it is wanted.
	Stop string
	// Failed marks a Stop that is the run's own failure, such as its timeout.
	Failed bool
}

// Ref names the side job's app.
func (s Side) Ref() AppRef { return AppRef{Team: s.Team, App: s.App} }

// Once says that the job may be registered one time only.
func (s Side) Once() bool { return s.Kind != JobCron }

// Seen gives the newest of runs, which come newest first, that is of the side job, or what stands for
// one while Nomad has placed none.
func (s Side) Seen(runs []Run) Run {
	for _, r := range runs {
		if r.Job == s.Job && (r.Placed() || !s.gone()) {
			return r
		}
	}
	r := Run{
		ID: Unplaced(s.Team, s.Job), Team: s.Team, App: s.App, Job: s.Job, Kind: s.Kind, Name: s.Name, Release: s.Release,
		State: RunPending, CreatedAt: s.CreatedAt,
	}
	switch {
	case s.Refused != "":
		r.State, r.Reason = RunFailed, s.Refused
	case s.gone() && s.Failed:
		r.State, r.Reason = RunFailed, s.Stop
	case s.gone():
		r.State, r.Reason = RunKilled, s.Stop
	}
	return r
}

// gone says that the job was taken away again.
func (s Side) gone() bool { return s.Stop != "" && s.Index > 0 && !s.Stands }

// RunState is how far along its life a run was seen.
type RunState string

// The states. A run whose program ended with code 0 is complete; one that was stopped by somebody is
// killed.
const (
	RunPending  RunState = "pending"
	RunRunning  RunState = "running"
	RunComplete RunState = "complete"
	RunFailed   RunState = "failed"
	RunKilled   RunState = "killed"
)

// Ended says that nothing of the run will happen any more.
func (s RunState) Ended() bool { return s == RunComplete || s == RunFailed || s == RunKilled }

// Run is our view of one allocation of a side job: facts only. Each firing of a cron is a run.
type Run struct {
	ID        string     `json:"id"` // of the allocation; TEAM/JOB while Nomad finds no room for one
	Team      string     `json:"team"`
	App       string     `json:"app"`
	Job       string     `json:"job"` // the id of its job in Nomad, of a cron with the /periodic-TIME of this firing
	Kind      JobKind    `json:"kind"`
	Name      string     `json:"name"`    // of the task or cron
	Release   int        `json:"release"` // 0 if that is not known
	State     RunState   `json:"status"`
	ExitCode  int        `json:"exit_code"`        // of the last attempt, once it has ended
	Exits     int        `json:"attempts"`         // how often its program has ended
	Node      string     `json:"node,omitempty"`   // where it runs
	Reason    string     `json:"reason,omitempty"` // why it waits, failed or was killed, a sentence without its full stop
	CreatedAt time.Time  `json:"created_at"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// Ref names the run's app.
func (r Run) Ref() AppRef { return AppRef{Team: r.Team, App: r.App} }

// Parent is the id of the job that was registered: a cron's firings each have one of their own below
// it.
func (r Run) Parent() string { return ParentJob(r.Job) }

// Unplaced is the id of a run that has no allocation yet.
func Unplaced(team, job string) string { return team + "/" + job }

// Placed says that the run has an allocation.
func (r Run) Placed() bool { return r.ID != Unplaced(r.Team, r.Job) }

// ParentJob takes off a job's id what Nomad appends for a periodic job's child.
func ParentJob(id string) string {
	parent, _, _ := strings.Cut(id, "/")
	return parent
}

// KeptRuns is how many runs of each task and cron that have ended are remembered.
const KeptRuns = 20

// RunRequest asks for a task or cron of an app's live release to be run once, now; or for a command, with the
// artifact, environment and resources of a process.
type RunRequest struct {
	Ref     AppRef
	Name    string   // of the task or cron; with Command of the process, "" for web or the only one
	Args    []string // appended to its command
	Command []string // instead of both: a program and its arguments
	By      string   // name of the token
}

// CommandTimeout is how long a command that is run once may take.
const CommandTimeout = 24 * time.Hour

// Task gives the task of that name.
func (s Spec) Task(name string) (Task, bool) {
	for _, t := range s.Tasks {
		if t.Name == name {
			return t, true
		}
	}
	return Task{}, false
}

// Cron gives the cron of that name.
func (s Spec) Cron(name string) (Cron, bool) {
	for _, c := range s.Crons {
		if c.Name == name {
			return c, true
		}
	}
	return Cron{}, false
}

// Once gives the program of a task or cron of that name as a task to be run on demand. Of a process it gives the place
// for a command: its program without one.
func (s Spec) Once(name string) (Task, bool) {
	if t, ok := s.Task(name); ok {
		return t, true
	}
	if p, ok := s.Process(name); ok {
		p.Command = nil
		return Task{Name: p.Name, Program: p.Program, Phase: PhaseManual, Timeout: CommandTimeout}, true
	}
	c, ok := s.Cron(name)
	return Task{Name: c.Name, Program: c.Program, Phase: PhaseManual, Attempts: c.Attempts, Timeout: c.Timeout}, ok
}

// MainProcess is the process that is meant where none is named: web, or the only one. "" is neither.
func (s Spec) MainProcess() string {
	if _, ok := s.Process("web"); ok {
		return "web"
	}
	if len(s.Processes) == 1 {
		return s.Processes[0].Name
	}
	return ""
}

// Timeout is how long a run of the task or cron of that name may take.
func (s Spec) Timeout(name string) (time.Duration, bool) {
	t, ok := s.Once(name)
	return t.Timeout, ok
}

// InPhase gives the tasks of a phase, in the order of the file.
func (s Spec) InPhase(phase Phase) []Task {
	var some []Task
	for _, t := range s.Tasks {
		if t.Phase == phase {
			some = append(some, t)
		}
	}
	return some
}
