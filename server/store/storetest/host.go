package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// team makes teams.
func (f *fixture) team(names ...string) {
	f.Helper()
	for _, name := range names {
		f.must(f.AddTeam(f.ctx, paas.Team{Name: name, CreatedAt: moment, CreatedBy: "root"}))
	}
}

// routed is a change of an app, new or not, that claims routes.
func (f *fixture) routed(ref paas.AppRef, routes ...string) paas.Change {
	f.Helper()
	c := newApp(ref)
	if snap, err := f.Snapshot(f.ctx, ref); err == nil {
		c = paas.Change{Ref: ref, Version: snap.Version}
	}
	c.SetClaims, c.By = true, "ann"
	for _, text := range routes {
		r, problem := paas.ParseRoute(text)
		if problem != "" {
			f.Fatal(problem)
		}
		c.Claims = append(c.Claims, r)
	}
	return c
}

func (f *fixture) owners() map[string]string {
	f.Helper()
	list, err := f.Hosts(f.ctx)
	f.must(err)
	owners := map[string]string{}
	for _, h := range list {
		if owners[h.Host] = h.Team; len(h.Shared) > 0 {
			owners[h.Host] += fmt.Sprint(" ", h.Shared)
		}
		if h.CreatedBy != "ann" || h.CreatedAt.IsZero() {
			f.Errorf("host %+v does not say who claimed it when", h)
		}
	}
	return owners
}

// teamTold are the events of teams.
func (f *fixture) teamTold() (told []string) {
	f.Helper()
	events, err := f.Events(f.ctx, paas.EventFilter{Kinds: []paas.EventKind{paas.EventTeamChanged}})
	f.must(err)
	for _, e := range events {
		told = append(told, e.Team+": "+e.Message)
	}
	return told
}

// hosts: the first owner keeps a host, without routes too.
func hosts(_ *testing.T, f *fixture) {
	people(f)
	theirs := paas.AppRef{Team: "red", App: "shop"}
	f.must(f.Save(f.ctx, 0, f.routed(shop, "a.example.com/", "a.example.com/x/", "*.w.example.com/")))
	owned := map[string]string{"a.example.com": "default", "*.w.example.com": "default"}
	f.equal("claimed", f.owners(), owned)
	f.equal("told", f.teamTold(), []string{"default: ann claimed host a.example.com for app shop", "default: ann claimed host *.w.example.com for app shop"})
	for _, taken := range []string{"a.example.com/other/", "*.a.example.com/", "w.example.com/", "b.w.example.com/", "*.b.w.example.com/", "*.example.com/", "*.com/"} {
		f.code(f.Save(f.ctx, 0, f.routed(theirs, "free.example.com/", taken)), paas.Conflict)
	}
	f.equal("a refused claim leaves nothing", f.owners(), owned)
	f.must(f.Save(f.ctx, 0, f.routed(shop)))
	f.equal("kept without routes", f.owners(), owned)
	f.code(f.Save(f.ctx, 0, f.routed(theirs, "a.example.com/")), paas.Conflict)

	f.code(f.ShareHost(f.ctx, "red", "a.example.com", "red", true), paas.NotFound)
	f.code(f.ShareHost(f.ctx, "default", "no.example.com", "red", true), paas.NotFound)
	f.code(f.ShareHost(f.ctx, "default", "a.example.com", "nobody", true), paas.NotFound)
	f.must(f.ShareHost(f.ctx, "default", "a.example.com", "red", true))
	f.must(f.ShareHost(f.ctx, "default", "a.example.com", "red", true))
	f.must(f.ShareHost(f.ctx, "default", "*.w.example.com", "red", true))
	f.must(f.Save(f.ctx, 0, f.routed(theirs, "a.example.com/other/", "b.w.example.com/")))
	f.equal("shared, not owned", f.owners(), map[string]string{"a.example.com": "default [red]", "*.w.example.com": "default [red]"})
	for _, host := range []string{"a.example.com", "*.w.example.com"} {
		f.code(f.ShareHost(f.ctx, "default", host, "red", false), paas.Conflict)
		f.code(f.DropHost(f.ctx, "default", host), paas.Conflict)
	}
	f.must(f.Save(f.ctx, 0, f.routed(theirs)))
	f.must(f.ShareHost(f.ctx, "default", "a.example.com", "red", false))
	f.code(f.Save(f.ctx, 0, f.routed(theirs, "a.example.com/")), paas.Conflict)
	f.code(f.DropHost(f.ctx, "red", "a.example.com"), paas.NotFound)
	f.must(f.Save(f.ctx, 0, f.routed(shop, "a.example.com/")))
	f.code(f.DropHost(f.ctx, "default", "a.example.com"), paas.Conflict)
	f.must(f.Save(f.ctx, 0, f.routed(shop)))
	f.must(f.DropHost(f.ctx, "default", "a.example.com"))
	f.must(f.DropHost(f.ctx, "default", "*.w.example.com"))
	f.must(f.Save(f.ctx, 0, f.routed(theirs, "a.example.com/")))
	f.restart()
	f.equal("of the next", f.owners(), map[string]string{"a.example.com": "red"})
	f.must(f.Save(f.ctx, 0, f.routed(theirs)))
	snap, err := f.Snapshot(f.ctx, theirs)
	f.must(err)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: theirs, Version: snap.Version, Delete: true}))
	f.code(f.DropTeam(f.ctx, "red"), paas.Conflict) // it still has a host
	f.must(f.DropHost(f.ctx, "red", "a.example.com"))
	f.must(f.DropTeam(f.ctx, "red"))
	f.code(f.Save(f.ctx, 0, f.routed(theirs, "a.example.com/")), paas.NotFound)
}

