package retention_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/retention"
)

const day = 24 * time.Hour

var (
	now    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	shop   = paas.AppRef{Team: "default", App: "shop"}
	limits = retention.Limits{Releases: 4, Age: 90 * day, Rollbacks: 2, Events: 30 * day, Content: 7 * day}
)

func ago(days int) time.Time { return now.Add(-time.Duration(days) * day) }

// history is an app whose release N was made 10*(newest-N) days ago and then healthy; the newest serves.
func history(newest int) (paas.Snapshot, paas.Ledger) {
	snap := paas.Snapshot{Version: 7, App: paas.App{Team: "default", Name: "shop", Release: newest}, Newest: newest}
	var ledger paas.Ledger
	for n := newest; n > 0; n-- {
		at := ago(10 * (newest - n))
		ledger.Releases = append(ledger.Releases, paas.LedgerRelease{Number: n, CreatedAt: at})
		ledger.Walks = append(ledger.Walks, paas.LedgerWalk{ID: string(rune('a' + n)), Release: n, State: paas.DeploymentHealthy, EndedAt: at})
	}
	return snap, ledger
}

func TestStaleReleases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		newest int
		edit   func(*paas.Snapshot, *paas.Ledger)
		limits func(*retention.Limits)
		want   []int
	}{
		"fewer than are kept, all young":          {4, nil, nil, nil},
		"more than are kept go, the oldest first": {7, nil, nil, []int{3, 2, 1}},
		"those that are too old go before the count is full": {
			4, nil, func(l *retention.Limits) { l.Age = 25 * day }, []int{1},
		},
		"at the very age they go": {4, nil, func(l *retention.Limits) { l.Age = 30 * day }, []int{1}},
		"the one that serves stays": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) { s.App.Release = 2 }, nil, []int{3, 1},
		},
		"one that stands in a slot stays, though it has no instance": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) {
				s.Slots = map[paas.Slot]paas.Slotted{paas.Green: {Release: 1}}
			}, nil, []int{3, 2},
		},
		"both ends of a walk stay": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) { s.Deployments = []paas.Deployment{{Release: 3, Previous: 1}} }, nil, []int{2},
		},
		"one that a cron or a task is of stays": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) { s.Sides = map[string]paas.Side{"x": {Release: 2}} }, nil, []int{3, 1},
		},
		"one with an instance stays until it has ended": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) {
				s.Instances = []paas.Instance{{Release: 2, State: paas.InstanceStopping}, {Release: 1, State: paas.InstanceComplete}}
			}, nil, []int{3, 1},
		},
		"one with a run stays until it has ended": {
			7, func(s *paas.Snapshot, _ *paas.Ledger) {
				s.Runs = []paas.Run{{Release: 2, State: paas.RunRunning}, {Release: 1, State: paas.RunFailed}}
			}, nil, []int{3, 1},
		},
		"the last healthy ones stay at any age and behind any number of bad ones": {
			9, func(s *paas.Snapshot, l *paas.Ledger) {
				s.App.Release = 2
				for i, w := range l.Walks {
					if w.Release > 2 {
						l.Walks[i].State = paas.DeploymentReverted
					}
				}
			}, func(l *retention.Limits) { l.Age = 5 * day }, []int{8, 7, 6, 5, 4, 3},
		},
		"the newest stays, whatever became of it: its number is used": {
			5, func(s *paas.Snapshot, l *paas.Ledger) {
				s.App.Release = 4
				l.Walks[0].State = paas.DeploymentFailed
				for i := range l.Releases {
					l.Releases[i].CreatedAt = ago(400)
				}
			}, nil, []int{2, 1},
		},
		"an app that never served loses what failed long ago": {
			6, func(s *paas.Snapshot, l *paas.Ledger) {
				s.App.Release = 0
				for i := range l.Walks {
					l.Walks[i].State = paas.DeploymentFailed
				}
			}, nil, []int{2, 1},
		},
		"the order of the list does not matter": {
			7, func(_ *paas.Snapshot, l *paas.Ledger) { l.Releases[0], l.Releases[6] = l.Releases[6], l.Releases[0] }, nil, []int{3, 2, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snap, ledger := history(c.newest)
			l := limits
			if c.edit != nil {
				c.edit(&snap, &ledger)
			}
			if c.limits != nil {
				c.limits(&l)
			}
			change, stale := retention.Stale(snap, ledger, l, now)
			if diff := cmp.Diff(c.want, change.DropReleases); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if stale != (len(change.DropReleases)+len(change.DropDeployments) > 0) || change.Version != 7 || change.Ref != shop {
				t.Errorf("change %+v, %t", change, stale)
			}
		})
	}
}

