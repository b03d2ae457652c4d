package watch_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

var (
	webBlue  = paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue}
	webGreen = paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Green}
)

// process is one router from its start to its end.
type process struct {
	router  string
	started time.Time
	counts  map[paas.Service]paas.Count // what it has answered
	read    map[paas.Service]paas.Count // at its last reading
	unseen  map[paas.Service]paas.Count // at its first reading, where that was before the watch could know it
	known   bool
}

// routers is a model of several routers, some of which run, and of the store behind the watch.
type routers struct {
	now     time.Time
	first   time.Time // reading
	all     []*process
	running map[string]*process
	apps    map[paas.AppRef]watch.App
	known   watch.Counted
	past    []watch.Reading
	store   map[string]paas.Bucket
}

func (m *routers) start(name string) {
	p := &process{router: name, started: m.now, counts: map[paas.Service]paas.Count{}, read: map[paas.Service]paas.Count{}, unseen: map[paas.Service]paas.Count{}}
	m.running[name], m.all = p, append(m.all, p)
}

// reading reads those that answer.
func (m *routers) reading(answers func(name string) bool) watch.Reading {
	r := watch.Reading{At: m.now}
	for _, name := range slices.Sorted(maps.Keys(m.running)) {
		p := m.running[name]
		if !answers(name) {
			r.Missing = true
			continue
		}
		r.Routers = append(r.Routers, paas.RouterCounters{Router: name, Started: p.started, Counts: maps.Clone(p.counts)})
		if !p.known && (m.first.IsZero() || !p.started.After(m.first)) {
			p.unseen = maps.Clone(p.counts)
		}
		p.known, p.read = true, maps.Clone(p.counts)
	}
	if m.first.IsZero() {
		m.first = m.now
	}
	return r
}

func (m *routers) take(r watch.Reading, written bool) {
	m.known = watch.Count(m.known, r, m.apps)
	if news := m.known.Unsaved(m.apps); written && len(news) > 0 {
		for _, traffic := range news {
			for _, b := range traffic.Buckets {
				m.store[key(traffic.Service(), b)] = b
			}
		}
		m.known = m.known.Saved(news)
	}
	m.past = append(m.past, r)
}

func key(of paas.Service, b paas.Bucket) string { return fmt.Sprint(of, b.At.Unix(), b.Release) }

// want is what was answered and could be read.
func (m *routers) want(of paas.Service) (sum paas.Count) {
	for _, p := range m.all {
		sum.Requests += p.read[of].Requests - p.unseen[of].Requests
		sum.Errors += p.read[of].Errors - p.unseen[of].Errors
		sum.Took += p.read[of].Took - p.unseen[of].Took
	}
	return sum
}

func sum(buckets []paas.Bucket) (sum paas.Count) {
	for _, b := range buckets {
		sum.Requests += b.Requests
		sum.Errors += b.Errors
		sum.Took += b.Took
	}
	return sum
}

// TestBucketsHoldWhatTheRoutersCounted draws routers that come, go and start anew, readings that are lost,
// late or come twice, writes that fail, and releases that take over a slot.
func TestBucketsHoldWhatTheRoutersCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &routers{
			now: epoch, running: map[string]*process{}, store: map[string]paas.Bucket{},
			apps: map[paas.AppRef]watch.App{{Team: "acme", App: "shop"}: {Walking: rapid.Bool().Draw(t, "walking"), Slots: map[paas.Slot]paas.Slotted{
				paas.Blue: {Release: 1}, paas.Green: {Release: 2},
			}}},
		}
		m.start("a")
		names := []string{"a", "b", "c"}
		all := func(string) bool { return true }
		for range rapid.IntRange(1, 80).Draw(t, "moments") {
			m.now = m.now.Add(time.Duration(rapid.IntRange(100, 6000).Draw(t, "ms")) * time.Millisecond)
			name := rapid.SampledFrom(names).Draw(t, "router")
			p, runs := m.running[name]
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2, 3: // requests
				if runs {
					of := rapid.SampledFrom([]paas.Service{webBlue, webGreen}).Draw(t, "service")
					n, count := rapid.Int64Range(1, 50).Draw(t, "requests"), p.counts[of]
					count.Requests += n
					count.Errors += rapid.Int64Range(0, n).Draw(t, "errors")
					count.Took += time.Duration(n) * time.Millisecond
					p.counts[of] = count
				}
			case 4: // a router starts, or is started anew: its counters are gone
				m.start(name)
			case 5:
				delete(m.running, name)
			case 6: // a reading comes once more, late
				if recent := slices.DeleteFunc(slices.Clone(m.past), func(r watch.Reading) bool { return m.now.Sub(r.At) > 50*time.Second }); len(recent) > 0 {
					m.take(rapid.SampledFrom(recent).Draw(t, "late"), true)
				}
			case 7:
				app := m.apps[paas.AppRef{Team: "acme", App: "shop"}]
				app.Slots = maps.Clone(app.Slots)
				app.Slots[paas.Green] = paas.Slotted{Release: app.Slots[paas.Green].Release + 1}
				m.apps = map[paas.AppRef]watch.App{{Team: "acme", App: "shop"}: app}
			case 8: // some don't answer, or the store takes nothing
				lost := rapid.SampledFrom(names).Draw(t, "lost")
				m.take(m.reading(func(name string) bool { return name != lost }), rapid.Bool().Draw(t, "written"))
			case 9:
				m.take(m.reading(all), true)
			}
		}
		for range 2 { // the second one closes the bucket of the first
			m.now = m.now.Add(paas.BucketLength)
			m.take(m.reading(all), true)
		}
		for _, of := range []paas.Service{webBlue, webGreen} {
			buckets := m.known.Traffic(of)
			if got, want := sum(buckets), m.want(of); got != want {
				t.Errorf("%s: counted %+v, the routers %+v", of, got, want)
			}
			if !slices.IsSortedFunc(buckets, func(a, b paas.Bucket) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Release, b.Release)) }) {
				t.Errorf("%s: not in order: %+v", of, buckets)
			}
			for _, b := range buckets {
				if !b.At.Truncate(paas.BucketLength).Equal(b.At) || b.Errors > b.Requests || b.Errors < 0 {
					t.Errorf("%s: bucket %+v", of, b)
				}
				if stored := m.store[key(of, b)]; stored != b {
					t.Errorf("%s: bucket %+v, the store has %+v", of, b, stored)
				}
			}
		}
	})
}
