package paas

import "time"

// Deploy says how the app walks from one release to the next.
type Deploy struct {
	Strategy    Strategy      `json:"strategy"`
	Surge       Amount        `json:"surge"`                   // rolling: new instances above the wanted number, at least 1
	MaxInFlight int           `json:"max_in_flight,omitempty"` // rolling: new instances of a process that may be starting at once; 0 for as many as Surge allows
	Room        Room          `json:"room"`
	Unrouted    Unrouted      `json:"unrouted"`
	Deadline    time.Duration `json:"deadline"` // of the whole walk, without the time it is held on purpose; then it turns back
	Revert      bool          `json:"revert"`   // walk back on failure; else stay where it is, paused, until promoted or canceled
	Canary      CanaryPolicy  `json:"canary"`
	Warm        time.Duration `json:"warm,omitempty"` // blue-green: how long the old instances stay after the switch
}

// CanaryPolicy is how the strategy of that name goes.
type CanaryPolicy struct {
	Instances int           `json:"instances,omitempty"` // new ones of each routed process, until all traffic is to move
	Traffic   []int         `json:"traffic,omitempty"`   // percent of requests at each step, growing, each below 100
	Hold      time.Duration `json:"hold,omitempty"`      // how long each step is held
	Manual    bool          `json:"manual,omitempty"`    // a step ends only by `crumpet promote`
	Margin    int           `json:"margin,omitempty"`    // percentage points its share of 5xx may lie above that of the release before
}

// Strategy is how a walk goes between the slots.
type Strategy string

// The strategies. A process is Rolling, which means as the app's Deploy says, or StopFirst.
const (
	Rolling   Strategy = "rolling"    // add a few new, wait until healthy, take as many old away
	Canary    Strategy = "canary"     // new instances dark, then growing shares of traffic, each held, then all
	BlueGreen Strategy = "blue-green" // all new instances dark, then one switch, the old kept warm for a while
	StopFirst Strategy = "stop-first" // old to 0, then new: no room for a surge, or a singleton
)

// Room is what a walk does when no node has room for a surge.
type Room string

// What it can do.
const (
	RoomSurge     Room = "surge"      // wait a little for room, then turn back
	RoomStopFirst Room = "stop-first" // take old instances away first, from there on
	RoomAsk       Room = "ask"        // stay paused with the reason until somebody decides
)

// Unrouted is how processes without a route follow a canary or blue-green walk, which moves traffic
// and not instances.
type Unrouted string

// How they follow.
const (
	UnroutedFollow Unrouted = "follow" // their share of instances moves with the share of traffic
	UnroutedSwitch Unrouted = "switch" // all move when all traffic has
)

// Amount is a number, or a percentage of the instances wanted.
type Amount struct {
	Count   int `json:"count,omitempty"`
	Percent int `json:"percent,omitempty"`
}

// Of gives the amount for n instances, percentages rounded up.
func (a Amount) Of(n int) int {
	if a.Percent > 0 {
		return (n*a.Percent + 99) / 100
	}
	return a.Count
}

// DefaultDeploy is the policy of an app that has none.
func DefaultDeploy() Deploy {
	return Deploy{
		Strategy: Rolling, Surge: Amount{Percent: DefaultSurgePercent}, Room: RoomSurge, Unrouted: UnroutedFollow,
		Deadline: DefaultDeadline, Revert: true,
	}
}