func TestWhatIsDroppedIsTold(t *testing.T) {
	t.Parallel()
	snap, ledger := history(9)
	snap.Slots = map[paas.Slot]paas.Slotted{paas.Green: {Release: 3}}
	change, _ := retention.Stale(snap, ledger, limits, now)
	if len(change.Events) != 1 || change.Events[0].Message != "no longer kept, by the server's retention: releases 1, 2, 4, 5" {
		t.Errorf("events %+v", change.Events)
	}
	snap, ledger = history(8)
	if change, _ = retention.Stale(snap, ledger, limits, now); change.Events[0].Message != "no longer kept, by the server's retention: releases 1 to 4" {
		t.Errorf("events %+v", change.Events)
	}
}

func TestStaleDeployments(t *testing.T) {
	t.Parallel()
	snap, _ := history(2)
	snap.App.Release = 1
	releases := []paas.LedgerRelease{{Number: 2, CreatedAt: ago(40)}, {Number: 1, CreatedAt: ago(60)}}
	walk := func(id string, release int, state paas.DeploymentState, days int) paas.LedgerWalk {
		return paas.LedgerWalk{ID: id, Release: release, State: state, EndedAt: ago(days)}
	}
	change, _ := retention.Stale(snap, paas.Ledger{Releases: releases, Walks: []paas.LedgerWalk{
		walk("young", 1, paas.DeploymentHealthy, 29),
		walk("restarted", 1, paas.DeploymentReverted, 31),
		walk("scaled", 1, paas.DeploymentHealthy, 35),
		walk("tried again", 2, paas.DeploymentReverted, 38), // tells what became of 2
		walk("tried", 2, paas.DeploymentCanceled, 39),
		walk("pushed", 1, paas.DeploymentHealthy, 60),
		walk("of none", 77, paas.DeploymentHealthy, 60), // its release is not kept
	}}, limits, now)
	if diff := cmp.Diff([]string{"restarted", "scaled", "tried", "pushed", "of none"}, change.DropDeployments); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	change, _ = retention.Stale(snap, paas.Ledger{Releases: releases, Walks: []paas.LedgerWalk{
		walk("reverted later", 1, paas.DeploymentReverted, 31), // newest of 1
		walk("pushed", 1, paas.DeploymentHealthy, 60),          // says that 1 has served
	}}, limits, now)
	if len(change.DropDeployments) > 0 {
		t.Errorf("dropped %v: the ledger could not say any more that release 1 has served", change.DropDeployments)
	}
}

func TestStaleRuns(t *testing.T) {
	t.Parallel()
	run := func(id, name string, state paas.RunState, days int) paas.Run {
		at := ago(days)
		r := paas.Run{ID: id, Team: "default", App: "shop", Kind: paas.JobCron, Name: name, State: state, CreatedAt: at}
		if state.Ended() {
			r.EndedAt = &at
		}
		return r
	}
	got := retention.StaleRuns([]paas.Run{
		run("last", "report", paas.RunComplete, 50), run("old", "report", paas.RunFailed, 80),
		run("young", "sweep", paas.RunComplete, 1), run("month", "sweep", paas.RunKilled, 30), run("open", "sweep", paas.RunRunning, 90),
	}, limits, now)
	if diff := cmp.Diff([]string{"old", "month"}, got); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}
