package route_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

var (
	shop  = paas.AppRef{Team: "default", App: "shop"}
	green = paas.Service{Team: "default", App: "shop", Process: "web", Slot: paas.Green}
	root  = paas.Route{Host: "shop.example.com", Path: "/"}
)

func TestRenderPutsTheFenceLast(t *testing.T) {
	t.Parallel()
	blue := green
	blue.Slot = paas.Blue
	text, err := route.Render(shop, "d1.3", []route.Rule{route.Share(green, root, 0.05), route.Dark(blue)})
	if err != nil {
		t.Fatal(err)
	}
	want := `route del default--shop--web--blue
route weight default--shop--web--green shop.example.com/ weight 0.0500
route add crumpet-fence crumpet.invalid/default/shop/d1.3 http://127.0.0.1:9/
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	commands, err := route.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	parsed := []route.Command{
		{Verb: route.VerbDel, Service: blue.String()},
		{Verb: route.VerbWeight, Service: green.String(), Src: "shop.example.com/", Weight: 0.05},
		{Verb: route.VerbAdd, Service: "crumpet-fence", Src: "crumpet.invalid/default/shop/d1.3", Dst: "http://127.0.0.1:9/"},
	}
	if diff := cmp.Diff(parsed, commands); diff != "" {
		t.Error(diff)
	}
	if v := route.FenceVersion(text); v != "d1.3" {
		t.Errorf("the fence shows version %q", v)
	}
}

func TestARuleMayBeOfOneRouteAtTheRoutersPort(t *testing.T) {
	t.Parallel()
	text, err := route.Render(shop, "1", []route.Rule{
		route.Share(green, root, 1), route.Share(green, root, 1).AtPort("9999"), route.DarkRoute(green, root), route.DarkRoute(green, root).AtPort("9999"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `route del default--shop--web--green shop.example.com/
route del default--shop--web--green shop.example.com:9999/
route weight default--shop--web--green shop.example.com/ weight 2
route weight default--shop--web--green shop.example.com:9999/ weight 2
route add crumpet-fence crumpet.invalid/default/shop/1 http://127.0.0.1:9/
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}

func TestShapeOfARule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules []route.Rule
		want  route.Shape
	}{
		"only a fence": {nil, route.Shape{}},
		"dark":         {[]route.Rule{route.Dark(green)}, route.Shape{Hides: true}},
		"a share":      {[]route.Rule{route.Share(green, root, 0.5)}, route.Shape{Shares: true}},
		"both":         {[]route.Rule{route.Share(green, root, 0.5), route.DarkRoute(green, root)}, route.Shape{Hides: true, Shares: true}},
	} {
		text, err := route.Render(shop, "1", c.rules)
		if err != nil || route.ShapeOf(text) != c.want {
			t.Errorf("%s: %+v, %v", name, route.ShapeOf(text), err)
		}
	}
	if s := route.ShapeOf("nonsense"); s != (route.Shape{}) {
		t.Errorf("nonsense: %+v", s)
	}
}

func TestSharesNeverLeakNorRoundToZero(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{
		1: "2", 0.5: "0.5000", 0.05: "0.0500", 0.001: "0.0010", 0.0000001: "0.0010", 0.99999: "0.9999",
	} {
		text, err := route.Render(shop, "1", []route.Rule{route.Share(green, root, share)})
		if err != nil || !strings.Contains(text, " weight "+want+"\n") {
			t.Errorf("share %v: %s%v; want weight %s", share, text, err, want)
		}
	}
}

func TestRenderRefusesWhatRoutersMisread(t *testing.T) {
	t.Parallel()
	other := green
	other.App = "store"
	odd := green
	odd.Process = "a--b"
	for name, c := range map[string]struct {
		ref     paas.AppRef
		version string
		rule    route.Rule
		want    string
	}{
		"a share of nothing is an even share":   {shop, "1", route.Share(green, root, 0), "share 0"},
		"a negative share is an even share":     {shop, "1", route.Share(green, root, -1), "share -1"},
		"no number is an even share":            {shop, "1", route.Share(green, root, math.NaN()), "share NaN"},
		"infinity is an empty ring":             {shop, "1", route.Share(green, root, math.Inf(1)), "share +Inf"},
		"more than all is no share":             {shop, "1", route.Share(green, root, 1.5), "share 1.5"},
		"a rule of another app":                 {shop, "1", route.Dark(other), "of another"},
		"a service that can't be split again":   {shop, "1", route.Dark(odd), "no service of an app"},
		"a route in upper case matches nothing": {shop, "1", route.Share(green, paas.Route{Host: "Shop.example.com", Path: "/"}, 1), "upper-case"},
		"a router's port that is none":          {shop, "1", route.Share(green, root, 1).AtPort("99 99"), "no port"},
		"a share of no route":                   {shop, "1", route.Share(green, paas.Route{}, 1), "no host"},
		"a route with a space":                  {shop, "1", route.Share(green, paas.Route{Host: "a.b", Path: "/ x/"}, 1), "character"},
		"an empty rule":                         {shop, "1", route.Rule{}, "of another"},
		"a version with a slash":                {shop, "1/2", route.Dark(green), "version"},
		"no version":                            {shop, "", route.Dark(green), "version"},
		"a version with a line break":           {shop, "1\nroute del x", route.Dark(green), "version"},
		"a team with a dot":                     {paas.AppRef{Team: "a.b", App: "shop"}, "1", route.Dark(green), "team"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := route.Render(c.ref, c.version, []route.Rule{c.rule})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want an error with %q", text, err, c.want)
			}
		})
	}
}

