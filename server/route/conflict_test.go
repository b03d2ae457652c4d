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
		{Team: "other", App: "all", Host: "*.wild.example.com", Path: "/"},
		{Team: "default", App: "shop", Host: "shop.example.com", Path: "/"},
	}
	for text, want := range map[string]string{
		"store.example.com/":           `Route store.example.com/ already belongs to app "store". Choose another path or remove it there first.`,
		"store.example.com/api/":       "", // of the same team
		"blog.example.com/news/":       `already belongs to app "blog" of team "other"`,
		"blog.example.com/":            `overlaps blog.example.com/news/, which belongs to app "blog" of team "other"`,
		"blog.example.com/news/today/": "overlaps",
		"blog.example.com/newspaper/":  "",
		"a.wild.example.com/":          "wildcard",
		"*.a.wild.example.com/":        "wildcard",
		"wild.example.com/":            "",
		"*.example.com/":               "wildcard",
		"shop.example.com/":            "", // its own
		"free.example.com/":            "",
	} {
		r, problem := paas.ParseRoute(text)
		if problem != "" {
			t.Fatal(problem)
		}
		faults := route.Conflicts(shop, []paas.Route{r}, held)
		switch {
		case want == "" && len(faults) > 0:
			t.Errorf("%s: %s", text, faults[0].Message)
		case want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Message, want)):
			t.Errorf("%s: %+v, want one fault with %q", text, faults, want)
		}
	}
}
