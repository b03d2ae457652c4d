package deploy_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// counted are buckets of a release, ten seconds apart from noon on: requests and errors of each.
func counted(release int, pairs ...[2]int64) []paas.Bucket {
	var list []paas.Bucket
	for n, p := range pairs {
		list = append(list, paas.Bucket{At: noon.Add(time.Duration(n) * paas.BucketLength), Release: release, Requests: p[0], Errors: p[1]})
	}
	return list
}

func TestCompare(t *testing.T) {
	t.Parallel()
	partial := func(list []paas.Bucket, n int) []paas.Bucket {
		list[n].Partial = true
		return list
	}
	ago := func(list []paas.Bucket, by time.Duration) []paas.Bucket {
		for n := range list {
			list[n].At = list[n].At.Add(-by)
		}
		return list
	}
	tests := map[string]struct {
		fresh, old []paas.Bucket
		margin     int
		process    string
		worse      string
		doubtful   bool
	}{
		"clearly worse": {
			fresh: counted(13, [2]int64{170, 10}, [2]int64{170, 11}), old: counted(12, [2]int64{1500, 5}, [2]int64{1500, 4}), margin: 1,
			worse: "6.2 % of the 340 requests to release 13 answered 5xx, 0.3 % of release 12's: more than 1 point apart", doubtful: true,
		},
		"one of several processes": {
			fresh: counted(13, [2]int64{40, 20}), old: counted(12, [2]int64{40, 0}), margin: 2, process: "api",
			worse: "50.0 % of the 40 requests to api of release 13 answered 5xx, 0.0 % of release 12's: more than 2 points apart", doubtful: true,
		},
		"as bad as the old one":           {fresh: counted(13, [2]int64{400, 200}), old: counted(12, [2]int64{400, 200}), margin: 1},
		"bad, but the old one is worse":   {fresh: counted(13, [2]int64{400, 100}), old: counted(12, [2]int64{400, 195}), margin: 1},
		"within a wide margin":            {fresh: counted(13, [2]int64{400, 100}), old: counted(12, [2]int64{4000, 0}), margin: 30},
		"19 requests say nothing":         {fresh: counted(13, [2]int64{19, 19}), old: counted(12, [2]int64{1000, 0}), margin: 1},
		"one error of 20 is no proof":     {fresh: counted(13, [2]int64{20, 1}), old: counted(12, [2]int64{1000, 0}), margin: 1, doubtful: true},
		"four of 20 are":                  {fresh: counted(13, [2]int64{20, 4}), old: counted(12, [2]int64{1000, 0}), margin: 1, doubtful: true, worse: "20.0 % of the 20 requests to release 13 answered 5xx, 0.0 % of release 12's: more than 1 point apart"},
		"2 % of 100 are no proof of 1":    {fresh: counted(13, [2]int64{100, 3}), old: counted(12, [2]int64{100, 0}), margin: 1, doubtful: true},
		"nothing to compare with":         {fresh: counted(13, [2]int64{400, 400}), margin: 1},
		"two answers to compare with":     {fresh: counted(13, [2]int64{400, 40}), old: counted(12, [2]int64{2, 0}), margin: 1, doubtful: true},
		"a bucket that was read in part":  {fresh: partial(counted(13, [2]int64{400, 0}, [2]int64{100, 100}), 1), old: counted(12, [2]int64{400, 0}, [2]int64{10, 0}), margin: 1},
		"and the other side's of it":      {fresh: counted(13, [2]int64{400, 0}, [2]int64{100, 100}), old: partial(counted(12, [2]int64{400, 0}, [2]int64{10, 10}), 1), margin: 1},
		"buckets of the slot's old owner": {fresh: append(counted(11, [2]int64{400, 400}), counted(13, [2]int64{400, 0})...), old: counted(12, [2]int64{400, 0}), margin: 1},
		"after the switch the old one's past counts": {
			fresh: counted(13, [2]int64{400, 40}), old: ago(counted(12, [2]int64{400, 0}), 5*time.Minute), margin: 1, doubtful: true,
			worse: "10.0 % of the 400 requests to release 13 answered 5xx, 0.0 % of release 12's: more than 1 point apart",
		},
		"what both suffered at once":    {fresh: counted(13, [2]int64{100, 0}, [2]int64{100, 90}), old: counted(12, [2]int64{100, 0}, [2]int64{100, 90}), margin: 1},
		"errors of before do not count": {fresh: append(ago(counted(13, [2]int64{400, 400}), time.Minute), counted(13, [2]int64{400, 0})...), old: counted(12, [2]int64{400, 0}), margin: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worse, doubtful := deploy.Compare(deploy.Answers{
				Process: tt.process, New: 13, Old: 12, Fresh: tt.fresh, Stale: tt.old, Since: noon, Margin: tt.margin,
			})
			if worse != tt.worse || doubtful != tt.doubtful {
				t.Errorf("got  %q, doubtful %t\nwant %q, doubtful %t", worse, doubtful, tt.worse, tt.doubtful)
			}
		})
	}
}

