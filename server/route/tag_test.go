package route_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

func TestARouteAtAnotherPortThanTheSchemesHasATagWithIt(t *testing.T) {
	t.Parallel()
	r := paas.Route{Host: "*.example.com", Path: "/api/"}
	for port, want := range map[string][]string{
		"":     {"urlprefix-*.example.com/api/"},
		"9999": {"urlprefix-*.example.com/api/", "urlprefix-*.example.com:9999/api/"},
	} {
		if diff := cmp.Diff(want, r.Tags(port)); diff != "" {
			t.Errorf("port %q: %s", port, diff)
		}
	}
}

func TestParseTagReadsAsFabioDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tag, src, opts string
		ok             bool
	}{
		{"urlprefix-shop.example.com/", "shop.example.com/", "", true},
		{" urlprefix- Shop.Example.com/Api strip=/Api proto=https", "shop.example.com/Api", "strip=/Api proto=https", true},
		{"urlprefix-:5432 proto=tcp", ":5432", "proto=tcp", true},
		{"urlprefix-Shop", "Shop", "", true}, // without a slash Fabio leaves the text as it is
		{"urlprefix-$x.example.com/${y}/z", ".example.com//z", "", true},
		{"prefix-shop/", "", "", false},
		{"canary", "", "", false},
	} {
		src, opts, ok := route.ParseTag(c.tag)
		if src != c.src || opts != c.opts || ok != c.ok {
			t.Errorf("ParseTag(%q) = %q, %q, %t; want %q, %q, %t", c.tag, src, opts, ok, c.src, c.opts, c.ok)
		}
	}
}

// A route that the domain admits must mean the same to Fabio.
func FuzzTagsOfValidRoutesKeepTheirMeaning(f *testing.F) {
	for _, seed := range []string{"shop.example.com/", "*.example.com/a/b", "A.b/$x", "a/b c", "a.b/(x)!y'", "crumpet.invalid/", "a:1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, problem := paas.ParseRoute(text)
		if problem != "" {
			return
		}
		again, problem := paas.ParseRoute(r.String())
		if problem != "" || again != r {
			t.Fatalf("%q is %q, which is read as %q, %s", text, r, again, problem)
		}
		src, opts, ok := route.ParseTag(r.Tags("")[0])
		if !ok || src != r.String() || opts != "" {
			t.Fatalf("the tag of %q is read as %q with options %q", r, src, opts)
		}
		c, err := route.Parse("route add svc " + src + " http://127.0.0.1:80/ tags \"" + r.Tags("")[0] + "\"")
		if err != nil || len(c) != 1 || c[0].Src != r.String() {
			t.Fatalf("the command of %q is read as %+v: %v", r, c, err)
		}
	})
}

func FuzzParseTag(f *testing.F) {
	f.Add("urlprefix-a/b c=d")
	f.Add("urlprefix-${")
	f.Fuzz(func(t *testing.T, tag string) {
		src, _, ok := route.ParseTag(tag)
		if ok && !strings.Contains(tag, paas.TagPrefix) {
			t.Fatalf("%q became the route %q", tag, src)
		}
		if strings.Contains(src, " ") {
			t.Fatalf("%q became the route %q, which has a space", tag, src)
		}
	})
}
