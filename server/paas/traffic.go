package paas

import "time"

// How traffic is kept: ten minutes of it, in pieces of ten seconds.
const (
	BucketLength = 10 * time.Second
	TrafficKept  = 10 * time.Minute
)

// Traffic is what the routers answered for one process in one slot, as they count it themselves, all
// routers together: the newest ten minutes.
type Traffic struct {
	Team    string   `json:"team"`
	App     string   `json:"app"`
	Process string   `json:"process"`
	Slot    Slot     `json:"slot"`
	Buckets []Bucket `json:"buckets"` // oldest first; where nothing was asked for there is none
}

// Bucket is what was answered by one release within ten seconds. A request counts in the bucket in
// which the routers' counters were read.
type Bucket struct {
	At       time.Time     `json:"at"`      // its begin, a multiple of BucketLength
	Release  int           `json:"release"` // that stood in the slot; two of them may share a time
	Requests int64         `json:"requests"`
	Errors   int64         `json:"errors"`            // those answered with 5xx, by the app or by the router in its place
	Took     time.Duration `json:"took"`              // all requests together
	Partial  bool          `json:"partial,omitempty"` // some router could not be read: there may have been more, or some of another bucket
}

// Ref names the app.
func (t Traffic) Ref() AppRef { return AppRef{Team: t.Team, App: t.App} }

// Service names the Consul service whose requests these are.
func (t Traffic) Service() Service {
	return Service{Team: t.Team, App: t.App, Process: t.Process, Slot: t.Slot}
}

// Over adds up what a release answered in the buckets that end after since. At is the begin of the
// first of them, zero when there is none.
func (t Traffic) Over(release int, since time.Time) Bucket {
	sum := Bucket{Release: release}
	for _, b := range t.Buckets {
		if b.Release != release || !b.At.Add(BucketLength).After(since) {
			continue
		}
		if sum.At.IsZero() {
			sum.At = b.At
		}
		sum.Requests += b.Requests
		sum.Errors += b.Errors
		sum.Took += b.Took
		sum.Partial = sum.Partial || b.Partial
	}
	return sum
}

// ErrorShare is the share of requests answered with 5xx, 0 to 1; 0 without a request.
func (b Bucket) ErrorShare() float64 {
	if b.Requests == 0 {
		return 0
	}
	return float64(b.Errors) / float64(b.Requests)
}

// Mean is the mean time of a request; 0 without one.
func (b Bucket) Mean() time.Duration {
	if b.Requests == 0 {
		return 0
	}
	return b.Took / time.Duration(b.Requests)
}

// RouterCounters is what one router has answered since it started, as it counts it itself.
type RouterCounters struct {
	Router  string    // address of its admin API
	Started time.Time // of its process: a router started anew counts from zero. Zero when it doesn't say
	Counts  map[Service]Count
}

// Count is what was answered for one service.
type Count struct {
	Requests int64
	Errors   int64         // 5xx
	Took     time.Duration // all requests together
}
