package watch_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

var (
	shop  = paas.AppRef{Team: "acme", App: "shop"}
	claim = paas.Claim{Team: "acme", App: "shop", Host: "shop.localhost", Path: "/"}
)

// table is a router's table: a fence version and the targets of shop's route.
func table(router, version string, targets ...string) paas.RouterTable {
	t := paas.RouterTable{Router: router}
	if version != "" {
		t.Entries = append(t.Entries, paas.RouterEntry{Service: "crumpet-fence", Host: "crumpet.invalid", Path: "/acme/shop/" + version})
	}
	for _, dst := range targets {
		t.Entries = append(t.Entries, paas.RouterEntry{Service: "acme--shop--web--blue", Host: "shop.localhost", Path: "/", Dst: dst})
	}
	return t
}

func tables(list ...paas.RouterTable) watch.Seen {
	return watch.Seen{Tables: &watch.Tables{List: list}}
}

func answer(status, tries int, at time.Time, targets ...string) watch.Seen {
	return watch.Seen{Answers: map[paas.Claim]watch.Answer{claim: {Status: status, Tries: tries, At: at, Targets: targets}}}
}

// routed is a folder whose shop claims its route.
func routed() *folder {
	f := newFolder(100)
	f.in = f.in.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{shop: claiming()}})
	return f
}

func claiming() *watch.App {
	a := app("shop", 100)
	a.Claims = []paas.Claim{claim}
	return a
}

func TestARouteGoesFromPendingToAnswering(t *testing.T) {
	t.Parallel()
	f := routed()
	type fact struct {
		State        paas.RouteState
		Targets, Any []string
	}
	steps := []struct {
		name string
		seen watch.Seen
		want *fact // nil for no news
		told string
	}{
		{"in no table", tables(table("r1", ""), table("r2", "")), &fact{State: paas.RoutePending}, ""},
		{"in one table", tables(table("r1", "", "a:1"), table("r2", "")), &fact{State: paas.RoutePending, Any: []string{"a:1"}}, ""},
		{"in both", tables(table("r1", "", "a:1"), table("r2", "", "a:1")), &fact{paas.RouteRouted, []string{"a:1"}, []string{"a:1"}}, ""},
		{"the router answers for the app", answer(502, 1, after(0), "a:1"), nil, ""},
		{"the app answers, be it with 404", answer(404, 0, after(0), "a:1"), &fact{paas.RouteAnswering, []string{"a:1"}, []string{"a:1"}}, "Route shop.localhost/ answers"},
		{"another target, not asked yet", tables(table("r1", "", "a:1", "b:2"), table("r2", "", "b:2", "a:1")), &fact{paas.RouteAnswering, []string{"a:1"}, []string{"a:1", "b:2"}}, ""},
		{"the new target answers", answer(200, 0, after(0), "a:1", "b:2"), &fact{paas.RouteAnswering, []string{"a:1", "b:2"}, []string{"a:1", "b:2"}}, ""},
		{"one router is away", watch.Seen{Tables: &watch.Tables{List: []paas.RouterTable{table("r1", "")}, Err: "r2 is away"}}, nil, ""},
		{"an old target is left in one", tables(table("r1", "", "b:2"), table("r2", "", "b:2", "a:1")), nil, ""},
		{"and the rest answers", answer(200, 0, after(0), "b:2"), &fact{paas.RouteAnswering, []string{"b:2"}, []string{"a:1", "b:2"}}, ""},
		{"new targets do not answer", tables(table("r1", "", "c:3"), table("r2", "", "c:3")), &fact{paas.RouteAnswering, []string{"b:2"}, []string{"c:3"}}, ""},
		{"as the router says", answer(503, 1, after(0), "c:3"), &fact{paas.RouteRouted, []string{"c:3"}, []string{"c:3"}}, "Route shop.localhost/ does not answer any more"},
		{"gone", tables(table("r1", ""), table("r2", "")), &fact{State: paas.RoutePending}, ""},
	}
	for i, s := range steps {
		news := f.at(after(time.Duration(i)*time.Second), s.seen)
		var got *fact
		if len(news.Routes) == 1 {
			r := news.Routes[0]
			got = &fact{r.State, r.Targets, r.Any}
		}
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
		told := ""
		if len(news.Events) == 1 {
			told = news.Events[0].Message
		}
		if told != s.told {
			t.Errorf("%s: told %q, want %q", s.name, told, s.told)
		}
	}
}

func TestAnotherAppsServiceIsNoTarget(t *testing.T) {
	t.Parallel()
	f := routed()
	strange := table("r1", "")
	strange.Entries = append(strange.Entries,
		paas.RouterEntry{Service: "acme--other--web--blue", Host: "shop.localhost", Path: "/", Dst: "x:1"},
		paas.RouterEntry{Service: "foreign", Host: "shop.localhost", Path: "/", Dst: "x:2"},
		paas.RouterEntry{Service: "acme--shop--web--blue", Host: "shop.localhost", Path: "/deeper/", Dst: "x:3"})
	news := f.at(after(0), tables(strange))
	if len(news.Routes) != 1 || news.Routes[0].Any != nil {
		t.Errorf("routes = %+v, want one without targets", news.Routes)
	}
}

