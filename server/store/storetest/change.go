package storetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// readers are the methods of a store that write nothing. Every other one is a key of writes, and every field of
// paas.Observation is one as well, so that a new kind of write can't be left out of Changed unseen.
var readers = []string{
	"Launch", "OpenLaunches", "Running", "SpecText", "TrafficSums",
	"AccessVersion", "Apps", "Audited", "Backends", "Bindings", "BlobSize", "Build", "Changed", "Claims", "Close", "ConfigVersions", "Deployment", "Deployments", "DoneBuild", "Drains", "Endings",
	"Engine", "Events", "Facts", "Hosts", "Instances", "LastBuild", "LastEvent", "Leads", "Ledger", "LogSources", "Members", "NamedBlobs", "NodeLoads", "Nodes", "OpenBlob", "Operations",
	"Dump", "Ping", "Refs", "Release", "Releases", "Run", "Runs", "Servers", "ServiceDetail", "ServiceInstances", "ServiceProviders",
	"Session", "SessionAccess", "Sessions", "Snapshot", "Snapshots", "Standing", "Team", "Teams", "Tenants", "Token", "TokenAccess", "Tokens", "TokensOf", "Traffic",
	"UnfinishedBuilds", "User", "UserBySubject", "Users", "Volumes",
}

// write is one kind of write to a store that changeSeed has filled.
type write struct {
	shown []paas.AppRef // apps that are other than before in what a list of apps is made of
	do    func(f *fixture) error
}

func observe(o func(o *paas.Observation)) func(*fixture) error {
	return func(f *fixture) error {
		var all paas.Observation
		o(&all)
		return f.Observe(f.ctx, 0, all)
	}
}

// save changes shop.
func save(change func(c *paas.Change)) func(*fixture) error {
	return func(f *fixture) error {
		snap, err := f.Snapshot(f.ctx, shop)
		if err != nil {
			return err
		}
		c := paas.Change{Ref: shop, Version: snap.Version}
		change(&c)
		return f.Save(f.ctx, 0, c)
	}
}

// withPeople does a write of access where there are users with a token and a session, and takes them away again.
func withPeople(do func(*fixture) error) func(*fixture) error {
	return func(f *fixture) error {
		for _, u := range []string{"ann", "bob", "cy"} {
			if err := f.DropUser(f.ctx, u); err != nil && paas.CodeOf(err) != paas.NotFound {
				return err
			}
		}
		if err := f.DropTeam(f.ctx, "red"); err != nil && paas.CodeOf(err) != paas.NotFound {
			return err
		}
		people(f)
		f.must(f.PutToken(f.ctx, personal("c", "ann")))
		f.must(f.AddSession(f.ctx, sessionOf("s", "ann")))
		return do(f)
	}
}

var seen = observation(shop)