// Two releases with the same share of errors, looked at after every bucket of a step of ten minutes: how
// many harmless canaries turn back, and how many of those that are five points worse stay.
func TestComparingMakesFewMistakes(t *testing.T) {
	t.Parallel()
	const trials = 2000
	run := func(seed uint64, is, was float64) (turned int) {
		random := rand.New(rand.NewPCG(seed, 1))
		draw := func(release, n int, share float64) []paas.Bucket {
			pairs := make([][2]int64, n)
			for i := range pairs {
				requests := 5
				if release == 12 {
					requests = 95
				}
				for range requests {
					pairs[i][0]++
					if random.Float64() < share {
						pairs[i][1]++
					}
				}
			}
			return counted(release, pairs...)
		}
		for range trials {
			fresh, old := draw(13, 60, is), draw(12, 60, was)
			for n := 1; n <= 60; n++ {
				if worse, _ := deploy.Compare(deploy.Answers{New: 13, Old: 12, Fresh: fresh[:n], Stale: old[:n], Since: noon, Margin: 1}); worse != "" {
					turned++
					break
				}
			}
		}
		return turned
	}
	for _, share := range []float64{0.002, 0.01, 0.05, 0.3} {
		if n := run(uint64(1000*share), share, share); n > trials*3/100 {
			t.Errorf("with %.1f %% of errors on both sides %d of %d canaries turned back", 100*share, n, trials)
		} else {
			t.Logf("with %.1f %% of errors on both sides %d of %d canaries turned back", 100*share, n, trials)
		}
	}
	if n := run(7, 0.10, 0.01); n < trials*9/10 {
		t.Errorf("with 10 %% against 1 %% only %d of %d canaries turned back", n, trials)
	}
}

// Where a canary's whole load comes in the ten seconds in which it was begun, that is what it is judged by; what a
// release answered before it was tried again is forgiven.
func TestEveryAnswerOfATryIsJudged(t *testing.T) {
	t.Parallel()
	bad, good := [2]int64{100, 50}, [2]int64{100, 0}
	at := func(seconds int) *time.Time { return new(noon.Add(time.Duration(seconds) * time.Second)) }
	for name, tt := range map[string]struct {
		started, registered *time.Time
		fresh               [][2]int64 // in the ten seconds from noon on, and the following
		worse               bool
	}{
		"in the ten seconds in which it was begun":         {started: at(3), registered: at(4), fresh: [][2]int64{bad}, worse: true},
		"where a crash kept its register from being noted": {started: at(3), fresh: [][2]int64{bad}, worse: true},
		"before it was tried again":                        {started: at(6), registered: at(4), fresh: [][2]int64{bad}},
		"after it was tried again":                         {started: at(6), registered: at(4), fresh: [][2]int64{good, bad}, worse: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, snap := scene{
				steps: []paas.Step{share(50, step(2, 2)), share(100, step(2, 0))}, wanted: 2, green: []paas.Instance{healthy(0), healthy(1)},
			}.build()
			d.StartedAt, d.RegisteredAt, d.StepAt = tt.started, tt.registered, noon.Add(7*time.Second)
			snap.Traffic = []paas.Traffic{
				{Process: "web", Slot: paas.Green, Buckets: counted(2, tt.fresh...)},
				{Process: "web", Slot: paas.Blue, Buckets: counted(1, [2]int64{100, 0}, [2]int64{100, 0})},
			}
			v := deploy.Next(d, snap, noon.Add(15*time.Second))
			if worse := v.Move == deploy.Abort && strings.Contains(v.Reason, "answered 5xx"); worse != tt.worse {
				t.Errorf("it says %+v", v)
			}
		})
	}
}