func TestAFenceIsSeenWhenItStandsInEveryRouter(t *testing.T) {
	t.Parallel()
	f := routed()
	steps := []struct {
		name string
		seen watch.Seen
		want paas.RouterFact
	}{
		{"both have it", tables(table("r1", "7"), table("r2", "7")), paas.RouterFact{Routers: 2, Seen: "7"}},
		{"they differ", tables(table("r1", "8"), table("r2", "7")), paas.RouterFact{Routers: 2}},
		{"both have the next", tables(table("r1", "8"), table("r2", "8")), paas.RouterFact{Routers: 2, Seen: "8"}},
		{"one is away", watch.Seen{Tables: &watch.Tables{List: []paas.RouterTable{table("r1", "8")}, Err: "r2 is away"}}, paas.RouterFact{Routers: 1, Reason: "r2 is away"}},
		{"a third comes up empty", tables(table("r1", "8"), table("r2", "8"), table("r3", "")), paas.RouterFact{Routers: 3}},
	}
	for i, s := range steps {
		news := f.at(after(time.Duration(i)*time.Second), s.seen)
		s.want.Team, s.want.App = "acme", "shop"
		if diff := cmp.Diff([]paas.RouterFact{s.want}, news.Routers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestProbesAskForWhatHasNotAnswered(t *testing.T) {
	t.Parallel()
	f := routed()
	probes := func(at time.Duration) ([]watch.Probe, time.Time) { return watch.Probes(f.in, f.facts, after(at)) }

	f.at(after(0), tables(table("r1", "")))
	if got, _ := probes(0); got != nil {
		t.Errorf("a route in no table is asked for: %v", got)
	}
	f.at(after(0), tables(table("r1", "", "a:1")))
	if got, _ := probes(0); !cmp.Equal(got, []watch.Probe{{Claim: claim, Targets: []string{"a:1"}}}) {
		t.Errorf("probes = %v, want the new route", got)
	}
	f.at(after(0), answer(503, 3, after(0), "a:1"))
	if got, due := probes(700 * time.Millisecond); got != nil || !due.Equal(after(800*time.Millisecond)) {
		t.Errorf("probes = %v, due %s, want none before 800 ms: each failure doubles the pause", got, due)
	}
	if got, _ := probes(800 * time.Millisecond); len(got) != 1 || got[0].Tries != 3 {
		t.Errorf("probes = %v, want one after three tries", got)
	}
	f.at(after(0), answer(503, 99, after(0), "a:1"))
	if got, _ := probes(2 * time.Second); len(got) != 1 {
		t.Errorf("the pause is longer than 2 s after many tries")
	}
	f.at(after(0), answer(200, 0, after(0), "a:1"))
	if got, due := probes(time.Hour); got != nil || !due.IsZero() {
		t.Errorf("probes = %v, due %s, want none for a route that answers", got, due)
	}
	f.at(after(0), tables(table("r1", "", "a:1", "b:2")))
	if got, _ := probes(time.Hour); len(got) != 1 || got[0].Tries != 0 {
		t.Errorf("probes = %v, want one for the new targets", got)
	}

	// After a restart what answered is believed, as long as nothing changed.
	again := routed()
	again.facts = watch.KnownFacts(nil, []paas.RouteFact{{Team: "acme", App: "shop", Host: "shop.localhost", Path: "/", State: paas.RouteAnswering, Targets: []string{"a:1"}, Any: []string{"a:1"}}}, nil, nil)
	news := again.at(after(0), tables(table("r1", "", "a:1")))
	if got, _ := watch.Probes(again.in, again.facts, after(0)); got != nil || len(news.Routes) != 0 {
		t.Errorf("after a restart probes = %v, routes %v, want none", got, news.Routes)
	}
}

func TestPaceIsFastOnlyWhileSomebodyWaits(t *testing.T) {
	t.Parallel()
	pace := func(edit func(*watch.App), known ...paas.RouteFact) time.Duration {
		a := app("shop", 100)
		a.Claims = []paas.Claim{claim}
		edit(a)
		in := watch.Inputs{}.Take(watch.Seen{Apps: map[paas.AppRef]*watch.App{shop: a}})
		return watch.Pace(in, watch.KnownFacts(nil, known, nil, nil), after(0))
	}
	fact := func(state paas.RouteState, since time.Time) paas.RouteFact {
		return paas.RouteFact{Team: "acme", App: "shop", Host: "shop.localhost", Path: "/", State: state, Since: since}
	}
	none := func(*watch.App) {}
	for _, tt := range []struct {
		name string
		got  time.Duration
		want time.Duration
	}{
		{"nothing moves", pace(none, fact(paas.RouteAnswering, after(0))), 5 * time.Second},
		{"a step was just taken", pace(func(a *watch.App) { a.Walking, a.StepAt = true, after(-time.Second) }), 100 * time.Millisecond},
		{"a step stands still", pace(func(a *watch.App) { a.Walking, a.StepAt = true, after(-time.Hour) }), time.Second},
		{"a walk is paused", pace(func(a *watch.App) { a.Walking = true }), time.Second},
		{"a route is on its way", pace(none, fact(paas.RouteRouted, after(-time.Second))), 100 * time.Millisecond},
		{"a route never comes", pace(none, fact(paas.RouteRouted, after(-time.Hour))), 5 * time.Second},
		{"a stopped app's route", pace(func(a *watch.App) { a.Idle = true }, fact(paas.RoutePending, after(-time.Second))), 5 * time.Second},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: pace = %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestARouteClaimedAfterTheTablesWereReadIsFound(t *testing.T) {
	t.Parallel()
	f := newFolder(100)
	f.at(after(0), tables(table("r1", "v1", "a:1")))
	news := f.at(after(time.Second), watch.Seen{Apps: map[paas.AppRef]*watch.App{shop: claiming()}})
	if len(news.Routes) != 1 || news.Routes[0].State != paas.RouteRouted {
		t.Errorf("routes = %+v, want one that is routed", news.Routes)
	}
}