var writes = map[string]write{
	"PutLaunch": {nil, func(f *fixture) error {
		return f.PutLaunch(f.ctx, 0, paas.Launch{Team: shop.Team, App: shop.App, State: paas.LaunchBuilding, CreatedAt: moment}, event(shop, "x"))
	}},
	"Save": {[]paas.AppRef{shop}, save(func(c *paas.Change) {
		c.Deployments = []paas.Deployment{{ID: "d1", Team: shop.Team, App: shop.App, Release: 2, State: paas.DeploymentFailed, Reason: "it fell", CreatedAt: moment}}
	})},
	"Save/Delete": {[]paas.AppRef{shop}, save(func(c *paas.Change) { c.Delete = true })},
	"Save/new": {[]paas.AppRef{{Team: "b", App: "new"}}, func(f *fixture) error {
		f.team("b")
		return f.Save(f.ctx, 0, newApp(paas.AppRef{Team: "b", App: "new"}))
	}},

	"Observe/Instances": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) {
		o.Instances = []paas.Instance{instance(shop, "i-2", 1, paas.InstancePending)}
	})},
	"Observe/Gone": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) { o.Gone = []string{seen.Instances[0].ID} })},
	"Observe/Jobs": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) {
		o.Jobs = []paas.JobFact{{Team: shop.Team, App: shop.App, Slot: paas.Blue, Index: 99}}
	})},
	"Observe/Routes": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) {
		r := seen.Routes[0]
		r.State = paas.RouteAnswering
		o.Routes = []paas.RouteFact{r}
	})},
	"Observe/Routers":   {[]paas.AppRef{shop}, observe(func(o *paas.Observation) { o.Routers = []paas.RouterFact{{Team: shop.Team, App: shop.App, Routers: 1}} })},
	"Observe/Nodes":     {[]paas.AppRef{shop}, observe(func(o *paas.Observation) { o.Nodes = []paas.Node{{ID: "n-1", Status: paas.NodeDown, Since: moment}} })},
	"Observe/GoneNodes": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) { o.GoneNodes = []string{"n-1"} })},
	"Observe/Runs": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) {
		o.Runs = []paas.Run{{ID: "r-2", Team: shop.Team, App: shop.App, CreatedAt: moment}}
	})},
	"Observe/GoneRuns": {[]paas.AppRef{shop}, observe(func(o *paas.Observation) { o.GoneRuns = []string{"r-1"} })},
	"Observe/Backends": {nil, observe(func(o *paas.Observation) { o.Backends = []paas.Backend{{Name: "nomad", Since: moment}} })},
	"Observe/Events":   {nil, observe(func(o *paas.Observation) { o.Events = []paas.Event{event(shop, "x")} })},
	"Observe/Traffic": {nil, observe(func(o *paas.Observation) {
		o.Traffic = []paas.Traffic{{Team: shop.Team, App: shop.App, Process: "web", Slot: paas.Blue, Buckets: []paas.Bucket{{At: moment, Requests: 1}}}}
	})},

	"AddAudited": {nil, func(f *fixture) error {
		return f.AddAudited(f.ctx, paas.Audited{By: "ada", Action: "scale", Team: shop.Team, App: shop.App})
	}},
	"Emit":   {nil, func(f *fixture) error { return f.Emit(f.ctx, event(shop, "x")) }},
	"EmitAs": {nil, func(f *fixture) error { return f.EmitAs(f.ctx, 0, event(shop, "x")) }},
	"Lead":   {nil, func(f *fixture) error { _, err := f.Lead(f.ctx); return err }},
	"FirstToken": {nil, func(f *fixture) error {
		_, err := f.FirstToken(f.ctx, paas.Token{ID: "h", Hash: "h", CreatedAt: moment})
		return err
	}},
	"AddTeam":  {nil, func(f *fixture) error { return f.AddTeam(f.ctx, paas.Team{Name: "green", CreatedAt: moment}) }},
	"AddUser":  {nil, func(f *fixture) error { return f.AddUser(f.ctx, person("eve")) }},
	"AddLogin": {nil, func(f *fixture) error { return f.AddLogin(f.ctx, paas.Login{Hash: "h", ExpiresAt: moment}) }},
	"ChangeTeam": {nil, withPeople(func(f *fixture) error {
		_, err := f.ChangeTeam(f.ctx, "red", func(*paas.Team) error { return nil })
		return err
	})},
	"ChangeUser": {nil, withPeople(func(f *fixture) error {
		_, err := f.ChangeUser(f.ctx, "ann", func(u *paas.User) error { u.Admin = true; return nil })
		return err
	})},
	"AddSession":   {nil, withPeople(func(f *fixture) error { return f.AddSession(f.ctx, sessionOf("s1", "ann")) })},
	"DropMember":   {nil, withPeople(func(f *fixture) error { return f.DropMember(f.ctx, "red", "ann") })},
	"DropSession":  {nil, withPeople(func(f *fixture) error { return f.DropSession(f.ctx, "s") })},
	"DropSessions": {nil, withPeople(func(f *fixture) error { return f.DropSessions(f.ctx, "ann", "") })},
	"DropTeam":     {nil, withPeople(func(f *fixture) error { return f.DropTeam(f.ctx, "red") })},
	"DropUser":     {nil, withPeople(func(f *fixture) error { return f.DropUser(f.ctx, "ann") })},
	"DropEnded":    {nil, func(f *fixture) error { return f.DropEnded(f.ctx, moment, moment) }},
	"PutGroups": {nil, withPeople(func(f *fixture) error {
		_, err := f.PutGroups(f.ctx, "bob", "corp", []paas.Member{{Team: "default", Role: paas.Viewer, Source: "corp:x", CreatedAt: moment}})
		return err
	})},
	"ShareHost": {[]paas.AppRef{shop}, func(f *fixture) error {
		f.must(f.Save(f.ctx, 0, f.routed(shop, "share.example.com/")))
		return f.ShareHost(f.ctx, shop.Team, "share.example.com", shop.Team, true)
	}},
	"DropHost": {[]paas.AppRef{shop}, func(f *fixture) error {
		f.must(f.Save(f.ctx, 0, f.routed(shop, "drop.example.com/")))
		f.must(f.Save(f.ctx, 0, f.routed(shop)))
		return f.DropHost(f.ctx, shop.Team, "drop.example.com")
	}},
	"PutMember": {nil, withPeople(func(f *fixture) error { return f.PutMember(f.ctx, member("red", "cy", paas.Viewer)) })},
	"PutToken":  {nil, withPeople(func(f *fixture) error { return f.PutToken(f.ctx, personal("d", "ann")) })},
	"PutUses": {nil, withPeople(func(f *fixture) error {
		return f.PutUses(f.ctx, paas.Use{Token: "c", At: moment}, paas.Use{Session: "s", At: moment})
	})},
	"RevokeToken": {nil, withPeople(func(f *fixture) error { return f.RevokeToken(f.ctx, "c", moment) })},
	"TakeLogin": {nil, func(f *fixture) error {
		if err := f.AddLogin(f.ctx, paas.Login{Hash: "x", ExpiresAt: moment.Add(time.Hour)}); err != nil {
			return err
		}
		_, err := f.TakeLogin(f.ctx, "", "x", moment)
		return err
	}},
	"PutServer": {nil, func(f *fixture) error {
		return f.PutServer(f.ctx, paas.Server{ID: "a", StartedAt: moment, SeenAt: moment})
	}},
	"DropServer": {nil, func(f *fixture) error { return f.DropServer(f.ctx, "a") }},
	"PutBuild": {nil, func(f *fixture) error {
		return f.PutBuild(f.ctx, paas.BuildJob{ID: "b", Team: shop.Team, App: shop.App, State: paas.BuildDone, CreatedAt: moment}, event(shop, "x"))
	}},
	"PutBuildAs": {nil, func(f *fixture) error {
		return f.PutBuildAs(f.ctx, 0, paas.BuildJob{ID: "c", Team: shop.Team, App: shop.App, State: paas.BuildDone, CreatedAt: moment})
	}},
	"PutDrain": {nil, func(f *fixture) error {
		return f.PutDrain(f.ctx, 0, paas.Drain{NodeID: "n-1", CreatedAt: moment}, event(shop, "x"))
	}},
	"DropVolume": {nil, func(f *fixture) error {
		return f.DropVolume(f.ctx, paas.HostVolume{Team: shop.Team, App: shop.App, ID: "none"}, event(shop, "x"))
	}},
	"DropDrain":    {nil, func(f *fixture) error { return f.DropDrain(f.ctx, "n-1", event(shop, "x")) }},
	"DropEvents":   {nil, func(f *fixture) error { _, err := f.DropEvents(f.ctx, 0, moment.Add(time.Hour)); return err }},
	"DropBuilds":   {nil, func(f *fixture) error { _, err := f.DropBuilds(f.ctx, 0, moment.Add(time.Hour)); return err }},
	"PutBlob":      {nil, func(f *fixture) error { return f.PutBlob(f.ctx, "d", 1, strings.NewReader("x")) }},
	"MissingBlobs": {nil, func(f *fixture) error { _, err := f.MissingBlobs(f.ctx, []string{"d"}); return err }},
	"SaveServices": {[]paas.AppRef{shop}, func(f *fixture) error {
		return f.SaveServices(f.ctx, 0, paas.ServiceChange{Bindings: []paas.Binding{binding(shop, "q", "queue")}, Events: []paas.Event{event(shop, "x")}})
	}},
	"PutConfigVersion": {nil, func(f *fixture) error { return f.PutConfigVersion(f.ctx, configVersion(shop, 103, "m", false)) }},
	"ConfigWritten": {nil, func(f *fixture) error {
		return f.ConfigWritten(f.ctx, configVersion(shop, 102, "m", true), event(shop, "x"))
	}},
	"AddConfigVersion": {nil, func(f *fixture) error {
		return f.AddConfigVersion(f.ctx, configVersion(shop, 101, "m", true), event(shop, "x"))
	}},
	"DropUnwritten":      {nil, func(f *fixture) error { return f.DropUnwritten(f.ctx, configVersion(shop, 103, "m", false)) }},
	"DropConfigVersions": {nil, func(f *fixture) error { return f.DropConfigVersions(f.ctx, shop, 50) }},
	"SweepBlobs":         {nil, func(f *fixture) error { _, _, err := f.SweepBlobs(f.ctx, nil, moment.Add(time.Hour)); return err }},
}