func TestParseFollowsFabiosGrammar(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]route.Command{
		`route  add	s a/ http://h:1/ weight 0.5 tags "x, y" opts "strip=/a"`: {Verb: route.VerbAdd, Service: "s", Src: "a/", Dst: "http://h:1/", Weight: 0.5, Tags: []string{"x", "y"}, Opts: "strip=/a"},
		`route del s`:                           {Verb: route.VerbDel, Service: "s"},
		`route del s tags ""`:                   {Verb: route.VerbDel, Service: "s"}, // deletes the whole service
		`route del s tags "x"`:                  {Verb: route.VerbDel, Service: "s", Tags: []string{"x"}},
		`route del tags "x"`:                    {Verb: route.VerbDel, Tags: []string{"x"}},
		`route del s tags slot-green`:           {Verb: route.VerbDel, Service: "s", Src: "tags", Dst: "slot-green"}, // does nothing
		`route weight s a/ weight 0.1`:          {Verb: route.VerbWeight, Service: "s", Src: "a/", Weight: 0.1},
		`route weight a/ weight 0.1 tags "x"`:   {Verb: route.VerbWeight, Src: "a/", Weight: 0.1, Tags: []string{"x"}},
		`route weight s a/ weight 1 tags "x,y"`: {Verb: route.VerbWeight, Service: "s", Src: "a/", Weight: 1, Tags: []string{"x", "y"}},
	} {
		got, err := route.Parse("# a comment\n// another\n\n  " + text + "  \n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff([]route.Command{want}, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestParseRefusesWhatFreezesEveryTable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"route wieght s a/ weight 1",
		"route weight s a/ weight 0,05",
		"route weight s a/ weight 1 # why",
		"route del s a/ http://h/ x",
		"route add s a/",
		`route add s a/ http://h/ tags "a"b"`,
		`route add s a/ http://h/ opts "x" tags "y"`,
		"rout del s",
		"route del s\n" + "#" + strings.Repeat("x", 66_000) + "\nroute del t",
	} {
		if got, err := route.Parse(text); err == nil {
			t.Errorf("%.60s: read as %+v", text, got)
		}
	}
}

func TestSeenWantsOneVersionInEveryTable(t *testing.T) {
	t.Parallel()
	table := func(versions ...string) paas.RouterTable {
		tbl := paas.RouterTable{Entries: []paas.RouterEntry{
			{Service: green.String(), Host: "shop.example.com", Path: "/"},
			{Service: "crumpet-fence", Host: "crumpet.invalid", Path: "/default/store/9"},
			{Service: "stranger", Host: "crumpet.invalid", Path: "/default/shop/9"},
		}}
		for _, v := range versions {
			tbl.Entries = append(tbl.Entries, paas.RouterEntry{Service: "crumpet-fence", Host: "crumpet.invalid", Path: "/default/shop/" + v})
		}
		return tbl
	}
	for name, c := range map[string]struct {
		tables []paas.RouterTable
		want   string
	}{
		"no router":               {nil, ""},
		"one router with it":      {[]paas.RouterTable{table("7")}, "7"},
		"two routers with it":     {[]paas.RouterTable{table("7"), table("7")}, "7"},
		"one router behind":       {[]paas.RouterTable{table("7"), table("6")}, ""},
		"one router without it":   {[]paas.RouterTable{table("7"), table()}, ""},
		"the first is without it": {[]paas.RouterTable{table(), table("7")}, ""},
	} {
		if got := route.Seen(c.tables, shop); got != c.want {
			t.Errorf("%s: seen %q, want %q", name, got, c.want)
		}
	}
}

// Every rule that is rendered means to Fabio what was asked for, whatever was asked for.
func FuzzRenderedRulesAreReadBack(f *testing.F) {
	f.Add("default", "shop", "web", "shop.example.com/", 0.5, "1")
	f.Add("a\nroute del x", "b", "c", "d/", 1.0, "\"")
	f.Fuzz(func(t *testing.T, team, app, process, text string, share float64, version string) {
		r, _ := paas.ParseRoute(text)
		s := paas.Service{Team: team, App: app, Process: process, Slot: paas.Blue}
		rule, err := route.Render(paas.AppRef{Team: team, App: app}, version, []route.Rule{route.Share(s, r, share), route.Dark(s)})
		if err != nil {
			return
		}
		c, err := route.Parse(rule)
		if err != nil || len(c) != 3 {
			t.Fatalf("%q is read as %+v: %v", rule, c, err)
		}
		if c[0].Service != s.String() || c[0].Src != "" || c[1].Service != s.String() || c[1].Src != r.String() || c[1].Weight < 0.001 {
			t.Fatalf("%q is read as %+v", rule, c)
		}
		if want := fmt.Sprintf("crumpet.invalid/%s/%s/%s", team, app, version); c[2].Src != want {
			t.Fatalf("the fence is %q, want %q", c[2].Src, want)
		}
	})
}
