package server_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// TestTheListOfAppsSaysWhatEachAppSays holds the list, which reads no more of an app than it must, to what is
// read of each app whole, and again after each thing that can happen to one.
func TestTheListOfAppsSaysWhatEachAppSays(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	config := apitest.Config(t, apitest.NewPlatform())
	config.Store, config.Metrics = st, nil
	server := httptest.NewServer(api.New(config))
	t.Cleanup(server.Close)
	get := func(path string, into any) {
		t.Helper()
		_, text := apitest.Call(t, "GET", server.URL+path, nil) //nolint:bodyclose // Call closes it
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("GET %s: %v: %s", path, err, text)
		}
	}
	seen := map[wire.AppState]int{}
	same := func(what string) {
		t.Helper()
		var list, anew wire.Apps
		get("/v1/apps?team=*", &list)
		started := httptest.NewServer(api.New(config)) // it has kept nothing, and an older one has changed nothing here
		defer started.Close()
		_, text := apitest.Call(t, "GET", started.URL+"/v1/apps?team=*", nil) //nolint:bodyclose // Call closes it
		if err := json.Unmarshal(text, &anew); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(anew, list); diff != "" {
			t.Errorf("%s: (-read anew +kept):\n%s", what, diff)
		}
		for _, line := range list.Items {
			var whole wire.App
			get("/v1/apps/"+line.App+"?team="+line.Team, &whole)
			if diff := cmp.Diff(whole, line); diff != "" {
				t.Errorf("%s: %s (-whole +line):\n%s", what, line.App, diff)
			}
			seen[line.Status]++
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 6 {
		seedApp(t, st, fmt.Sprintf("app-%d", n))
	}
	same("every instance is healthy")
	same("asked again")
	ref := func(n int) paas.AppRef { return paas.AppRef{Team: "default", App: fmt.Sprintf("app-%d", n)} }
	wish := func(n int, edit func(*paas.Snapshot, *paas.Change)) {
		t.Helper()
		snap, err := st.Snapshot(t.Context(), ref(n))
		must(err)
		change := paas.Change{Ref: ref(n), Version: snap.Version, App: &snap.App}
		edit(&snap, &change)
		must(st.Save(t.Context(), 0, change))
	}
	sick := instanceOf("app-0", 1)
	sick.Health, sick.Reason = paas.HealthCritical, "web answers its health check with 500"
	must(st.Observe(t.Context(), 0, paas.Observation{Instances: []paas.Instance{sick}}))
	same("an instance is not healthy")
	flapping := instanceOf("app-4", 1)
	flapping.Crashes, flapping.ExitCode = paas.CrashLoop, 1
	must(st.Observe(t.Context(), 0, paas.Observation{Instances: []paas.Instance{flapping}}))
	same("an instance flaps, and is healthy just now")
	var line wire.App
	get("/v1/apps/app-4", &line)
	if line.Health != paas.AppCrashing || line.Status != wire.AppDegraded || line.Reason != "web 1 (blue) is in a crash loop: it ended 3 times within ten minutes, last with code 1." {
		t.Errorf("a flapping app is called %s, %s: %s", line.Health, line.Status, line.Reason)
	}
	wish(1, func(s *paas.Snapshot, _ *paas.Change) { s.App.Stopped = true })
	wish(2, func(s *paas.Snapshot, c *paas.Change) {
		c.Deployments = []paas.Deployment{{ID: "d", Team: "default", App: "app-2", Release: 1, State: paas.DeploymentRunning, CreatedAt: time.Now()}}
	})
	wish(3, func(s *paas.Snapshot, _ *paas.Change) { s.App.Counts = map[string]int{"web": 0} })
	must(st.Observe(t.Context(), 0, paas.Observation{Routes: []paas.RouteFact{routeOf("app-4", paas.RoutePending)}}))
	same("one is stopped, one walks, one is scaled to nothing, one has no route")
	wish(5, func(s *paas.Snapshot, c *paas.Change) { // a release with another route serves
		rel := releaseOf("app-5", 2)
		rel.Spec.Processes[0].Routes[0].Host = "other.example.com"
		c.Releases, c.Claims, c.SetClaims = []paas.Release{rel}, rel.Spec.Routes(), true
		s.App.Release = 2
	})
	fact := routeOf("app-5", paas.RouteAnswering)
	fact.Host = "other.example.com"
	must(st.Observe(t.Context(), 0, paas.Observation{Routes: []paas.RouteFact{fact}}))
	same("another release serves")
	wish(5, func(_ *paas.Snapshot, c *paas.Change) { c.Delete, c.App = true, nil })
	seedApp(t, st, "app-5")
	same("an app was made anew")
	for _, state := range []wire.AppState{wire.AppRunning, wire.AppDegraded, wire.AppStopped, wire.AppDeploying} {
		if seen[state] == 0 {
			t.Errorf("no app was %s", state)
		}
	}
}

// TestTheListOfAppsIsCutIntoPages reads it page by page, of one team and of all, and asks for what is not there.
func TestTheListOfAppsIsCutIntoPages(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "crumpet.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	config := apitest.Config(t, apitest.NewPlatform())
	config.Store = st
	server := httptest.NewServer(api.New(config))
	t.Cleanup(server.Close)
	for _, team := range []string{"a", "b", "a-b", "c"} {
		if err := st.AddTeam(t.Context(), paas.Team{Name: team, CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range []paas.AppRef{{Team: "b", App: "a"}, {Team: "a-b", App: "x"}, {Team: "a", App: "z"}, {Team: "a", App: "y"}, {Team: "a", App: "x"}} {
		err := st.Save(t.Context(), 0, paas.Change{Ref: ref, App: &paas.App{Team: ref.Team, Name: ref.App, CreatedAt: time.Now()}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ query, want string }{
		{"team=*", "a/x a/y a/z a-b/x b/a"},
		{"team=*&limit=5", "a/x a/y a/z a-b/x b/a"},
		{"team=*&limit=4", "a/x a/y a/z a-b/x, next a-b/x"},
		{"team=*&limit=2&after=a-b/x", "b/a"},
		{"team=*&after=b/a", ""},
		{"team=a", "a/x a/y a/z"},
		{"team=a&limit=3", "a/x a/y a/z"},
		{"team=a&limit=2", "a/x a/y, next a/y"},
		{"team=a&limit=2&after=a/y", "a/z"},
		{"team=a&after=a/xx", "a/y a/z"}, // destroyed meanwhile
		{"team=b&after=a/y", "b/a"},
		{"team=a&after=b/a", ""},
		{"team=c", ""},
		{"", ""},
	} {
		_, text := apitest.Call(t, "GET", server.URL+"/v1/apps?"+c.query, nil) //nolint:bodyclose // Call closes it
		var page wire.Apps
		if err := json.Unmarshal(text, &page); err != nil || page.Items == nil {
			t.Fatalf("%s: %v: %s", c.query, err, text)
		}
		var words []string
		for _, line := range page.Items {
			words = append(words, line.Team+"/"+line.App)
		}
		got := strings.Join(words, " ")
		if page.Next != "" {
			got += ", next " + page.Next
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
}

// TestWhoeverHasWrittenSeesItInTheList has several write to an app of their own, each through a store and an
// API of its own, and ask for the list at once.
func TestWhoeverHasWrittenSeesItInTheList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "crumpet.db")
	shared := ""
	var wait sync.WaitGroup
	for writer := range 4 {
		st, err := store.Open(t.Context(), store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		config := apitest.Config(t, apitest.NewPlatform())
		config.Store = st
		server := httptest.NewServer(api.New(config))
		t.Cleanup(server.Close)
		if shared == "" {
			shared = server.URL
		}
		seedApp(t, st, fmt.Sprintf("app-%d", writer))
		wait.Go(func() {
			for round := range 15 {
				i := instanceOf(fmt.Sprintf("app-%d", writer), 0)
				i.Health, i.Reason = paas.HealthCritical, fmt.Sprintf("reason %d of %d", round, writer)
				if err := st.Observe(t.Context(), 0, paas.Observation{Instances: []paas.Instance{i}}); err != nil {
					t.Error(err)
					return
				}
				for _, url := range []string{server.URL, shared} {
					_, text := apitest.Call(t, "GET", url+"/v1/apps?limit=5000", nil) //nolint:bodyclose // Call closes it
					if !strings.Contains(string(text), `"app":"`+i.App+`"`) || !strings.Contains(string(text), `"reason":"`+i.Reason+`."`) {
						t.Errorf("after %q was written of %s the list is %s", i.Reason, i.App, text)
						return
					}
				}
			}
		})
	}
	wait.Wait()
}

func releaseOf(app string, number int) paas.Release {
	spec := paas.Spec{App: app, Processes: []paas.Process{{
		Name: "web", Program: paas.Program{Command: []paas.Value{paas.Literal("./web")}, CPU: 100, Memory: 128}, Instances: 2,
		Ports: []paas.Port{{Name: "http"}}, Routes: []paas.Route{{Host: app + ".example.com", Path: "/", Port: "http"}},
	}}}
	return paas.Release{Team: "default", App: app, Number: number, Spec: spec, SpecDigest: spec.Digest(), Artifact: "aa", CreatedAt: time.Now(), CreatedBy: "ann"}
}

func instanceOf(app string, index int) paas.Instance {
	since := time.Now()
	return paas.Instance{
		ID: fmt.Sprintf("%s-%d", app, index), Team: "default", App: app, Process: "web", Slot: paas.Blue, Index: index, Release: 1,
		NodeID: "n", Node: "n", State: paas.InstanceRunning, Health: paas.HealthHealthy, CreatedAt: since, Since: since,
		StartedAt: &since, PassingAt: &since, Ports: map[string]paas.Endpoint{"http": {Host: "127.0.0.1", Port: 40000}},
		Checks: []paas.CheckFact{{Name: "readiness", Status: paas.CheckPassing, Since: since}},
	}
}

func routeOf(app string, state paas.RouteState) paas.RouteFact {
	return paas.RouteFact{
		Team: "default", App: app, Host: app + ".example.com", Path: "/", State: state,
		Targets: []string{"127.0.0.1:40000"}, Any: []string{"127.0.0.1:40000"}, Since: time.Now(),
	}
}

// seedApp writes an app as a deployment leaves it.
func seedApp(t testing.TB, st *store.Store, name string) {
	t.Helper()
	rel := releaseOf(name, 1)
	app := paas.App{Team: "default", Name: name, Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}, CreatedAt: rel.CreatedAt}
	err := st.Save(t.Context(), 0, paas.Change{
		Ref: app.Ref(), App: &app, Claims: rel.Spec.Routes(), SetClaims: true, Releases: []paas.Release{rel},
		Slots: []paas.Slotted{{Team: app.Team, App: name, Slot: paas.Blue, Release: 1, Job: []byte("{}"), Counts: app.Counts, First: 1, Index: 1}},
	})
	if err == nil {
		err = st.Observe(t.Context(), 0, paas.Observation{
			Instances: []paas.Instance{instanceOf(name, 0), instanceOf(name, 1)},
			Jobs:      []paas.JobFact{{Team: app.Team, App: name, Slot: paas.Blue, Index: 1}},
			Routes:    []paas.RouteFact{routeOf(name, paas.RouteAnswering)},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