// changed does every kind of write, each on what a deployment under way leaves, and holds Changed to what is
// read of the apps before and after.
func changed(t *testing.T, f *fixture) {
	kinds := map[string]bool{}
	for kind := range writes {
		method, field, _ := strings.Cut(kind, "/")
		kinds[method], kinds[method+"/"+field] = true, true
	}
	for method := range reflect.TypeOf(f.Store).Methods() {
		if name := method.Name; !kinds[name] && !slices.Contains(readers, name) {
			t.Errorf("%s is neither a write of this test nor named as a method that writes nothing", name)
		}
	}
	for field := range reflect.TypeFor[paas.Observation]().Fields() {
		if name := field.Name; !kinds["Observe/"+name] {
			t.Errorf("this test does not observe %s", name)
		}
	}
	var since int64
	for _, kind := range slices.Sorted(maps.Keys(writes)) {
		changeSeed(f)
		_, now, err := f.Changed(f.ctx, since)
		f.must(err)
		if now <= since {
			t.Fatalf("before %s: the number is %d, after %d", kind, now, since)
		}
		before := f.whole()
		f.must(writes[kind].do(f))
		after := f.whole()
		var differ []paas.AppRef
		for _, ref := range slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after))) {
			if !cmp.Equal(before[ref], after[ref]) && !slices.Contains(differ, ref) {
				differ = append(differ, ref)
			}
		}
		f.equal(kind+": apps that are other than before", differ, writes[kind].shown)
		refs, next, err := f.Changed(f.ctx, now)
		f.must(err)
		if len(differ) == 0 {
			differ = []paas.AppRef{}
		}
		f.equal(kind+": apps that are said to have changed", refs, differ)
		refs, since, err = f.Changed(f.ctx, next)
		f.must(err)
		f.equal(kind+": asked again", refs, []paas.AppRef{})
		f.equal(kind+": the number, asked again", since, next)
	}
}

