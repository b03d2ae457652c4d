package paas

import "time"

// App is the standing wish for an app. Deploy writes it; nothing in it was seen on a cluster.
type App struct {
	Team      string         `json:"team"`
	Name      string         `json:"app"`
	Live      Slot           `json:"slot,omitempty"`    // where the serving release stands; "" before the first
	Release   int            `json:"release,omitempty"` // in the live slot; 0 before the first
	Counts    map[string]int `json:"counts,omitempty"`  // wanted instances by process
	Stopped   bool           `json:"stopped,omitempty"` // wanted total is 0 everywhere
	Deleting  bool           `json:"deleting,omitempty"`
	CreatedAt time.Time      `json:"created_at"`
}

// Ref names the app.
func (a App) Ref() AppRef { return AppRef{Team: a.Team, App: a.Name} }

// Wanted gives the instances wanted of a process now.
func (a App) Wanted(process string) int {
	if a.Stopped || a.Deleting {
		return 0
	}
	return a.Counts[process]
}

// Slotted is what stands, by wish, in one slot of an app: a release, and the exact job rendered for
// it. In a slot that takes traffic only counts and tags of that text ever change, so that a newer
// Crumpet that renders one byte differently can't replace every instance (slots.md A1).
type Slotted struct {
	Team    string         `json:"team"`
	App     string         `json:"app"`
	Slot    Slot           `json:"slot"`
	Release int            `json:"release"`
	Job     []byte         `json:"job"`    // the rendered Nomad job, JSON, counts and tags as first rendered
	Counts  map[string]int `json:"counts"` // wanted by process, now
	// First is the job's modify index when this release was first registered in the slot: an
	// allocation created before it belongs to an earlier release. 0 until registered.
	First uint64 `json:"first_index"`
	// Index is the job's modify index after our last write: the compare-and-set for the next.
	Index uint64 `json:"modify_index"`
	// Aside is, in the slot Data while a deployment is under way, the job that the slot does not have: the
	// new release's until its turn has come, the old one's afterwards, to go back to.
	Aside *Aside `json:"aside,omitempty"`
}

// Aside is a release and its job, for a slot that holds another.
type Aside struct {
	Release int    `json:"release"`
	Job     []byte `json:"job"`
	First   uint64 `json:"first_index"` // as of Slotted, of when it was in the slot; 0 if it never was
}

// Turned gives the slot the job that was put aside, and puts the one it has aside. Where both are the same no
// instance is another afterwards; else those that are made from then on are of another release.
func (s Slotted) Turned() Slotted {
	aside := *s.Aside
	first := aside.First
	switch {
	case string(aside.Job) == string(s.Job):
		first = s.First
	case s.First != 0: // what stands was registered, so going back is another register
		first = 0
	}
	before := Aside{Release: s.Release, Job: s.Job, First: s.First}
	s.Release, s.Job, s.First, s.Counts, s.Aside = aside.Release, aside.Job, first, nil, &before
	return s
}

// Ref names the slot's app.
func (s Slotted) Ref() AppRef { return AppRef{Team: s.Team, App: s.App} }

// Empty says that the slot is to have no instance.
func (s Slotted) Empty() bool {
	for _, n := range s.Counts {
		if n > 0 {
			return false
		}
	}
	return true
}

// AppFilter narrows a list of apps. Lists are ordered by team and name.
type AppFilter struct {
	Team  string // "" for all
	After string // TEAM/APP of the last one seen
	Limit int    // 0 for the default of 100
}

// Claim is a route that an app holds: no other app may take it.
type Claim struct {
	Team string `json:"team"`
	App  string `json:"app"`
	Host string `json:"host"`
	Path string `json:"path"`
}
