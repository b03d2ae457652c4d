package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// at is a time so many seconds after the epoch, which begins a bucket.
func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// counters are those of a router that started at a time.
func counters(name string, started time.Time, blue int64) paas.RouterCounters {
	return paas.RouterCounters{Router: name, Started: started, Counts: map[paas.Service]paas.Count{webBlue: {Requests: blue}}}
}

func apart(release int, walking bool) map[paas.AppRef]watch.App {
	return map[paas.AppRef]watch.App{{Team: "acme", App: "shop"}: {
		Walking: walking, Slots: map[paas.Slot]paas.Slotted{paas.Blue: {Release: release}},
	}}
}

func TestTrafficOfOneService(t *testing.T) {
	t.Parallel()
	old := at(-100)
	type step struct {
		at      int
		missing bool
		routers []paas.RouterCounters
	}
	bucket := func(seconds int, requests int64, partial bool) paas.Bucket {
		return paas.Bucket{At: at(seconds), Release: 3, Requests: requests, Partial: partial}
	}
	for name, tt := range map[string]struct {
		steps []step
		want  []paas.Bucket
	}{
		"what was answered before the first reading is not counted": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 100)}}, {2, false, []paas.RouterCounters{counters("a", old, 107)}}},
			[]paas.Bucket{bucket(0, 7, false)},
		},
		"it counts in the bucket in which the time between two readings began": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 0)}}, {9, false, []paas.RouterCounters{counters("a", old, 5)}}, {11, false, []paas.RouterCounters{counters("a", old, 8)}}, {13, false, []paas.RouterCounters{counters("a", old, 9)}}},
			[]paas.Bucket{bucket(0, 8, false), bucket(10, 1, false)},
		},
		"all routers together": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 10), counters("b", old, 20)}}, {2, false, []paas.RouterCounters{counters("a", old, 11), counters("b", old, 22)}}},
			[]paas.Bucket{bucket(0, 3, false)},
		},
		"a router started anew counts from zero, and what it answered last is in doubt": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 10)}}, {12, false, []paas.RouterCounters{counters("a", at(10), 40)}}},
			[]paas.Bucket{bucket(0, 40, true)},
		},
		"a router that came while the others were read is counted from zero": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 10)}}, {4, false, []paas.RouterCounters{counters("a", old, 10), counters("b", at(1), 6)}}},
			[]paas.Bucket{bucket(0, 6, false)},
		},
		"a router that ran long before it was found is counted from then on": {
			[]step{
				{0, false, []paas.RouterCounters{counters("a", old, 10)}},
				{4, false, []paas.RouterCounters{counters("a", old, 10), counters("b", old, 600)}},
				{6, false, []paas.RouterCounters{counters("a", old, 10), counters("b", old, 601)}},
			},
			[]paas.Bucket{bucket(0, 1, false)},
		},
		"a router that is gone takes nothing back": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 10)}}, {2, false, []paas.RouterCounters{counters("a", old, 15)}}, {4, false, nil}},
			[]paas.Bucket{bucket(0, 5, false)},
		},
		"what a router that could not be read has answered comes late, and says so": {
			[]step{
				{0, false, []paas.RouterCounters{counters("a", old, 0), counters("b", old, 0)}},
				{8, true, []paas.RouterCounters{counters("a", old, 5)}},
				{18, true, []paas.RouterCounters{counters("a", old, 6)}},
				{28, false, []paas.RouterCounters{counters("a", old, 7), counters("b", old, 30)}},
				{30, false, []paas.RouterCounters{counters("a", old, 8), counters("b", old, 31)}},
			},
			[]paas.Bucket{bucket(0, 6, true), bucket(10, 31, true), bucket(20, 2, false)},
		},
		"without a word when it started, a count that goes back began anew": {
			[]step{{0, false, []paas.RouterCounters{counters("a", time.Time{}, 10)}}, {2, false, []paas.RouterCounters{counters("a", time.Time{}, 4)}}},
			[]paas.Bucket{bucket(0, 4, false)},
		},
		"ten minutes are kept": {
			[]step{
				{0, false, []paas.RouterCounters{counters("a", old, 0)}},
				{5, false, []paas.RouterCounters{counters("a", old, 1)}},
				{300, false, []paas.RouterCounters{counters("a", old, 1)}},
				{302, false, []paas.RouterCounters{counters("a", old, 3)}},
				{600, false, []paas.RouterCounters{counters("a", old, 3)}},
			},
			[]paas.Bucket{bucket(300, 2, false)},
		},
		"a clock that is set back stops nothing": {
			[]step{{0, false, []paas.RouterCounters{counters("a", old, 0)}}, {-3600, false, []paas.RouterCounters{counters("a", old, 1)}}, {-3598, false, []paas.RouterCounters{counters("a", old, 3)}}},
			[]paas.Bucket{bucket(-3600, 3, false)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c watch.Counted
			for _, s := range tt.steps {
				r := watch.Reading{At: at(s.at), Routers: s.routers, Missing: s.missing}
				c = watch.Count(c, r, apart(3, false))
				c = watch.Count(c, r, apart(3, false)) // twice is as good as once
			}
			if diff := cmp.Diff(tt.want, c.Traffic(webBlue)); diff != "" {
				t.Errorf("buckets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRequestsOfTheReleaseBeforeAreNotThoseOfTheNext: a slot is used again by every second release, so the
// last errors of one must not abort the canary of the other.
func TestRequestsOfTheReleaseBeforeAreNotThoseOfTheNext(t *testing.T) {
	t.Parallel()
	old := at(-100)
	c := watch.Count(watch.Counted{}, watch.Reading{At: at(0), Routers: []paas.RouterCounters{counters("a", old, 0)}}, apart(3, false))
	c = watch.Count(c, watch.Reading{At: at(2), Routers: []paas.RouterCounters{counters("a", old, 50)}}, apart(5, true)) // 5 took the slot at 1
	c = watch.Count(c, watch.Reading{At: at(4), Routers: []paas.RouterCounters{counters("a", old, 57)}}, apart(5, true))
	traffic := paas.Traffic{Buckets: c.Traffic(webBlue)}
	for release, want := range map[int]int64{3: 50, 5: 7} {
		if got := traffic.Over(release, at(1)); got.Requests != want || !got.At.Equal(at(0)) {
			t.Errorf("release %d: %+v, want %d requests", release, got, want)
		}
	}
	if late := traffic.Over(5, at(10)); late.Requests != 0 {
		t.Errorf("after the bucket: %+v, want none", late)
	}
}

// TestABusyAppIsWrittenOncePerBucket and one that walks at each reading, one without requests never.
func TestABusyAppIsWrittenOncePerBucket(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		walking bool
		busy    int64
		want    int
	}{
		"busy": {false, 1, 9}, "walking": {true, 1, 49}, "idle": {false, 0, 0}, "walking, idle": {true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, apps, writes := watch.Counted{}, apart(3, tt.walking), 0
			for n := range 50 { // 98 s
				c = watch.Count(c, watch.Reading{At: at(2 * n), Routers: []paas.RouterCounters{counters("a", at(-9), int64(n)*tt.busy)}}, apps)
				if news := c.Unsaved(apps); len(news) > 0 {
					writes++
					c = c.Saved(news)
				}
			}
			if writes != tt.want {
				t.Errorf("%d writes in 98 s, want %d", writes, tt.want)
			}
		})
	}
}

func TestTrafficOfAnAppThatIsNoMoreIsForgotten(t *testing.T) {
	t.Parallel()
	c := watch.KnownTraffic([]paas.Traffic{{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue, Buckets: []paas.Bucket{{At: at(0), Release: 3, Requests: 9}}}})
	reading := func(seconds int, blue int64) watch.Reading {
		return watch.Reading{At: at(seconds), Routers: []paas.RouterCounters{counters("a", at(-9), blue)}}
	}
	c = watch.Count(c, reading(5, 100), apart(3, false))
	if got := sum(c.Traffic(webBlue)).Requests; got != 9 {
		t.Errorf("%d requests after a restart, want the 9 of the store", got)
	}
	c = watch.Count(c, reading(7, 120), nil)
	c = watch.Count(c, reading(9, 121), apart(1, false)) // another app of this name
	c = watch.Count(c, reading(11, 123), apart(1, false))
	if got := sum(c.Traffic(webBlue)).Requests; got != 3 {
		t.Errorf("%d requests, want the 3 of the new app", got)
	}
}

func BenchmarkCount(b *testing.B) {
	for _, apps := range []int{100, 1000} {
		b.Run(fmt.Sprintf("apps=%d", apps), func(b *testing.B) {
			wishes, counts := map[paas.AppRef]watch.App{}, map[paas.Service]paas.Count{}
			for n := range apps {
				of := paas.Service{Team: "acme", App: fmt.Sprintf("app%d", n), Process: "web", Slot: paas.Blue}
				wishes[paas.AppRef{Team: of.Team, App: of.App}] = watch.App{Slots: map[paas.Slot]paas.Slotted{paas.Blue: {Release: 1}}}
				counts[of] = paas.Count{Requests: 1}
			}
			var c watch.Counted
			for n := 0; b.Loop(); n++ {
				next := map[paas.Service]paas.Count{}
				for of := range counts {
					next[of] = paas.Count{Requests: int64(n)}
				}
				c = watch.Count(c, watch.Reading{At: at(5 * n), Routers: []paas.RouterCounters{{Router: "a", Started: at(-1), Counts: next}}}, wishes)
				c = c.Saved(c.Unsaved(wishes))
			}
		})
	}
}