// changeSeed makes shop anew, and another app beside it.
func changeSeed(f *fixture) {
	for _, ref := range []paas.AppRef{shop, other} {
		if snap, err := f.Snapshot(f.ctx, ref); err == nil {
			f.must(f.Save(f.ctx, 0, paas.Change{Ref: ref, Version: snap.Version, Delete: true}))
		}
		c := newApp(ref)
		c.Releases, c.App.Release = []paas.Release{release(ref, 1), release(ref, 2)}, 1
		c.Slots = []paas.Slotted{{Team: ref.Team, App: ref.App, Slot: paas.Blue, Release: 1}}
		c.Deployments = []paas.Deployment{{ID: "d1", Team: ref.Team, App: ref.App, Release: 2, Previous: 1, State: paas.DeploymentRunning, CreatedAt: moment}}
		f.save(c)
	}
	o := observation(shop)
	o.Nodes = []paas.Node{{ID: "n-1", Status: paas.NodeReady, Since: moment}}
	o.Runs = []paas.Run{{ID: "r-1", Team: shop.Team, App: shop.App, CreatedAt: moment}}
	f.must(f.Observe(f.ctx, 0, o))
}

// wholeApp is all that a list of apps is made of.
type wholeApp struct {
	Snapshot    paas.Snapshot
	Deployments []paas.Deployment
}

func (f *fixture) whole() map[paas.AppRef]wholeApp {
	f.Helper()
	refs, err := f.Refs(f.ctx)
	f.must(err)
	all := map[paas.AppRef]wholeApp{}
	together, err := f.Snapshots(f.ctx, append(refs, paas.AppRef{Team: "no", App: "body"})...)
	f.must(err)
	f.equal("apps read together", len(together), len(refs))
	for _, ref := range refs {
		alone, err := f.Snapshot(f.ctx, ref)
		f.must(err)
		f.equal("an app read with others", together[ref], alone)
		alone.Traffic = nil // a list shows none
		deployments, err := f.Deployments(f.ctx, ref, 10)
		f.must(err)
		all[ref] = wholeApp{alone, deployments}
	}
	return all
}

// changesComplete reads again what Changed names while several write, longer and shorter: what it has read when
// they have ended is what there is.
func changesComplete(t *testing.T, f *fixture) {
	const writers, rounds = 4, 25
	ref := func(n int) paas.AppRef { return paas.AppRef{Team: "default", App: fmt.Sprintf("app-%d", n)} }
	for n := range writers {
		f.save(newApp(ref(n)))
	}
	var since int64
	read := map[paas.AppRef]paas.Snapshot{}
	again := func() {
		refs, next, err := f.Changed(f.ctx, since)
		f.must(err)
		since = next
		news, err := f.Snapshots(f.ctx, refs...)
		f.must(err)
		maps.Copy(read, news)
	}
	for round := range rounds {
		var wait sync.WaitGroup
		for writer := range writers {
			wait.Go(func() {
				var o paas.Observation
				for i := range 1 + writer*10 {
					o.Instances = append(o.Instances, instance(ref(writer), fmt.Sprintf("i-%d-%d", writer, i), round, paas.InstanceRunning))
				}
				if writer%2 == 0 {
					o.Events = []paas.Event{event(ref(writer), "seen")}
				}
				if err := f.Observe(f.ctx, 0, o); err != nil {
					f.Errorf("Observe: %v", err)
				}
			})
		}
		done := make(chan struct{})
		go func() { wait.Wait(); close(done) }()
		for writing := true; writing; {
			select {
			case <-done:
				writing = false
			default:
				again()
			}
		}
		again()
		all, err := f.Snapshots(f.ctx, slices.Collect(maps.Keys(read))...)
		f.must(err)
		f.equal("apps", len(all), writers)
		if diff := cmp.Diff(all, read); diff != "" {
			t.Fatalf("round %d: what was read again of changed apps (-all +read):\n%s", round, diff)
		}
	}
}
