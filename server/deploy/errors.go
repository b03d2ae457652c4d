package deploy

import (
	"fmt"
	"math"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How the shares of 5xx of two releases are compared.
const (
	// FewestRequests to a new release that anything is said of: below it, one bad answer is 5 %.
	FewestRequests = 20
	// Sigmas of certainty that the shares differ by more than the margin. A step is judged each time
	// counters are read, some dozens of times, so the 2 that one look would do with are not enough; with
	// 3 fewer than one harmless canary in a hundred turns back (TestComparingMakesFewMistakes).
	Sigmas = 3
	// DefaultMargin in percentage points, for strategies that name none.
	DefaultMargin = 1
)

// Answers are what the routers counted of one process of two releases that serve side by side.
type Answers struct {
	Process  string // named in the sentence; "" if there is only one
	New, Old int    // the releases
	Fresh    []paas.Bucket
	Stale    []paas.Bucket // of the old release
	Since    time.Time     // new answers count from here
	Margin   int           // percentage points the new share may lie above the old
}

// Compare says whether the new release answers more requests with 5xx than the old one, by more than
// the margin. worse is the sentence for it, "" while that is not certain; doubtful says that it looks so.
//
// The shares are compared over the same ten-second buckets, so that a fault which hits both at once is
// nobody's; a bucket in which some router was not read counts for neither. Only where the old release
// gets no requests any more, or too few, all that is known of it stands in. Certain is what Newcombe's
// interval for the difference of two shares (from Wilson's for each) leaves no doubt of: it holds for
// small numbers and shares near 0, where the usual normal one takes 2 errors of 20 for proof. Pure.
func Compare(a Answers) (worse string, doubtful bool) {
	partial := map[int64]bool{}
	for _, b := range append(append([]paas.Bucket(nil), a.Fresh...), a.Stale...) {
		partial[b.At.Unix()] = partial[b.At.Unix()] || b.Partial
	}
	sum := func(buckets []paas.Bucket, release int, since time.Time) (n paas.Bucket) {
		for _, b := range buckets {
			if b.Release == release && !partial[b.At.Unix()] && b.At.Add(paas.BucketLength).After(since) {
				n.Requests += b.Requests
				n.Errors += min(b.Errors, b.Requests)
			}
		}
		return n
	}
	fresh, old := sum(a.Fresh, a.New, a.Since), sum(a.Stale, a.Old, a.Since)
	if old.Requests < FewestRequests {
		old = sum(a.Stale, a.Old, time.Time{})
	}
	if fresh.Requests < FewestRequests || old.Requests == 0 {
		return "", false
	}
	margin := float64(a.Margin) / 100
	if leastAbove(fresh, old) > margin {
		return a.sentence(fresh, old), true
	}
	return "", fresh.ErrorShare()-old.ErrorShare() > margin
}

func (a Answers) sentence(fresh, old paas.Bucket) string {
	of := ""
	if a.Process != "" {
		of = a.Process + " of "
	}
	points := "points"
	if a.Margin == 1 {
		points = "point"
	}
	return fmt.Sprintf("%.1f %% of the %d requests to %srelease %d answered 5xx, %.1f %% of release %d's: more than %d %s apart",
		100*fresh.ErrorShare(), fresh.Requests, of, a.New, 100*old.ErrorShare(), a.Old, a.Margin, points)
}

// leastAbove is the lower end of Newcombe's interval: by how much the share of fresh lies above that of
// old at least.
func leastAbove(fresh, old paas.Bucket) float64 {
	low, _ := wilson(fresh)
	_, high := wilson(old)
	p, q := fresh.ErrorShare(), old.ErrorShare()
	return p - q - math.Hypot(p-low, high-q)
}

// wilson is the interval that holds the true share, if it is within Sigmas.
func wilson(b paas.Bucket) (low, high float64) {
	n, p := float64(b.Requests), b.ErrorShare()
	const z2 = Sigmas * Sigmas
	middle, half := p+z2/(2*n), Sigmas*math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return (middle - half) / (1 + z2/n), (middle + half) / (1 + z2/n)
}

// erring compares the two releases of a walk, process by process. Where a rule parts the requests, what
// counts is what was answered at the step; else it is the whole walk.
func (f facts) erring() (worse string, doubtful bool) {
	d := f.d
	if d.InPlace() || d.From == "" || d.Release == d.Previous || d.Current().Dark() {
		return "", false
	}
	since := f.tried()
	if d.Current().Share != nil {
		since = later(d.StepAt, since)
	}
	answers := map[string]Answers{}
	for _, t := range f.snap.Traffic {
		a := answers[t.Process]
		if t.Slot == d.Slot {
			a.Fresh = f.ofThisTry(t.Buckets)
		} else {
			a.Stale = t.Buckets
		}
		answers[t.Process] = a
	}
	routed := f.routed()
	for _, process := range routed {
		a := answers[process]
		a.New, a.Old, a.Since, a.Margin = d.Release, d.Previous, since, f.margin()
		if len(routed) > 1 {
			a.Process = process
		}
		reason, doubt := Compare(a)
		if reason != "" {
			return reason, true
		}
		doubtful = doubtful || doubt
	}
	return "", doubtful
}

// ofThisTry leaves out the buckets that hold answers from before a release was tried again: one that the second
// try began in holds some of both. Nobody but the walk itself can have left any, as a bucket names its release and
// each push makes a new one, so all that is known of a first try counts: its whole load may have come in the ten
// seconds in which it was begun.
func (f facts) ofThisTry(buckets []paas.Bucket) []paas.Bucket {
	if !f.triedAgain() {
		return buckets
	}
	var some []paas.Bucket
	for _, b := range buckets {
		if !b.At.Before(f.tried()) {
			some = append(some, b)
		}
	}
	return some
}

// triedAgain says that somebody had the walk go on after a failure: it was registered before it was begun.
func (f facts) triedAgain() bool {
	return f.d.RegisteredAt != nil && f.d.RegisteredAt.Before(f.tried())
}

func (f facts) margin() int {
	if f.policy.Strategy == paas.Canary {
		return f.policy.Canary.Margin
	}
	return DefaultMargin
}

// routed names the processes that have routes.
func (f facts) routed() []string {
	var names []string
	for _, p := range f.spec.Processes {
		if len(p.Routes) > 0 {
			names = append(names, p.Name)
		}
	}
	return names
}
