package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// CreateRun asks for a task or cron of the serving release to be run once, now; or for a command.
type CreateRun struct {
	Task    string   `json:"task,omitempty" doc:"The name of the task or cron."`
	Args    []string `json:"args,omitempty" doc:"Appended to its command, as they are." maxItems:"200"`
	Command []string `json:"command,omitempty" doc:"Instead of a task: a program and its arguments. They are part of the job: no place for secrets." maxItems:"200"`
	Process string   `json:"process,omitempty" doc:"With command: the process whose artifact, environment and resources it has; web or the only one unless said."`
}

// Run is one run of a task or cron as a user sees it.
type Run struct {
	ID        string        `json:"id"`
	App       string        `json:"app"`
	Team      string        `json:"team"`
	Task      string        `json:"task"` // the name of the task or cron
	Kind      paas.JobKind  `json:"kind"` // run: on demand; task: a phase of a deployment; cron
	Release   int           `json:"release"`
	Status    paas.RunState `json:"status"`
	ExitCode  int           `json:"exit_code"`
	Attempts  int           `json:"attempts"` // how often its program has ended
	Reason    string        `json:"reason,omitempty"`
	Instance  string        `json:"instance,omitempty"` // to read its logs by; "" until it was placed
	Node      string        `json:"node,omitempty"`
	Args      []string      `json:"args,omitempty"`
	By        string        `json:"by,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	StartedAt *time.Time    `json:"started_at,omitempty"`
	EndedAt   *time.Time    `json:"ended_at,omitempty"`
}

// Runs are an app's runs, newest first.
type Runs struct {
	Items []Run  `json:"items"`
	Next  string `json:"next"`
}

// Cron is one cron of the serving release.
type Cron struct {
	Name     string     `json:"name"`
	Schedule string     `json:"schedule"`
	TimeZone string     `json:"time_zone"`
	Stands   bool       `json:"registered"`       // it will fire
	Reason   string     `json:"reason,omitempty"` // why it will not
	NextAt   *time.Time `json:"next_at,omitempty"`
	Last     *Run       `json:"last,omitempty"`
}

// Crons are those of an app, in the order of its spec.
type Crons struct {
	Items []Cron `json:"items"`
	Next  string `json:"next"`
}
