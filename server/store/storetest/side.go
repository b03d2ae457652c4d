package storetest

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func side(ref paas.AppRef, job string, release int) paas.Side {
	id, _ := paas.ParseSideJob(job)
	return paas.Side{
		Team: ref.Team, App: ref.App, Job: job, Kind: id.Kind, Name: "report", Release: release, Deployment: "d1",
		Args: []string{"-x", "it's ? ${x}"}, By: "dev", CreatedAt: moment,
		Text: []byte(`{"ID":"x ? ü"}`), Index: 7, Stands: true, Refused: "no such zone", Stop: "timed out", Failed: true,
	}
}

func run(ref paas.AppRef, id string, at time.Time) paas.Run {
	ended := at.Add(time.Second)
	return paas.Run{
		ID: id, Team: ref.Team, App: ref.App, Job: ref.App + ".cron.report/periodic-1", Kind: paas.JobCron, Name: "report",
		Release: 2, State: paas.RunFailed, ExitCode: 3, Exits: 2, Node: "n1", Reason: "report exited with code 3",
		CreatedAt: at, StartedAt: &at, EndedAt: &ended,
	}
}

func sides(_ *testing.T, f *fixture) {
	c := newApp(shop)
	for n := range 3 {
		c.Releases = append(c.Releases, release(shop, n+1))
	}
	cron, task := side(shop, "shop.cron.report", 2), side(shop, "shop.task.migrate.3", 3)
	task.Args, task.Text = nil, nil
	c.Sides = []paas.Side{cron, task}
	snap := f.save(c)
	f.equal("side jobs", snap.Sides, map[string]paas.Side{cron.Job: cron, task.Job: task})
	if _, ok := snap.Releases[2]; !ok || len(snap.Releases) != 2 {
		f.Errorf("a snapshot holds releases %v, want those of its side jobs", snap.Releases)
	}
	cron.Index, cron.Stands, cron.Stop = 9, false, ""
	snap = f.save(paas.Change{Ref: shop, Version: snap.Version, Sides: []paas.Side{cron}, DropSides: []string{task.Job, "never there"}})
	f.equal("side jobs, one replaced and one dropped", snap.Sides, map[string]paas.Side{cron.Job: cron})
	f.code(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Sides: []paas.Side{side(other, "other.cron.report", 1)}}), paas.Internal)
	f.restart()
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("side jobs, after a restart", snap.Sides, map[string]paas.Side{cron.Job: cron})
}

func runs(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	f.save(newApp(other))
	f.drain()
	first, second, theirs := run(shop, "a", moment), run(shop, "b", moment.Add(time.Second)), run(other, "c", moment)
	second.State, second.StartedAt, second.EndedAt = paas.RunPending, nil, nil
	f.must(f.Observe(f.ctx, 0, paas.Observation{Runs: []paas.Run{first, second, theirs}}))
	f.equal("notified", f.drain(), []paas.AppRef{shop, other})
	snap, err := f.Snapshot(f.ctx, shop)
	f.must(err)
	f.equal("runs, newest first", snap.Runs, []paas.Run{second, first})
	second.State = paas.RunComplete
	f.must(f.Observe(f.ctx, 0, paas.Observation{Runs: []paas.Run{second}, GoneRuns: []string{"a", "never seen"}}))
	f.equal("notified", f.drain(), []paas.AppRef{shop})
	all, err := f.Runs(f.ctx)
	f.must(err)
	f.equal("runs of all apps", all, []paas.Run{second, theirs})
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	all, err = f.Runs(f.ctx)
	f.must(err)
	f.equal("runs, once the app is deleted", all, []paas.Run{theirs})
}
