package watch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Reading is what all routers' counters said at one moment.
type Reading struct {
	At      time.Time
	Routers []paas.RouterCounters // of those that answered
	Missing bool                  // some did not
}

// setBack is how far a reading may lie before the last one and be a late one; further, the clock was set.
const setBack = time.Minute

// Counted is what the routers answered, as far as it follows from all readings. A value is never
// changed once made.
//
// Routers count since they started. What a reading adds is the difference to the reading before of the
// same process; of a process that started while we read, it is everything. So a reading that is lost
// or comes twice changes only the bucket in which something is counted. Not counted is what a router
// answered between its last reading and its end, and before the first reading of all.
type Counted struct {
	first, last time.Time // readings; zero before there is one
	routers     map[string]counter
	releases    map[paas.Service]int // that stood in the slot at the last reading
	rings       map[paas.Service][]paas.Bucket
	unsaved     map[paas.Service]time.Time // the store doesn't have the buckets from this one on
}

// counter is the last reading of one router.
type counter struct {
	started, at time.Time
	counts      map[paas.Service]paas.Count
}

// KnownTraffic makes the Counted of what the store holds.
func KnownTraffic(list []paas.Traffic) Counted {
	c := Counted{rings: map[paas.Service][]paas.Bucket{}}
	for _, t := range list {
		c.rings[t.Service()] = t.Buckets
	}
	return c
}

// Count adds a reading.
func Count(known Counted, r Reading, apps map[paas.AppRef]App) Counted {
	if back := known.last.Sub(r.At); back >= 0 && back < setBack && !known.last.IsZero() {
		return known
	}
	c := &counting{
		known: known, reading: r, apps: apps,
		next: Counted{
			first: cmp.Or(known.first, r.At), last: r.At,
			routers:  maps.Clone(known.routers),
			releases: map[paas.Service]int{},
			rings:    maps.Clone(known.rings),
			unsaved:  maps.Clone(known.unsaved),
		},
		added: map[paas.Service]paas.Count{}, doubtful: map[paas.Service]bool{},
	}
	if c.next.routers == nil {
		c.next.routers = map[string]counter{}
	}
	if c.next.rings == nil {
		c.next.rings = map[paas.Service][]paas.Bucket{}
	}
	if c.next.unsaved == nil {
		c.next.unsaved = map[paas.Service]time.Time{}
	}
	for _, router := range r.Routers {
		c.router(router)
	}
	c.fill()
	c.forget()
	return c.next
}

// counting is one run of Count.
type counting struct {
	known    Counted
	reading  Reading
	apps     map[paas.AppRef]App
	next     Counted
	added    map[paas.Service]paas.Count
	doubtful map[paas.Service]bool // some of it is missing, or comes late
}

// router takes what one router has counted since it was last read.
func (c *counting) router(r paas.RouterCounters) {
	before, had := c.known.routers[r.Router]
	base, doubtful := before.counts, had && before.at.Before(c.known.last)
	switch {
	case had && before.started.Equal(r.Started):
	case had: // what it answered last, before it was started anew, is lost
		for of := range before.counts {
			c.doubtful[of] = true
		}
		base = nil
	case c.cameAfter(r.Started): // all that it has counted is new
	default:
		base = r.Counts
	}
	for of, now := range r.Counts {
		more := minus(now, base[of])
		if more == (paas.Count{}) {
			continue
		}
		c.added[of] = plus(c.added[of], more)
		c.doubtful[of] = c.doubtful[of] || doubtful
	}
	c.next.routers[r.Router] = counter{started: r.Started, at: c.reading.At, counts: r.Counts}
}

// cameAfter says that a router that was not known started when readings were taken already, so that
// nothing of it can have been counted.
func (c *counting) cameAfter(started time.Time) bool {
	if c.known.first.IsZero() || started.IsZero() {
		return false
	}
	return started.After(c.known.first) && started.After(c.reading.At.Add(-paas.TrafficKept))
}

