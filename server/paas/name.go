package paas

import (
	"fmt"
	"strings"
)

// Longest names, in bytes, chosen so that TEAM--APP--PROCESS--SLOT keeps within the 63 of an
// RFC 1123 label, which Consul demands of a service name.
const (
	MaxTeam    = 16
	MaxApp     = 24
	MaxProcess = 12 // ports and tasks as well
)

// DefaultTeam is the team of a call that names none, as "default" is Nomad's namespace.
const DefaultTeam = "default"

// CheckName says what is wrong with a name, or "". Names match [a-z]([a-z0-9]|-[a-z0-9])*: no dot,
// no double dash, so that joined names can be split again. kind is the noun for the sentence.
func CheckName(kind, name string, longest int) string {
	switch {
	case name == "":
		return fmt.Sprintf("The name of the %s is empty.", kind)
	case len(name) > longest:
		return fmt.Sprintf("The name of the %s, %q, has %d characters; at most %d are allowed.", kind, name, len(name), longest)
	case !validName(name):
		return fmt.Sprintf("The name of the %s, %q, must begin with a lower-case letter and hold only lower-case letters, digits and single dashes between them.", kind, name)
	}
	return ""
}

func validName(s string) bool {
	for i, r := range []byte(s) {
		switch {
		case 'a' <= r && r <= 'z':
		case '0' <= r && r <= '9' && i > 0:
		case r == '-' && i > 0 && i < len(s)-1 && s[i-1] != '-':
		default:
			return false
		}
	}
	return s != ""
}

// Slot is one of the two places a release of an app can stand in, or Data: the place of the processes that
// have a volume, which is the same for every release.
type Slot string

// The two slots that an app walks between.
const (
	Blue  Slot = "blue"
	Green Slot = "green"
)

// Other gives the other slot; the first release of an app goes to Blue, the other of none.
func (s Slot) Other() Slot {
	if s == Blue {
		return Green
	}
	return Blue
}

// Valid says whether there is such a slot.
func (s Slot) Valid() bool { return s == Blue || s == Green || s == Data }

// JobID is the id of the Nomad job that runs an app's release in a slot: APP.blue, APP.green or APP.data.
func JobID(app string, slot Slot) string { return app + "." + string(slot) }

// ParseJobID splits a job id that JobID made; ok is false for any other job.
func ParseJobID(id string) (app string, slot Slot, ok bool) {
	app, last, found := strings.Cut(id, ".")
	slot = Slot(last)
	if !found || !slot.Valid() || !validName(app) || len(app) > MaxApp {
		return "", "", false
	}
	return app, slot, true
}

// JobKind is what a Nomad job of an app is for.
type JobKind string

// The kinds besides the two slots, whose jobs JobID names.
const (
	JobCron JobKind = "cron" // APP.cron.NAME, periodic
	JobTask JobKind = "task" // APP.task.NAME.RELEASE, a phase of a deployment
	JobRun  JobKind = "run"  // APP.run.ID, on demand
)

// SideJob names a job of an app that stands in no slot. Names hold no dot, so the parts can be told
// apart again.
type SideJob struct {
	App  string
	Kind JobKind
	Name string // of the cron or task; the run's id for JobRun
	Last string // of a task: what makes it run again, its release's number
}

// String gives the job's id.
func (j SideJob) String() string {
	id := j.App + "." + string(j.Kind) + "." + j.Name
	if j.Kind == JobTask {
		id += "." + j.Last
	}
	return id
}

// ParseSideJob splits a job id that SideJob.String made. What Nomad appends to the id of a periodic
// job's child, /periodic-TIME, is allowed and dropped.
func ParseSideJob(id string) (j SideJob, ok bool) {
	id, _, _ = strings.Cut(id, "/")
	parts := strings.Split(id, ".")
	if len(parts) < 3 {
		return SideJob{}, false
	}
	j = SideJob{App: parts[0], Kind: JobKind(parts[1]), Name: parts[2]}
	switch j.Kind {
	case JobCron:
		ok = len(parts) == 3 && validName(j.Name)
	case JobRun:
		ok = len(parts) == 3 && j.Name != ""
	case JobTask:
		ok = len(parts) == 4 && validName(j.Name) && parts[3] != ""
		if ok {
			j.Last = parts[3]
		}
	}
	return j, ok && validName(j.App) && len(j.App) <= MaxApp
}

// Service identifies one Consul service of Crumpet's: each process has one in each slot, so that
// Fabio's counters by service are the release's own.
type Service struct {
	Team, App, Process string
	Slot               Slot
}

// String gives TEAM--APP--PROCESS--SLOT.
func (s Service) String() string {
	return strings.Join([]string{s.Team, s.App, s.Process, string(s.Slot)}, "--")
}

// ParseService splits a Consul service name that Service.String made; ok is false for any other.
func ParseService(name string) (s Service, ok bool) {
	p := strings.Split(name, "--")
	if len(p) != 4 {
		return Service{}, false
	}
	s = Service{Team: p[0], App: p[1], Process: p[2], Slot: Slot(p[3])}
	ok = validName(s.Team) && validName(s.App) && validName(s.Process) && s.Slot.Valid()
	return s, ok
}

// AppRef names an app: every row is keyed by team and name.
type AppRef struct {
	Team string `json:"team"`
	App  string `json:"app"`
}

// String gives TEAM/APP.
func (r AppRef) String() string { return r.Team + "/" + r.App }
