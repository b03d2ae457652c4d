package paas

import "encoding/json"

// Plan is what a push would do, said before anything is touched. It is predicted by deploy's pure
// functions from one Snapshot; what Nomad's own plan says stands in Placement and Warnings.
type Plan struct {
	App        string           `json:"app"`
	Team       string           `json:"team"`
	Release    int              `json:"release" doc:"The number the release would get; the one that serves if nothing is to do."`
	From       int              `json:"from_release,omitempty" doc:"The release that serves now; left out before the first."`
	Nothing    bool             `json:"nothing" doc:"True if a push would change nothing."`
	Waits      string           `json:"waits,omitempty" doc:"What the push would have to wait for, a sentence. The plan is of the time after it."`
	Walk       bool             `json:"walk" doc:"True if instances move to the other slot, false if the slot that serves is changed in place."`
	FromSlot   Slot             `json:"from_slot,omitempty" doc:"The slot that serves now."`
	ToSlot     Slot             `json:"to_slot,omitempty" doc:"The slot that serves afterwards."`
	Strategy   Strategy         `json:"strategy" doc:"How a walk goes: rolling, canary, blue-green or stop-first."`
	Why        string           `json:"why" doc:"What forces it and what it comes to, in one line."`
	Changes    []KeyChange      `json:"changes" doc:"Every key that differs; the one that forces a walk first."`
	Processes  []ProcessPlan    `json:"processes" doc:"What becomes of the instances, by process."`
	Steps      []Step           `json:"steps" doc:"The instances of both slots at each step; empty if nothing is to do."`
	Placement  PlacementPlan    `json:"placement"`
	Routes     RoutePlans       `json:"routes"`
	Capacity   CapacityPlan     `json:"capacity"`
	Quota      []QuotaLine      `json:"quota,omitempty" doc:"How the team would stand against its quota; left out where it has none."`
	Tasks      []TaskPlan       `json:"tasks" doc:"Tasks that run before or after the walk."`
	Crons      []CronPlan       `json:"crons" doc:"Crons that come, change or go."`
	Config     int              `json:"config_version,omitempty" doc:"The version of the app's configuration that the release has; left out while there is none."`
	Services   []PlannedService `json:"services,omitempty" doc:"The services that the spec declares, and those that it declares no more."`
	Fragments  []NomadPiece     `json:"nomad" doc:"What the spec merges into the Nomad job past Crumpet's own keys."`
	Warnings   []string         `json:"warnings" doc:"What a reader should know, such as a difference between this plan and Nomad's own."`
	Deployment *PlannedDeploy   `json:"deployment,omitempty" doc:"The deployment under way that the push would wait for."`
	Base       PlanBase         `json:"base" doc:"What must not move until the plan is applied."`
}

// PlannedDeploy names the deployment that a plan waits for.
type PlannedDeploy struct {
	ID      string          `json:"id"`
	Release int             `json:"release"`
	State   DeploymentState `json:"status"`
}

// KeyChange is one key of a spec, or of what else makes a release, with its text before and after.
type KeyChange struct {
	Key    string  `json:"key" doc:"Such as process.web.env.GREETING, or artifact."`
	Old    *string `json:"old" doc:"Its value before; null if it was not set."`
	New    *string `json:"new" doc:"Its value afterwards; null if it is not set any more."`
	Forces bool    `json:"forces,omitempty" doc:"True for the key that first makes the instances move to the other slot."`
}

// ProcessPlan is what becomes of the instances of one process. An instance is counted once.
type ProcessPlan struct {
	Name      string `json:"name"`
	Before    int    `json:"before" doc:"Instances that stand now."`
	After     int    `json:"after" doc:"Instances that stand afterwards."`
	Stay      int    `json:"stay" doc:"The same allocation, untouched."`
	InPlace   int    `json:"in_place" doc:"The same allocation; its job gets other counts or tags in the slot that serves. Nothing restarts."`
	Replaced  int    `json:"replaced" doc:"Leaves its slot, a new one comes in the other."`
	Created   int    `json:"created" doc:"New, for none that goes."`
	Destroyed int    `json:"destroyed" doc:"Goes, and none comes for it."`
}

// PlacementPlan says whether there is room now, as Nomad's own plan has it.
type PlacementPlan struct {
	Checked  bool             `json:"checked" doc:"False if Nomad was not asked: nothing is to be placed, or it did not answer."`
	Possible bool             `json:"possible" doc:"True if every new instance finds a node now, beside all that stands."`
	Blockers []PlacementBlock `json:"blockers" doc:"What stands in the way."`
}

// PlacementBlock is one reason why instances find no node.
type PlacementBlock struct {
	Counts map[string]int `json:"counts" doc:"The new instances that were asked for at once, by process."`
	Whole  bool           `json:"whole" doc:"True if all of the new slot was asked for beside all of the old: fewer may do, as old ones leave on the way."`
	Reason string         `json:"reason" doc:"Why, in one sentence."`
	Then   string         `json:"then" doc:"What the walk would do about it."`
}