// fill puts what was added into buckets.
func (c *counting) fill() {
	at := bucketOf(c.reading.At)
	if last := bucketOf(c.known.last); !c.known.last.IsZero() && last.Before(at) {
		at = last // when what is added began
	}
	for _, router := range c.next.routers {
		for of := range router.counts {
			if app, ok := c.apps[paas.AppRef{Team: of.Team, App: of.App}]; ok {
				c.next.releases[of] = app.Slots[of.Slot].Release
			}
		}
	}
	for of, release := range c.next.releases {
		if before, ok := c.known.releases[of]; ok {
			release = before
		}
		more, doubtful := c.added[of], c.doubtful[of] || c.reading.Missing
		walking := c.apps[paas.AppRef{Team: of.Team, App: of.App}].Walking
		told := walking || c.next.has(of, at, release) // else there is nothing that a doubt could be about
		if more == (paas.Count{}) && (!doubtful || !told) {
			continue
		}
		c.next.add(of, paas.Bucket{
			At: at, Release: release, Requests: more.Requests, Errors: more.Errors, Took: more.Took, Partial: doubtful,
		})
	}
}

// forget drops what is too old, and what is of apps that are no more.
func (c *counting) forget() {
	oldest := bucketOf(c.reading.At).Add(-paas.TrafficKept)
	for of, ring := range c.next.rings {
		n := 0
		for n < len(ring) && !ring[n].At.After(oldest) {
			n++
		}
		_, known := c.apps[paas.AppRef{Team: of.Team, App: of.App}]
		if n == len(ring) || !known {
			delete(c.next.rings, of)
			delete(c.next.unsaved, of)
			continue
		}
		c.next.rings[of] = ring[n:]
	}
	maps.DeleteFunc(c.next.routers, func(_ string, r counter) bool { return !r.at.After(oldest) })
}

func (c *Counted) has(of paas.Service, at time.Time, release int) bool {
	return slices.ContainsFunc(c.rings[of], func(b paas.Bucket) bool { return b.At.Equal(at) && b.Release == release })
}

// add adds to a service's bucket of the same time and release, or inserts it.
func (c *Counted) add(of paas.Service, b paas.Bucket) {
	ring := slices.Clone(c.rings[of])
	i, found := slices.BinarySearchFunc(ring, b, func(a, b paas.Bucket) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Release, b.Release))
	})
	if !found {
		ring = slices.Insert(ring, i, b)
	} else {
		ring[i].Requests += b.Requests
		ring[i].Errors += b.Errors
		ring[i].Took += b.Took
		ring[i].Partial = ring[i].Partial || b.Partial
	}
	c.rings[of] = ring
	if from, ok := c.unsaved[of]; !ok || b.At.Before(from) {
		c.unsaved[of] = b.At
	}
}

// Unsaved gives the buckets that the store should get now: of an app that walks all of them, as its
// canary is judged by them, of the others those that won't change any more.
func (c Counted) Unsaved(apps map[paas.AppRef]App) []paas.Traffic {
	var list []paas.Traffic
	open := bucketOf(c.last)
	for of, from := range c.unsaved {
		walking := apps[paas.AppRef{Team: of.Team, App: of.App}].Walking
		t := paas.Traffic{Team: of.Team, App: of.App, Process: of.Process, Slot: of.Slot}
		for _, b := range c.rings[of] {
			if !b.At.Before(from) && (walking || b.At.Before(open)) {
				t.Buckets = append(t.Buckets, b)
			}
		}
		if len(t.Buckets) > 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b paas.Traffic) int { return cmp.Compare(a.Service().String(), b.Service().String()) })
	return list
}

// Saved notes that the store has what Unsaved gave.
func (c Counted) Saved(list []paas.Traffic) Counted {
	c.unsaved = maps.Clone(c.unsaved)
	for _, t := range list {
		of, last := t.Service(), t.Buckets[len(t.Buckets)-1].At
		delete(c.unsaved, of)
		for _, b := range c.rings[of] {
			if b.At.After(last) {
				c.unsaved[of] = b.At
				break
			}
		}
	}
	return c
}

// Traffic gives the buckets of one service.
func (c Counted) Traffic(of paas.Service) []paas.Bucket { return c.rings[of] }

func bucketOf(t time.Time) time.Time { return stamp(t).Truncate(paas.BucketLength) }

// minus gives what was counted since base; a count that went back began anew.
func minus(now, base paas.Count) paas.Count {
	if now.Requests < base.Requests || now.Errors < base.Errors {
		return now
	}
	return paas.Count{
		Requests: now.Requests - base.Requests, Errors: now.Errors - base.Errors, Took: max(0, now.Took-base.Took),
	}
}

func plus(a, b paas.Count) paas.Count {
	return paas.Count{Requests: a.Requests + b.Requests, Errors: a.Errors + b.Errors, Took: a.Took + b.Took}
}
