package route_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

func TestConflicts(t *testing.T) {
	t.Parallel()
	held := []paas.Claim{
		{Team: "default", App: "store", Host: "store.example.com", Path: "/"},
		{Team: "other", App: "blog", Host: "blog.example.com", Path: "/news/"},
		{Team: "seen", App: "feed", Host: "lent.example.com", Path: "/feed/"},
		{Team: "other", App: "blog", Host: "lent.example.com", Path: "/blog/"},
		{Team: "default", App: "shop", Host: "shop.example.com", Path: "/"},
	}
	hosts := []paas.Host{
		{Host: "store.example.com", Team: "default"},
		{Host: "shop.example.com", Team: "default"},
		{Host: "blog.example.com", Team: "other"},
		{Host: "*.wild.example.com", Team: "other"},
		{Host: "feed.example.com", Team: "seen"},
		{Host: "lent.example.com", Team: "other", Shared: []string{"default", "seen"}},
		{Host: "*.open.example.com", Team: "other", Shared: []string{"default"}},
		{Host: "*.deep.open.example.com", Team: "other"},
	}
	sight := paas.Sight{Teams: []string{"seen"}}
	for text, want := range map[string]string{
		"store.example.com/":       `Route store.example.com/ already belongs to app "store". Choose another path or remove it there first.`,
		"store.example.com/api/":   "", // of the same team
		"blog.example.com/news/":   "Host blog.example.com belongs to another team.",
		"blog.example.com/":        "another team", // whatever the path
		"*.blog.example.com/":      "can't be had beside one that belongs to another team",
		"a.blog.example.com/":      "",
		"a.wild.example.com/":      "another team",
		"*.a.wild.example.com/":    "another team",
		"wild.example.com/":        "another team", // belongs as its wildcard does
		"*.example.com/":           "another team", // below it are hosts of others
		"feed.example.com/":        `Host feed.example.com belongs to team "seen".`,
		"*.feed.example.com/":      `Host *.feed.example.com can't be had beside feed.example.com, which belongs to team "seen"`,
		"lent.example.com/":        "", // shared, whatever is below
		"lent.example.com/feed/":   `already belongs to app "feed" of team "seen"`,
		"lent.example.com/blog/":   "Route lent.example.com/blog/ already belongs to another team. Choose another path.",
		"a.open.example.com/":      "",
		"open.example.com/":        "",
		"a.deep.open.example.com/": "another team", // that wildcard is not shared
		"shop.example.com/":        "",             // its own
		"free.example.com/":        "",
	} {
		r, problem := paas.ParseRoute(text)
		if problem != "" {
			t.Fatal(problem)
		}
		faults := route.Conflicts(shop, []paas.Route{r}, held, hosts, sight)
		switch {
		case want == "" && len(faults) > 0:
			t.Errorf("%s: %s", text, faults[0].Message)
		case want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Message, want) || strings.Contains(faults[0].Message, `"other"`)):
			t.Errorf("%s: %+v, want one fault with %q", text, faults, want)
		}
	}
}