// RoutePlans are the routes before and after, and at each step of a walk that moves traffic by weight.
type RoutePlans struct {
	Before []RoutePlan   `json:"before"`
	After  []RoutePlan   `json:"after"`
	Steps  [][]RoutePlan `json:"steps,omitempty" doc:"The table at each step, for walks that hold shares of traffic."`
}

// RoutePlan is one line of the route table: one service behind one host and path.
type RoutePlan struct {
	Route     string  `json:"route" doc:"HOST/PATH."`
	Service   string  `json:"service" doc:"The Consul service that answers."`
	Slot      Slot    `json:"slot"`
	Share     float64 `json:"share" doc:"Percent of the route's requests."`
	Instances int     `json:"instances"`
}

// CapacityPlan is what the app takes of the cluster.
type CapacityPlan struct {
	Before Capacity `json:"before"`
	Peak   Capacity `json:"peak" doc:"The most that stands at once: old instances are told to go only when the new ones of that step have been asked for."`
	After  Capacity `json:"after"`
}

// Capacity is what some instances reserve, sidecars included.
type Capacity struct {
	Instances int `json:"instances"`
	CPU       int `json:"cpu_mhz"`
	Cores     int `json:"cores"`
	Memory    int `json:"memory_mib"`
	Disk      int `json:"disk_mib"`
}

// Add gives the sum of c and n times o.
func (c Capacity) Add(o Capacity, n int) Capacity {
	return Capacity{
		Instances: c.Instances + n*o.Instances, CPU: c.CPU + n*o.CPU, Cores: c.Cores + n*o.Cores,
		Memory: c.Memory + n*o.Memory, Disk: c.Disk + n*o.Disk,
	}
}

// Max gives the greater of each number.
func (c Capacity) Max(o Capacity) Capacity {
	return Capacity{
		Instances: max(c.Instances, o.Instances), CPU: max(c.CPU, o.CPU), Cores: max(c.Cores, o.Cores),
		Memory: max(c.Memory, o.Memory), Disk: max(c.Disk, o.Disk),
	}
}

// defaultDisk is the MiB that Nomad gives an allocation whose group does not say.
const defaultDisk = 300

// Capacity is what one instance of the process reserves.
func (p Process) Capacity() Capacity {
	c := p.capacity()
	for _, s := range p.Sidecars {
		c = c.Add(s.capacity(), 1)
	}
	c.Instances, c.Disk = 1, p.Disk
	if c.Disk == 0 {
		c.Disk = defaultDisk
	}
	return c
}

// Capacity is what one run of the task reserves.
func (t Task) Capacity() Capacity {
	c := t.capacity()
	c.Instances, c.Disk = 1, defaultDisk
	return c
}

func (p Program) capacity() Capacity {
	return Capacity{CPU: p.CPU, Cores: p.Cores, Memory: p.Memory}
}

// TaskPlan is a task that a push runs.
type TaskPlan struct {
	Name  string `json:"name"`
	Phase Phase  `json:"phase"`
}

// CronPlan is a cron that a push adds, changes or takes away.
type CronPlan struct {
	Name     string `json:"name"`
	Change   string `json:"change" enum:"added,changed,removed"`
	Schedule string `json:"schedule" doc:"As it will be; as it was, of one removed."`
	TimeZone string `json:"time_zone"`
}

// What becomes of the credentials of a service.
const (
	ServiceBound      = "bound"       // made before the walk begins, with the instance where there is none
	ServiceBoundAgain = "bound-again" // somebody had ended them
	ServiceKept       = "kept"
	ServiceUnbound    = "unbound" // ended after the walk
)

// PlannedService is what becomes of the credentials of one service.
type PlannedService struct {
	Name       string `json:"name"`
	Instance   string `json:"instance"`
	Offering   string `json:"offering,omitempty"`
	Plan       string `json:"plan,omitempty"`
	Change     string `json:"change" enum:"bound,bound-again,kept,unbound"`
	Generation int    `json:"generation,omitempty" doc:"Of the credentials that there are."`
	Reason     string `json:"reason,omitempty" doc:"Why there are none yet."`
	Rotation   string `json:"rotation,omitempty" doc:"How other credentials would reach the programs."`
}

// NomadPiece is a fragment of the escape hatch, and where it is merged.
type NomadPiece struct {
	Key  string          `json:"key" doc:"Such as process.web.nomad.group."`
	JSON json.RawMessage `json:"json" doc:"In the words of Nomad's API."`
}

// PlanBase is the world a plan was made in. Applied later, the plan is refused if any of it moved.
type PlanBase struct {
	Version    int64           `json:"app_version" doc:"Counts the changes of what is wanted of the app; 0 for an app that is not there yet."`
	Release    int             `json:"live_release"`
	Jobs       map[Slot]uint64 `json:"job_modify_indexes" doc:"Of the Nomad jobs of both slots; 0 for one that is not there."`
	SpecDigest string          `json:"spec_digest" doc:"SHA-256 of the resolved spec of the release to come."`
	Artifact   string          `json:"artifact"`
	Runtime    string          `json:"runtime,omitempty"`
	Config     int             `json:"config_version,omitempty" doc:"Of the app's configuration."`
	Rule       uint64          `json:"rule_index" doc:"Of the app's rule in Consul's KV; 0 for none."`
}
