package paas

import "time"

// Snapshot is everything known of one app at one moment, read in one transaction: wishes and facts,
// side by side. The converger decides from it and from nothing else.
type Snapshot struct {
	Version     int64 // of the app's wishes: a Change made from this Snapshot must find it unchanged
	App         App
	Newest      int             // the highest release number the app has used
	Releases    map[int]Release // those that the app, its slots and its deployments name
	Slots       map[Slot]Slotted
	Deployments []Deployment // those not ended, oldest first: one running or paused at most, then pending ones
	// Instances are those not ended, ended ones of releases that still walk, and those that failed in a
	// place that is still wanted and has no other yet.
	Instances []Instance
	Nodes     map[string]Node // those that Instances name, by id
	Jobs      map[Slot]JobFact
	Routes    []RouteFact
	Router    RouterFact
	Sides     map[string]Side // wished for, by job id
	Traffic   []Traffic       // while a deployment has not ended, else none: nothing else is decided by it
	Runs      []Run           // newest first, ended ones as far as they are kept
	Bindings  []Binding       // of the app, by name
	Vault     Backend         // as it was last seen, while a deployment has not ended, else zero
	Volumes   []HostVolume    // of the app's instances, whether or not they are wanted now
	Demand    *Demand         // what the store holds the app to want; nil for an app from before that was noted
	// Led is since when the server that looks at it leads, and so surely answers; the store leaves it zero.
	Led time.Time
}

// Change is a set of wishes of one app, written in one transaction or not at all.
type Change struct {
	Ref         AppRef
	By          string // whose wish it is, "" for nobody's
	Version     int64  // of the Snapshot it was made from; 0 for an app that must not exist yet
	App         *App
	Releases    []Release    // new ones
	Slots       []Slotted    // replaced
	Sides       []Side       // new or replaced, by job id
	DropSides   []string     // job ids of those that are no more
	Deployments []Deployment // new or replaced, by id
	Volumes     []HostVolume // that were made, in place of those of the same instance and name
	// DropReleases and DropDeployments are those that are no longer kept, by number and by id.
	DropReleases    []int
	DropDeployments []string
	Claims          []Route // with SetClaims: the routes the app holds from now on; a route another app holds is a conflict naming that app
	SetClaims       bool
	Delete          bool // the app and all its rows go, its events stay
	// Demand is what the app wants from now on, nil to leave it. A wish whose team's use would go further above
	// its quota by it is refused, whatever was looked at before: that is what two wishes at once meet.
	Demand *Demand
	Events []Event
}

// Observation is a set of facts, written in one transaction or not at all.
type Observation struct {
	Instances []Instance // new or replaced, by id
	Gone      []string   // ids of instances that Nomad has forgotten
	Jobs      []JobFact
	Routes    []RouteFact
	Routers   []RouterFact
	Traffic   []Traffic // buckets that are new or replaced, by their begin and release; the others stay
	Nodes     []Node    // new or replaced, by id
	GoneNodes []string  // ids of nodes that Nomad has forgotten
	Backends  []Backend
	Runs      []Run    // new or replaced, by id
	GoneRuns  []string // ids of runs to be forgotten
	Events    []Event
}