// hostRace: of teams that want related hosts at once, one gets them.
func hostRace(_ *testing.T, f *fixture) {
	var wait sync.WaitGroup
	names := []string{"*.example.com/", "a.example.com/", "b.a.example.com/", "*.a.example.com/"}
	won := make([]error, len(names))
	for i := range names {
		f.team(fmt.Sprint("t", i))
	}
	for i, name := range names {
		c := f.routed(paas.AppRef{Team: fmt.Sprint("t", i), App: "x"}, name)
		wait.Go(func() { won[i] = f.Save(f.ctx, 0, c) })
	}
	wait.Wait()
	for i, a := range names {
		for j, b := range names {
			ra, _ := paas.ParseRoute(a)
			rb, _ := paas.ParseRoute(b)
			if _, against := paas.HostAgainst("", ra.Host, []paas.Host{{Host: rb.Host, Team: "x"}}); i < j && against && won[i] == nil && won[j] == nil {
				f.Errorf("%s and %s belong to two teams", a, b)
			}
		}
	}
}

// quotas: a wish that takes its team further above its quota is refused, whatever was read before.
func quotas(_ *testing.T, f *fixture) {
	people(f)
	_, err := f.ChangeTeam(f.ctx, "red", func(t *paas.Team) error { t.Quota = paas.TeamQuota{Memory: 1000, Apps: 2}; return nil })
	f.must(err)
	one, two, third := paas.AppRef{Team: "red", App: "one"}, paas.AppRef{Team: "red", App: "two"}, paas.AppRef{Team: "red", App: "third"}
	want := func(ref paas.AppRef, epoch int64, memory int) error {
		f.Helper()
		c := f.routed(ref)
		c.Demand = &paas.Demand{Memory: memory, CPU: 5, Apps: 1, Instances: 2, Routes: 1, Storage: 7}
		return f.Save(f.ctx, epoch, c)
	}
	f.must(want(one, 0, 600))
	f.code(want(two, 0, 401), paas.OverQuota)
	_, err = f.Snapshot(f.ctx, two)
	f.code(err, paas.NotFound)
	f.must(want(two, 0, 400))
	f.code(want(one, 0, 601), paas.OverQuota)
	f.code(want(third, 0, 0), paas.OverQuota) // the apps
	f.must(want(one, 0, 600))
	got, err := f.Standing(f.ctx, "red")
	f.must(err)
	f.equal("standing", got, paas.Standing{
		Quota:  paas.TeamQuota{Memory: 1000, Apps: 2},
		Demand: paas.Demand{Memory: 1000, CPU: 10, Apps: 2, Instances: 4, Routes: 2, Storage: 14},
	})
	snap, err := f.Snapshot(f.ctx, one)
	f.must(err)
	f.equal("of a snapshot", snap.Demand, &paas.Demand{Memory: 600, CPU: 5, Apps: 1, Instances: 2, Routes: 1, Storage: 7})

	// Above a quota that was lowered a team stays, and may want less, or as much.
	_, err = f.ChangeTeam(f.ctx, "red", func(t *paas.Team) error { t.Quota.Memory = 500; return nil })
	f.must(err)
	f.must(want(one, 0, 600))
	f.must(want(one, 0, 550))
	f.code(want(one, 0, 551), paas.OverQuota)
	epoch, err := f.Lead(f.ctx)
	f.must(err)
	f.must(want(one, epoch, 600)) // a walk that turns back is never refused

	f.must(f.Save(f.ctx, 0, paas.Change{Ref: one, Version: f.version(one), Volumes: []paas.HostVolume{hostVolume(one, 0, "v1")}}))
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: one, Version: f.version(one), Delete: true}))
	got, err = f.Standing(f.ctx, "red")
	f.must(err)
	f.equal("without the app, with its volume", got.Demand, paas.Demand{Memory: 400, CPU: 5, Apps: 1, Instances: 2, Routes: 1, Storage: 7 + 10})
	_, err = f.Standing(f.ctx, "nobody")
	f.code(err, paas.NotFound)
}

func (f *fixture) version(ref paas.AppRef) int64 {
	f.Helper()
	snap, err := f.Snapshot(f.ctx, ref)
	f.must(err)
	return snap.Version
}

// quotaRace: of many wishes at once that a quota has room for one of, one is taken.
func quotaRace(_ *testing.T, f *fixture) {
	people(f)
	_, err := f.ChangeTeam(f.ctx, "red", func(t *paas.Team) error { t.Quota.Memory = 150; return nil })
	f.must(err)
	var wait sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for i := range 6 {
		c := f.routed(paas.AppRef{Team: "red", App: fmt.Sprint("app-", i)})
		c.Demand = &paas.Demand{Memory: 100, Apps: 1}
		wait.Go(func() {
			err := f.Save(f.ctx, 0, c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				taken++
			case paas.CodeOf(err) != paas.OverQuota:
				f.Errorf("refused with %v", err)
			}
		})
	}
	wait.Wait()
	f.equal("wishes taken", taken, 1)
}
